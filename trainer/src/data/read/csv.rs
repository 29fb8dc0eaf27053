//! Reads CSV and TSV files.

use anyhow::{Context, Result, bail, ensure};
use csv::StringRecord;

use crate::data::table::{Cells, Column, FirstRow, Table};

/// Reads a CSV or TSV file. `first_row` decides what the first row is. Cells that are missing at the end of
/// a row are empty.
pub(super) fn read(
    bytes: &[u8],
    separator: u8,
    first_row: impl Fn(&StringRecord) -> Result<FirstRow>,
) -> Result<Table> {
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.delimiter(separator).has_headers(false).flexible(true).from_reader(bytes);
    let mut records = reader
        .into_records()
        .map(|record| record.context("expected text in UTF-8"))
        // A line of spaces counts as an empty line.
        .filter(|record| {
            !record.as_ref().is_ok_and(|cells| cells.len() == 1 && cells[0].trim().is_empty())
        });
    let Some(first) = records.next().transpose()? else {
        bail!("the file is empty: expected a row of column names and rows of values");
    };
    let count = first.len();
    let kind = first_row(&first)?;
    let names: Vec<String> = match kind {
        FirstRow::Names => first.iter().map(|name| name.trim().to_string()).collect(),
        FirstRow::Numbers | FirstRow::Values => (0..count).map(|k| k.to_string()).collect(),
    };
    let values = (kind == FirstRow::Values).then_some(Ok(first));
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); count];
    let mut lines = Vec::new();
    for record in values.into_iter().chain(records) {
        let record = record?;
        let line = record.position().map_or(0, |position| line(bytes, position));
        ensure!(
            record.len() <= count,
            "line {line} has {} cells: expected at most {count}, as in the first row",
            record.len()
        );
        lines.push(line);
        for (k, column) in columns.iter_mut().enumerate() {
            column.push(record.get(k).unwrap_or_default().to_string());
        }
    }
    ensure!(!lines.is_empty(), "the file has column names, but no rows of values");
    let columns = names
        .into_iter()
        .zip(columns)
        .map(|(name, cells)| Column { name, cells: Cells::Text(cells) })
        .collect();
    let named = kind == FirstRow::Names;
    Ok(Table { file: String::new(), named, columns, rows: lines.len(), lines: Some(lines) })
}

/// Returns the line on which a record starts. The reader reports a position before the empty lines that it
/// skips.
fn line(bytes: &[u8], position: &csv::Position) -> u64 {
    let rest = usize::try_from(position.byte()).ok().and_then(|at| bytes.get(at..));
    let empty = rest.unwrap_or(&[]).iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    position.line() + empty.filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let table = read(b"a,b\n1,2\n\n\"x\ny\",4\n5,6\n", b',', FirstRow::of).unwrap();
        assert_eq!(table.lines, Some(vec![2, 4, 6]));
    }

    #[test]
    fn empty_files_are_refused() {
        for (text, expected) in [("", "empty"), ("\n", "empty"), ("x,y\n", "no rows")] {
            let error = read(text.as_bytes(), b',', FirstRow::of).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_long_row_is_an_error_and_a_short_one_has_missing_values() {
        let error = read(b"a,b\n1,2\n3,4,5\n", b',', FirstRow::of).unwrap_err().to_string();
        assert!(error.contains("line 3 has 3 cells"), "{error}");
        let table = read(b"a,b\n1,2\n   \n3\n", b',', FirstRow::of).unwrap();
        assert_eq!(table.columns[1].cells, Cells::Text(vec!["2".into(), String::new()]));
        assert_eq!(table.lines, Some(vec![2, 4]));
    }

    #[test]
    fn a_first_row_of_numbers_is_values_unless_it_numbers_the_columns() {
        let rows = |text: &str| {
            let table = read(text.as_bytes(), b',', FirstRow::of).unwrap();
            (table.named, table.rows, table.columns[0].name.clone())
        };
        assert_eq!(rows("x,y\n1,2\n"), (true, 1, "x".to_string()));
        assert_eq!(rows("0.5,1\n1,2\n"), (false, 2, "0".to_string()));
        assert_eq!(rows("0,1,2\n1,2,3\n"), (false, 1, "0".to_string()));
        assert_eq!(rows("0\n1\n"), (false, 2, "0".to_string()));
        let error = read(b"0,1\n1,2\n", b',', FirstRow::of).unwrap_err().to_string();
        assert!(error.contains("add a row of names"), "{error}");
    }
}
