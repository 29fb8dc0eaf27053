//! Checks that the cells of a row suit the use of their columns.

use anyhow::{Error, Result, anyhow};

use super::condition_source::Source;
use super::table::{Cell, Table};

/// The flags that errors about cells advise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Advice {
    /// None: the command has no flags that choose columns or rows.
    #[default]
    None,
    /// `--columns`, which chooses data columns.
    Columns,
    /// Those of `flowlet train`: `--data`, `--condition`, `--categorical` and `--skip-invalid`.
    Train,
}

/// Returns an error if the row has no value in the column `group`.
pub(super) fn check_group(table: &Table, row: usize, group: Option<usize>) -> Result<()> {
    match group {
        Some(column) if table.cell(column, row) == Cell::Missing => {
            Err(unexpected(table, row, column, "the name of a group", ""))
        }
        _ => Ok(()),
    }
}

/// Returns the error for a cell that is not `expected`, followed by `advice`.
fn unexpected(table: &Table, row: usize, column: usize, expected: &str, advice: &str) -> Error {
    anyhow!(
        "{}, column {}: expected {expected}, found {:?}{advice}",
        table.place(row),
        table.columns[column].name,
        table.text(column, row)
    )
}

/// Returns an error for the first cell of the row that is not valid: the columns `data` need numbers, the
/// condition columns `sources` need numbers or, if `categorical`, any value. The error names the flags of
/// `advice`.
pub(super) fn check_row(
    table: &Table,
    row: usize,
    data: &[usize],
    sources: &[Source<'_>],
    categorical: &[bool],
    advice: Advice,
) -> Result<()> {
    for &column in data {
        match table.cell(column, row) {
            Cell::Number(_) => {}
            Cell::Text(_) => {
                let name = &table.columns[column].name;
                let advice = match advice {
                    Advice::None => String::new(),
                    Advice::Columns => ". Choose the columns with --columns".to_string(),
                    Advice::Train => format!(
                        ". Choose the data columns with --data, or use text as a condition with \
                         --condition {name}"
                    ),
                };
                return Err(unexpected(table, row, column, "a number", &advice));
            }
            Cell::Missing => return Err(unexpected(table, row, column, "a finite number", "")),
        }
    }
    for (&Source { table, column }, &categorical) in sources.iter().zip(categorical) {
        match table.cell(column, row) {
            Cell::Number(_) => {}
            Cell::Text(_) if categorical => {}
            Cell::Text(_) => {
                let name = &table.columns[column].name;
                let advice =
                    format!(". If the values are names of categories, say --categorical {name}");
                return Err(unexpected(table, row, column, "a number as in other rows", &advice));
            }
            Cell::Missing => return Err(unexpected(table, row, column, "a value", "")),
        }
    }
    Ok(())
}
