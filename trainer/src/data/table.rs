//! The columns of a file: their names, and the values of those that are wanted.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use anyhow::{Result, bail};

use super::decimal::parse_f32;
use super::digits::Lost;
use crate::disk::quote::{listed, shortened};

/// What a file says about its columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Header {
    /// The name of the file, for messages.
    pub(super) file: String,
    /// Whether the file names its columns. If not, their names are their numbers from 0.
    pub(super) named: bool,
    /// The names of the columns.
    pub(super) names: Vec<String>,
    /// Whether the file is text, so that its rows have lines.
    pub(super) text: bool,
    /// The number of columns at the start that are an index, which numbers the rows. They are data only by name.
    pub(super) index: usize,
    /// The arrays of the file, in the order of their columns. Empty if it has none.
    pub(super) blocks: Vec<Block>,
    /// The names and shapes of the arrays of an archive of several. Some may have other purposes, so its data must be
    /// named.
    pub(super) archive: Option<String>,
    /// What was found out about the file and its user should know, such as what separates its cells.
    pub(super) found: Option<String>,
}

/// An array whose columns stand side by side in a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Block {
    /// The array's columns.
    pub(super) columns: Range<usize>,
    /// The lengths of all axes but the first.
    pub(super) shape: Vec<usize>,
}

impl Block {
    /// The array whose first column is `first`, and whose axes but the first have the lengths `shape`.
    pub(super) fn of(first: usize, shape: &[usize]) -> Self {
        Self { columns: first..first + shape.iter().product::<usize>(), shape: shape.to_vec() }
    }
}

impl Header {
    /// Returns the shape of a row of the columns `data`, if they are one array of several axes.
    pub(super) fn shape_of(&self, data: &[usize]) -> Option<Vec<usize>> {
        let block =
            self.blocks.iter().find(|block| data.iter().copied().eq(block.columns.clone()))?;
        (block.shape.len() > 1).then(|| block.shape.clone())
    }

    /// Returns the columns that are no index.
    pub(super) fn columns(&self) -> Range<usize> {
        self.index..self.names.len()
    }

    /// Returns the columns called `names`, or `None` if the file lacks one or does not name its columns.
    pub(super) fn find<'a>(&self, names: impl Iterator<Item = &'a String>) -> Option<Vec<usize>> {
        let find = |name: &String| self.names.iter().position(|column| column == name);
        if self.named { names.map(find).collect() } else { None }
    }

    /// Returns the name of a column for a message.
    pub(super) fn name(&self, column: usize) -> Cow<'_, str> {
        shortened(&self.names[column])
    }

    /// Returns the names of the columns for a message, or their number if they have no names.
    pub(super) fn listed(&self) -> String {
        let columns = self.columns();
        if self.named {
            listed(&self.names[columns])
        } else {
            format!("{} without names", columns.len())
        }
    }
}

/// How the values of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Use {
    /// As numbers.
    Numbers,
    /// As text: the names of categories or groups.
    Labels,
    /// As text if the column has text and no number, otherwise as numbers.
    Either,
}

/// The columns that are read. All others are skipped.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Wanted {
    /// Columns of numbers that are stored side by side.
    pub(super) data: Vec<usize>,
    /// Columns that are stored separately.
    pub(super) others: Vec<(usize, Use)>,
}

/// The values of a file's wanted columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    pub(super) header: Header,
    pub(super) rows: usize,
    /// The values of [`Wanted::data`], `[rows][D]`. A cell that is no finite number is NaN.
    pub(super) data: Vec<f32>,
    /// The first cell of `data` that is no finite number.
    pub(super) odd: Option<Odd>,
    /// The values of [`Wanted::others`], in the same order.
    pub(super) others: Vec<Cells>,
    /// The lines of the rows, if the file is text.
    pub(super) lines: Lines,
    /// The first column of numbers whose digits were lost.
    pub(super) lost: Option<(usize, Lost)>,
}

/// The values of a column that is stored separately.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cells {
    Numbers {
        /// One for each row. A cell that is no finite number is NaN.
        values: Vec<f32>,
        /// The first cell that is no finite number.
        odd: Option<Odd>,
    },
    Labels {
        labels: Labels,
        /// The first cell that is missing.
        odd: Option<Odd>,
    },
}

/// A cell that does not suit its column.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Odd {
    pub(super) row: usize,
    /// The number of its column in the file.
    pub(super) column: usize,
    /// The cell as text.
    pub(super) text: String,
    /// Whether the cell is missing. Otherwise it is text.
    pub(super) missing: bool,
}

/// The texts of a column. Each different text is stored once.
#[derive(Clone, Debug, Default)]
pub(super) struct Labels {
    /// The different texts, in the order of their first cells.
    pub(super) names: Vec<String>,
    /// The index in `names` of each row's text, or [`MISSING`].
    pub(super) ids: Vec<u32>,
    known: HashMap<String, u32>,
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        (&self.names, &self.ids) == (&other.names, &other.ids)
    }
}

/// The label of a row whose cell is missing.
pub(super) const MISSING: u32 = u32::MAX;

impl Labels {
    /// Returns the labels of the rows `rows`, in that order.
    pub(super) fn select(&self, rows: impl Iterator<Item = usize>) -> Self {
        let ids = rows.map(|row| self.ids[row]).collect();
        Self { names: self.names.clone(), ids, known: HashMap::new() }
    }

    /// Returns the index of `text` in `names`, and adds it if it is new.
    pub(super) fn id(&mut self, text: &str) -> u32 {
        if let Some(&id) = self.known.get(text) {
            return id;
        }
        // 2³² different texts would not fit into memory.
        let id = u32::try_from(self.names.len()).unwrap_or(MISSING);
        self.names.push(text.to_string());
        self.known.insert(text.to_string(), id);
        id
    }

    /// Adds the text of the next row, or [`MISSING`] for `None`.
    pub(super) fn push(&mut self, text: Option<&str>) {
        let id = text.map_or(MISSING, |text| self.id(text));
        self.ids.push(id);
    }

    /// Sorts the different texts of the rows, numerically if `numbers` and all are numbers, otherwise
    /// alphabetically. The label of each row becomes its text's place in this order. Returns the texts.
    pub(super) fn sort(&mut self, numbers: bool) -> Vec<String> {
        let names = std::mem::take(&mut self.names);
        self.known.clear();
        let mut used = vec![false; names.len()];
        self.ids.iter().filter(|&&id| id != MISSING).for_each(|&id| used[id as usize] = true);
        let mut order: Vec<usize> = (0..names.len()).filter(|&id| used[id]).collect();
        order.sort_by(|&a, &b| names[a].cmp(&names[b]));
        let number = |id: usize| names[id].parse::<f64>().unwrap_or(f64::NAN);
        if numbers && order.iter().all(|&id| !number(id).is_nan()) {
            order.sort_by(|&a, &b| number(a).total_cmp(&number(b)));
        }
        let mut place = vec![MISSING; names.len()];
        order.iter().zip(0..).for_each(|(&id, at)| place[id] = at);
        self.ids.iter_mut().filter(|id| **id != MISSING).for_each(|id| *id = place[*id as usize]);
        self.names = order.into_iter().map(|id| names[id].clone()).collect();
        self.names.clone()
    }
}

/// The value of a cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    /// An empty cell, or a value that is not finite.
    Missing,
    Number(f32),
    Text(&'a str),
}

impl Table {
    /// Adds the rows of another table of the same columns.
    ///
    /// # Errors
    ///
    /// Returns an error if a column has text in one table and numbers in the other.
    pub(super) fn append(&mut self, other: Self) -> Result<()> {
        let rows = self.rows;
        let further = |odd: Option<Odd>| odd.map(|odd| Odd { row: odd.row + rows, ..odd });
        self.rows += other.rows;
        self.data.extend(other.data);
        self.odd = self.odd.take().or_else(|| further(other.odd));
        self.lost = self.lost.take().or(other.lost);
        let file = other.header.file;
        for (own, other) in self.others.iter_mut().zip(other.others) {
            match (own, other) {
                (Cells::Numbers { values, odd }, Cells::Numbers { values: more, odd: their }) => {
                    values.extend(more);
                    *odd = odd.take().or_else(|| further(their));
                }
                (Cells::Labels { labels, odd }, Cells::Labels { labels: more, odd: their }) => {
                    for &id in &more.ids {
                        labels.push(more.names.get(id as usize).map(String::as_str));
                    }
                    *odd = odd.take().or_else(|| further(their));
                }
                _ => bail!(
                    "{file}: a column has text, but numbers in {}, or the other way round: expected the same kind of column \
                     in all files",
                    self.header.file
                ),
            }
        }
        Ok(())
    }

    /// Returns the place of a row for a message, such as `points.csv, line 7`.
    pub(super) fn place(&self, row: usize) -> String {
        let file = &self.header.file;
        if self.header.text {
            format!("{file}, line {}", self.lines.of(row))
        } else {
            format!("{file}, row {row} (counted from 0)")
        }
    }
}

/// The lines on which the rows of a text file start. Stores only where a line does not follow the line before
/// it, since most files have one row on each line.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Lines {
    /// A row, and its line. Each row after it, up to the next entry, is one line further.
    jumps: Vec<(usize, u64)>,
    rows: usize,
}

impl Lines {
    /// Adds the line of the next row.
    pub(super) fn push(&mut self, line: u64) {
        if self.jumps.last().is_none_or(|&(row, first)| first + (self.rows - row) as u64 != line) {
            self.jumps.push((self.rows, line));
        }
        self.rows += 1;
    }

    /// Returns the line of a row.
    pub(super) fn of(&self, row: usize) -> u64 {
        let after = self.jumps.partition_point(|&(first, _)| first <= row);
        let (first, line) = after.checked_sub(1).map_or((0, 1), |at| self.jumps[at]);
        line + (row - first) as u64
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
    /// on, perhaps after an empty cell for an index, otherwise values. True and false are values.
    ///
    /// # Errors
    ///
    /// Returns an error for the row 0, 1, which may be column numbers or values.
    pub(super) fn of(first: &[&str]) -> Result<Self> {
        if first.iter().any(|cell| matches!(parse(cell), Cell::Text(text) if flag(text).is_none()))
        {
            return Ok(Self::Names);
        }
        let counts =
            |cells: &[&str]| cells.iter().enumerate().all(|(k, cell)| cell.trim() == k.to_string());
        if let [index, rest @ ..] = first
            && index.trim().is_empty()
            && !rest.is_empty()
            && counts(rest)
        {
            return Ok(Self::Numbers);
        }
        let counts = counts(first);
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
    if let Some(value) = parse_f32(text) {
        return number(value);
    }
    let missing = ["", "na", "n/a", "null", "none"];
    if missing.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        Cell::Missing
    } else {
        Cell::Text(text)
    }
}

/// Returns 1 for the word true, 0 for false, in upper or lower case.
pub(super) fn flag(text: &str) -> Option<f32> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("true") { Some(1.0) } else { is("false").then_some(0.0) }
}

/// Returns the cell of a number. A value that is not finite as an f32 is missing.
pub(super) fn number<'a>(value: f32) -> Cell<'a> {
    if value.is_finite() { Cell::Number(value) } else { Cell::Missing }
}

/// Returns a number as text: the shortest decimal that reads back as the same float.
pub(super) fn number_text(wide: f64) -> String {
    let narrow = wide as f32;
    if f64::from(narrow) == wide { narrow.to_string() } else { wide.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_that_were_pushed() {
        let lines = [2, 3, 4, 8, 9, 11, 12, 12, 20];
        let mut stored = Lines::default();
        lines.iter().for_each(|&line| stored.push(line));
        assert_eq!(lines.len(), stored.rows);
        assert!(lines.iter().enumerate().all(|(row, &line)| stored.of(row) == line));
        assert_eq!(stored.jumps.len(), 5);
    }

    #[test]
    fn cells_are_numbers_missing_or_text() {
        for text in ["", "  ", "NA", "n/a", "Null", "none", "nan", "-inf", "Infinity", "1e39"] {
            assert_eq!(parse(text), Cell::Missing, "{text:?}");
        }
        for (text, number) in [(" 1.5 ", 1.5), ("+2", 2.0), (".5", 0.5), ("1e-3", 1e-3)] {
            assert_eq!(parse(text), Cell::Number(number), "{text:?}");
        }
        for text in ["a", "1,5", "0x10", "1 2", "nana"] {
            assert_eq!(parse(text), Cell::Text(text));
        }
    }
}
