//! Checks that the cells of each row suit the use of their columns.

use anyhow::{Error, anyhow};

use super::dates::{is_date, seconds};
use super::matrix::retain_rows;
use super::notation::{has_thousands, is_number, thousands};
use super::table::{Cells, MISSING, Odd, Table};
use crate::disk::quote::quoted;

/// The flags that errors about cells recommend.
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

/// Returns the first row that is not valid, with what is wrong: a data column needs finite numbers, a condition
/// column numbers or, for categories, any value, and the column of groups any value. The tables have the same
/// rows. `group` has the groups, and the table that they come from. The error names the flags of `advice`.
pub(super) fn first_invalid(
    table: &Table,
    conditions: &[(&Table, &Cells)],
    group: Option<(&Table, &Cells)>,
    advice: Advice,
) -> Option<(usize, Error)> {
    let mut found: Option<(usize, Error)> = None;
    // Of several invalid cells in one row, the first counts.
    let mut take = |table: &Table, odd: Option<&Odd>, expected: &str, advice: String| {
        if let Some(odd) = odd.filter(|odd| found.as_ref().is_none_or(|(row, _)| odd.row < *row)) {
            found = Some((odd.row, unexpected(table, odd, expected, &advice)));
        }
    };
    let name = |table: &Table, odd: &Odd| table.header.name(odd.column).into_owned();
    match &table.odd {
        Some(odd) if !odd.missing => {
            let mended = how_to_mend(table, odd);
            let advice = match advice {
                _ if mended.is_some() => mended.unwrap_or_default(),
                Advice::None => String::new(),
                Advice::Columns => ". Choose the columns with --columns".to_string(),
                Advice::Train => format!(
                    ". Choose the data columns with --data, or use text as a category of the data with --categorical {0}, \
                     or as a condition with --condition {0}",
                    name(table, odd)
                ),
            };
            take(table, Some(odd), "a number", advice);
        }
        odd => take(table, odd.as_ref(), "a finite number", String::new()),
    }
    for &(table, cells) in conditions {
        match cells {
            Cells::Numbers { odd: Some(odd), .. } if !odd.missing => {
                let advice = how_to_mend(table, odd).unwrap_or_else(|| {
                    format!(
                        ". If the values are names of categories, add --categorical {}",
                        name(table, odd)
                    )
                });
                take(table, Some(odd), "a number as in other rows", advice);
            }
            Cells::Numbers { odd, .. } | Cells::Labels { odd, .. } => {
                take(table, odd.as_ref(), "a value", String::new());
            }
        }
    }
    if let Some((table, Cells::Numbers { odd, .. } | Cells::Labels { odd, .. })) = group {
        take(table, odd.as_ref(), "the name of a group", String::new());
    }
    found
}

/// Says what to do about a cell that is a number or a date in another notation.
fn how_to_mend(table: &Table, odd: &Odd) -> Option<String> {
    let text = odd.text.trim();
    if is_date(text) {
        return Some(format!(", a date. {}", seconds(&table.header.names[odd.column])));
    }
    if has_thousands(text) {
        return Some(format!(": {}", thousands(text)));
    }
    let comma = is_number(text, ',') && table.header.text;
    comma.then(|| ". If commas are decimal, say --decimal ,".to_string())
}

/// Returns the error for a cell that is not `expected`, followed by `advice`.
pub(super) fn unexpected(table: &Table, odd: &Odd, expected: &str, advice: &str) -> Error {
    anyhow!(
        "{}, column {}: expected {expected}, found {}{advice}",
        table.place(odd.row),
        table.header.name(odd.column),
        quoted(&odd.text)
    )
}

/// Returns for each row whether all its cells are valid. `data` is `[rows][width]`.
pub(super) fn valid_rows<'a>(
    data: &[f32],
    width: usize,
    others: impl Iterator<Item = &'a Cells>,
) -> Vec<bool> {
    let finite = |row: &[f32]| row.iter().all(|x| x.is_finite());
    let mut valid: Vec<bool> = data.chunks_exact(width).map(finite).collect();
    for cells in others {
        match cells {
            Cells::Numbers { values, .. } => {
                valid.iter_mut().zip(values).for_each(|(valid, x)| *valid &= x.is_finite());
            }
            Cells::Labels { labels, .. } => {
                valid.iter_mut().zip(&labels.ids).for_each(|(valid, id)| *valid &= *id != MISSING);
            }
        }
    }
    valid
}

impl Cells {
    /// Keeps the rows whose flag in `kept` is set.
    pub(super) fn retain(&mut self, kept: &[bool]) {
        match self {
            Self::Numbers { values, .. } => retain_rows(values, 1, kept),
            Self::Labels { labels, .. } => retain_rows(&mut labels.ids, 1, kept),
        }
    }
}
