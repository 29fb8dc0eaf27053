//! The columns of a file, before their uses are known.

use anyhow::{Result, bail};
use csv::StringRecord;

/// Named columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// The name of the file, for messages.
    pub(super) file: String,
    /// Whether the file names its columns. If not, their names are their numbers from 0.
    pub(super) named: bool,
    pub(super) columns: Vec<Column>,
    pub(super) rows: usize,
    /// The line of each row, if the file is text.
    pub(super) lines: Option<Vec<u64>>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) cells: Cells,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cells {
    /// 64-bit, so that large integers remain distinct as categories and groups.
    Numbers(Vec<f64>),
    Text(Vec<String>),
}

/// The value of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// An empty cell, or a value that is not finite.
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

    /// Returns a cell as text. A number is the shortest decimal that reads back as the same float.
    pub(super) fn text(&self, column: usize, row: usize) -> String {
        match &self.columns[column].cells {
            Cells::Numbers(numbers) => {
                let (wide, narrow) = (numbers[row], numbers[row] as f32);
                if f64::from(narrow) == wide { narrow.to_string() } else { wide.to_string() }
            }
            Cells::Text(text) => text[row].trim().to_string(),
        }
    }

    /// Returns the columns called `names`, or `None` if the file lacks one or does not name its columns.
    pub(super) fn find<'a>(&self, names: impl Iterator<Item = &'a String>) -> Option<Vec<usize>> {
        let find = |name: &String| self.columns.iter().position(|column| column.name == *name);
        if self.named { names.map(find).collect() } else { None }
    }

    /// Returns the names of the columns for a message, or their number if they have no names.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        match names.len() {
            n if !self.named => format!("{n} without names"),
            n if n > 10 => format!("{} and {} more", names[..10].join(", "), n - 10),
            _ => names.join(", "),
        }
    }

    /// Whether a column is text: it has cells of text and none of numbers.
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

    /// Returns the place of a row for a message, such as `points.csv, line 7`.
    pub(super) fn place(&self, row: usize) -> String {
        match &self.lines {
            Some(lines) => format!("{}, line {}", self.file, lines[row]),
            None => format!("{}, row {row} (counted from 0)", self.file),
        }
    }
}

/// The meaning of the first row of a text file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FirstRow {
    /// The names of the columns.
    Names,
    /// The numbers of the columns from 0. pandas writes this row for an array without names.
    Numbers,
    /// Values like those of the other rows.
    Values,
}

impl FirstRow {
    /// Guesses the meaning of the row `first`: names if it has text, column numbers if it is 0, 1, 2 and so
    /// on, otherwise values.
    ///
    /// # Errors
    ///
    /// Returns an error for the row 0, 1, which may be column numbers or values.
    pub(super) fn of(first: &StringRecord) -> Result<Self> {
        if first.iter().any(|cell| matches!(parse(cell), Cell::Text(_))) {
            return Ok(Self::Names);
        }
        let counts = first.iter().enumerate().all(|(k, cell)| cell.trim() == k.to_string());
        match first.len() {
            2 if counts => bail!(
                "the first row is 0, 1, which may be column numbers or values: add a row of names before \
                 it, such as x,y"
            ),
            3.. if counts => Ok(Self::Numbers),
            _ => Ok(Self::Values),
        }
    }
}

/// Parses a cell of a text file.
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

/// Returns the cell of a number. A value that is not finite as an f32 is missing.
fn number<'a>(value: f32) -> Cell<'a> {
    if value.is_finite() { Cell::Number(value) } else { Cell::Missing }
}
