//! Tables of text.

use anyhow::{Context, Result, bail, ensure};
use csv::StringRecord;

use super::table::{Cells, Column, Table};

/// Reads a CSV or TSV file. Its first row are names if `has_names` says so; otherwise columns are
/// called by their numbers.
pub(super) fn read(
    bytes: &[u8],
    separator: u8,
    has_names: impl Fn(&StringRecord) -> bool,
) -> Result<Table> {
    let reader =
        csv::ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(bytes);
    let mut records = reader.into_records().peekable();
    let Some(first) = records.peek() else {
        bail!("the file is empty: expected a row of column names and rows of values");
    };
    let count = first.as_ref().map_or(0, StringRecord::len);
    let names = match first {
        Ok(first) if has_names(first) => {
            let names = first.iter().map(|name| name.trim().to_string()).collect();
            records.next();
            names
        }
        _ => (0..count).map(|column| column.to_string()).collect::<Vec<_>>(),
    };
    let mut columns: Vec<Vec<String>> = vec![Vec::new(); count];
    let mut lines = Vec::new();
    for record in records {
        let record =
            record.context("expected text, and as many cells in each row as in the first")?;
        lines.push(record.position().map_or(0, |position| line(bytes, position)));
        columns.iter_mut().zip(&record).for_each(|(column, cell)| column.push(cell.to_string()));
    }
    ensure!(!lines.is_empty(), "the file has column names, but no rows of values");
    let columns = names
        .into_iter()
        .zip(columns)
        .map(|(name, cells)| Column { name, cells: Cells::Text(cells) })
        .collect();
    Ok(Table { file: String::new(), columns, rows: lines.len(), lines: Some(lines) })
}

/// The line that a record begins on. The reader's position is before the empty lines that it skips.
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
        let table = read(b"a,b\n1,2\n\n\"x\ny\",4\n5,6\n", b',', |_| true).unwrap();
        assert_eq!(table.lines, Some(vec![2, 4, 6]));
    }

    #[test]
    fn empty_files_are_refused() {
        for (text, expected) in [("", "empty"), ("\n", "empty"), ("x,y\n", "no rows")] {
            let error = read(text.as_bytes(), b',', |_| true).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn a_short_row_is_named_with_its_line() {
        let error = format!("{:#}", read(b"a,b\n1,2\n3\n", b',', |_| true).unwrap_err());
        assert!(error.contains("line: 3"), "{error}");
    }
}
