//! A file's columns, before anyone knows which are data.

use anyhow::{Result, bail};
use csv::StringRecord;

/// Named columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// The file, for messages.
    pub(super) file: String,
    /// Whether the file names its columns; if not, they are called by their numbers.
    pub(super) named: bool,
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
    /// The line of each row, in a text file.
    pub(super) lines: Option<Vec<u64>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) cells: Cells,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cells {
    /// As wide as the file's, so that large integers stay apart as categories and groups.
    Numbers(Vec<f64>),
    Text(Vec<String>),
}

/// What stands in a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing, or a value that is not finite.
    Missing,
    Number(f32),
    Text(&'a str),
}

impl Cell<'_> {
    pub(super) fn number(self) -> Option<f32> {
        if let Cell::Number(number) = self { Some(number) } else { None }
    }
}

impl Table {
    pub(super) fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        match &self.columns[column].cells {
            Cells::Numbers(numbers) => number(numbers[row] as f32),
            Cells::Text(text) => parse(&text[row]),
        }
    }

    /// A cell as text: a number as the shortest that reads back as the same.
    pub(super) fn text(&self, column: usize, row: usize) -> String {
        match &self.columns[column].cells {
            Cells::Numbers(numbers) => {
                let (wide, narrow) = (numbers[row], numbers[row] as f32);
                if f64::from(narrow) == wide { narrow.to_string() } else { wide.to_string() }
            }
            Cells::Text(text) => text[row].trim().to_string(),
        }
    }

    /// The columns called `names`, if the file names its columns and has them all.
    pub(super) fn find<'a>(&self, names: impl Iterator<Item = &'a String>) -> Option<Vec<usize>> {
        let find = |name: &String| self.columns.iter().position(|column| column.name == *name);
        if self.named { names.map(find).collect() } else { None }
    }

    /// The names of the columns, or how many there are without.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        match names.len() {
            n if !self.named => format!("{n} without names"),
            n if n > 10 => format!("{} and {} more", names[..10].join(", "), n - 10),
            _ => names.join(", "),
        }
    }

    /// Whether a column is text: it has some, and no numbers.
    pub(super) fn is_text(&self, column: usize) -> bool {
        let mut text = false;
        for row in 0..self.rows {
            match self.cell(column, row) {
                Cell::Number(_) => return false,
                Cell::Text(_) => text = true,
                Cell::Missing => {}
            }
        }
        text
    }

    /// Where a row stands: `points.csv, line 7`.
    pub(super) fn place(&self, row: usize) -> String {
        match &self.lines {
            Some(lines) => format!("{}, line {}", self.file, lines[row]),
            None => format!("{}, row {row} (counted from 0)", self.file),
        }
    }
}

/// What the first row of a text file is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FirstRow {
    /// The names of the columns.
    Names,
    /// The numbers of the columns from 0, as arrays are headed when pandas writes them.
    Numbers,
    /// Values like those of the other rows.
    Values,
}

impl FirstRow {
    /// Text makes names, numbers are values unless they count the columns.
    pub(super) fn of(first: &StringRecord) -> Result<Self> {
        if first.iter().any(|cell| matches!(parse(cell), Cell::Text(_))) {
            return Ok(Self::Names);
        }
        let counts = first.iter().enumerate().all(|(k, cell)| cell.trim() == k.to_string());
        match first.len() {
            2 if counts => bail!(
                "the first row is 0, 1: expected names (x,y, say), since these may be the columns' \
                 numbers as well as values"
            ),
            3.. if counts => Ok(Self::Numbers),
            _ => Ok(Self::Values),
        }
    }
}

/// A cell of a text file.
pub(super) fn parse(text: &str) -> Cell<'_> {
    let text = text.trim();
    if text.is_empty()
        || ["na", "n/a", "null", "none"].contains(&text.to_ascii_lowercase().as_str())
    {
        return Cell::Missing;
    }
    match text.parse() {
        Ok(value) => number(value),
        Err(_) => Cell::Text(text),
    }
}

/// What is not finite, or beyond an f32, is no value.
fn number<'a>(value: f32) -> Cell<'a> {
    if value.is_finite() { Cell::Number(value) } else { Cell::Missing }
}
