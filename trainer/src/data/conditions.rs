//! Conditions: what the user calls them, and the numbers that a network sees.

use std::path::Path;

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::matrix::Matrix;
use super::table::{Cell, Table, parse};

/// A condition as the user named it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionColumn {
    /// The column's name.
    pub name: String,
    /// The names of its categories, each a one-hot column of the network; without them it is a
    /// number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

impl ConditionColumn {
    /// How many of the network's `C` columns it takes.
    pub fn width(&self) -> usize {
        self.categories.as_ref().map_or(1, Vec::len)
    }

    /// Adds the columns of one cell to `c`.
    pub(super) fn encode(&self, cell: Cell<'_>, text: &str, c: &mut Vec<f32>) -> Result<()> {
        let Some(categories) = &self.categories else {
            return match cell {
                Cell::Number(number) => {
                    c.push(number);
                    Ok(())
                }
                _ => bail!("condition {}: expected a finite number, found {text:?}", self.name),
            };
        };
        let Some(index) = categories.iter().position(|category| category == text) else {
            let shown: Vec<&str> = categories.iter().take(10).map(String::as_str).collect();
            let more = if categories.len() > shown.len() { ", …" } else { "" };
            bail!(
                "condition {}: {text:?} is no category: expected one of {}{more}",
                self.name,
                shown.join(", ")
            );
        };
        c.extend((0..categories.len()).map(|k| if k == index { 1.0 } else { 0.0 }));
        Ok(())
    }
}

/// The network's `C` numbers for one row of conditions: a category or number for each of
/// `columns`, or all `C` numbers themselves.
///
/// # Errors
///
/// On another count, an unknown category, or a cell that is no finite number.
pub fn encode(columns: &[ConditionColumn], cells: &[&str]) -> Result<Vec<f32>> {
    let width: usize = columns.iter().map(ConditionColumn::width).sum();
    if cells.len() == columns.len() {
        let mut c = Vec::with_capacity(width);
        for (column, cell) in columns.iter().zip(cells) {
            column.encode(parse(cell), cell.trim(), &mut c)?;
        }
        return Ok(c);
    }
    ensure!(cells.len() == width, "found {} values", cells.len());
    cells
        .iter()
        .map(|cell| match parse(cell) {
            Cell::Number(number) => Ok(number),
            _ => bail!("expected a finite number, found {cell:?}"),
        })
        .collect()
}

/// Reads one row of conditions per sample: the columns called like `columns`, or all `C` numbers; a
/// CSV of numbers alone needs no row of names.
///
/// # Errors
///
/// When the file cannot be read or does not fit; the message names the line.
pub fn load_conditions(path: &Path, columns: &[ConditionColumn]) -> Result<Matrix> {
    let table = Table::read_numbers(path)?;
    let width: usize = columns.iter().map(ConditionColumn::width).sum();
    let named: Vec<Option<usize>> = columns
        .iter()
        .map(|wanted| table.columns.iter().position(|column| column.name == wanted.name))
        .collect();
    let chosen: Vec<usize> = if let Some(named) = named.into_iter().collect() {
        named
    } else if [columns.len(), width].contains(&table.columns.len()) {
        (0..table.columns.len()).collect()
    } else {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        bail!(
            "{}: expected the conditions {} as columns, or {width} columns of numbers, found {} columns",
            table.file,
            names.join(", "),
            table.columns.len()
        );
    };
    let mut values = Vec::with_capacity(table.rows * width);
    for row in 0..table.rows {
        let cells: Vec<String> = chosen.iter().map(|&column| table.text(column, row)).collect();
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let c = encode(columns, &cells).map_err(|error| error.context(table.place(row)))?;
        values.extend(c);
    }
    Ok(Matrix::new(values, table.rows, width))
}

/// Reads one row of `columns` numbers per sample, for the option `what`. A CSV may come with or
/// without a row of names.
///
/// # Errors
///
/// When the file cannot be read, has another width, or holds what is no finite number; the message
/// names the line.
pub fn load_matrix(path: &Path, columns: usize, what: &str) -> Result<Matrix> {
    let table = Table::read_numbers(path)?;
    ensure!(
        table.columns.len() == columns,
        "{what} {}: expected {columns} columns, found {}",
        table.file,
        table.columns.len()
    );
    let rows = table.rows;
    let mut values = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            match table.cell(column, row) {
                Cell::Number(number) => values.push(number),
                _ => bail!(
                    "{}, column {}: expected a finite number, found {:?}",
                    table.place(row),
                    table.columns[column].name,
                    table.text(column, row)
                ),
            }
        }
    }
    Ok(Matrix::new(values, rows, columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn columns() -> Vec<ConditionColumn> {
        let categories = Some(["cat", "dog"].map(str::to_string).to_vec());
        vec![
            ConditionColumn { name: "animal".into(), categories },
            ConditionColumn { name: "age".into(), categories: None },
        ]
    }

    #[test]
    fn categories_become_one_hot_and_numbers_stay() {
        assert_eq!(encode(&columns(), &["dog", "3.5"]).unwrap(), [0.0, 1.0, 3.5]);
        assert_eq!(encode(&columns(), &["0", "1", "3.5"]).unwrap(), [0.0, 1.0, 3.5]);
    }

    #[test]
    fn wrong_conditions_are_named() {
        let error = |cells: &[&str]| encode(&columns(), cells).unwrap_err().to_string();
        assert!(error(&["cow", "1"]).contains("\"cow\" is no category: expected one of cat, dog"));
        assert!(error(&["cat", "old"]).contains("condition age"));
        assert!(error(&["1"]).contains("found 1 values"));
    }

    #[test]
    fn a_file_of_conditions_may_have_its_columns_in_any_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.csv");
        fs::write(&path, "age,other,animal\n1,x,cat\n2,y,dog\n").unwrap();
        let c = load_conditions(&path, &columns()).unwrap();
        assert_eq!(c.values(), [1.0, 0.0, 1.0, 0.0, 1.0, 2.0]);
        fs::write(&path, "age,animal\n1,cat\n2,cow\n").unwrap();
        let error = format!("{:#}", load_conditions(&path, &columns()).unwrap_err());
        assert!(error.contains("line 3") && error.contains("cow"), "{error}");
    }

    #[test]
    fn starting_points_need_no_row_of_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x0.csv");
        for text in ["0.5,1\n-2,3\n", "x,y\n0.5,1\n-2,3\n"] {
            fs::write(&path, text).unwrap();
            let x = load_matrix(&path, 2, "--x0").unwrap();
            assert_eq!(x.values(), [0.5, 1.0, -2.0, 3.0]);
        }
        let error = load_matrix(&path, 3, "--x0").unwrap_err().to_string();
        assert!(error.contains("expected 3 columns, found 2"), "{error}");
    }
}
