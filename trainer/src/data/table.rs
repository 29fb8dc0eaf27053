//! A file's columns, before anyone knows which are data.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use csv::StringRecord;

use super::{read_csv, read_npy, read_safetensors};
use crate::files;

/// Named columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// The file, for messages.
    pub(super) file: String,
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
    Numbers(Vec<f32>),
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

impl Table {
    /// Reads a file by what its name ends in. Text files have a row of names.
    pub(super) fn read(path: &Path) -> Result<Self> {
        Self::read_with(path, |_| true)
    }

    /// The same, but a text file whose first row is numbers has no row of names.
    pub(super) fn read_numbers(path: &Path) -> Result<Self> {
        Self::read_with(path, |first| first.iter().any(|cell| matches!(parse(cell), Cell::Text(_))))
    }

    fn read_with(path: &Path, has_names: fn(&StringRecord) -> bool) -> Result<Self> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
        let read = |bytes: &[u8]| match extension.to_ascii_lowercase().as_str() {
            "csv" => read_csv::read(bytes, b',', has_names),
            "tsv" => read_csv::read(bytes, b'\t', has_names),
            "npy" => read_npy::read(bytes),
            "safetensors" => read_safetensors::read(bytes),
            _ => bail!("expected a name that ends in .csv, .tsv, .npy or .safetensors"),
        };
        let bytes = files::read(path)?;
        let table = read(&bytes).with_context(|| path.display().to_string())?;
        ensure!(
            table.rows > 0 && !table.columns.is_empty(),
            "{}: no rows: expected at least one",
            path.display()
        );
        Ok(Self { file: path.display().to_string(), ..table })
    }

    pub(super) fn cell(&self, column: usize, row: usize) -> Cell<'_> {
        match &self.columns[column].cells {
            Cells::Numbers(numbers) if numbers[row].is_finite() => Cell::Number(numbers[row]),
            Cells::Numbers(_) => Cell::Missing,
            Cells::Text(text) => parse(&text[row]),
        }
    }

    /// A cell as text: a number as the shortest that reads back as the same.
    pub(super) fn text(&self, column: usize, row: usize) -> String {
        match &self.columns[column].cells {
            Cells::Numbers(numbers) => numbers[row].to_string(),
            Cells::Text(text) => text[row].trim().to_string(),
        }
    }

    /// Whether any cell of a column is text.
    pub(super) fn has_text(&self, column: usize) -> bool {
        (0..self.rows).any(|row| matches!(self.cell(column, row), Cell::Text(_)))
    }

    /// Where a row stands: `points.csv, line 7`.
    pub(super) fn place(&self, row: usize) -> String {
        match &self.lines {
            Some(lines) => format!("{}, line {}", self.file, lines[row]),
            None => format!("{}, row {row} (counted from 0)", self.file),
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
    match text.parse::<f32>() {
        Ok(number) if number.is_finite() => Cell::Number(number),
        // "nan" and "inf", or a number beyond an f32.
        Ok(_) => Cell::Missing,
        Err(_) => Cell::Text(text),
    }
}
