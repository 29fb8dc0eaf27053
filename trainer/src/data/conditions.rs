//! Conditions: their names and categories, and their encoding as numbers for the network.

use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;

use anyhow::{Error, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::check_row::unexpected;
use super::matrix::Matrix;
use super::read;
use super::table::{Cell, Cells, FirstRow, MISSING, Use, Wanted, flag, parse};
use super::table_options::TableOptions;
use crate::disk::quote::{listed, quoted, shortened};

/// A condition column of the user's data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionColumn {
    /// The column's name.
    pub name: String,
    /// The names of its categories, each a one-hot column of the network. `None` for a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

impl ConditionColumn {
    /// Returns how many of the network's `C` condition columns it takes.
    pub fn width(&self) -> usize {
        self.categories.as_ref().map_or(1, Vec::len)
    }

    /// Returns each of `conditions` with its columns of the network's `C`.
    pub fn with_columns(conditions: &[Self]) -> impl Iterator<Item = (Range<usize>, &Self)> {
        conditions.iter().scan(0, |next, condition| {
            let columns = *next..*next + condition.width();
            *next = columns.end;
            Some((columns, condition))
        })
    }

    /// The column that tells, in a network that was also trained without conditions, that there are some: for numbers,
    /// zeros in flow units alone would be their means. Its only category is always chosen, so commands do not ask for it.
    pub fn presence(others: &[Self]) -> Self {
        let mut name = "condition".to_string();
        while others.iter().any(|other| other.name == name) {
            name.push('_');
        }
        Self { name, categories: Some(vec!["given".to_string()]) }
    }

    /// Whether there is something to choose: a number, or one of several categories.
    pub fn has_choice(&self) -> bool {
        self.categories.as_ref().is_none_or(|categories| categories.len() > 1)
    }

    /// Appends the encoding of one cell to `c`. `text` is the same cell as text.
    pub(super) fn encode(&self, cell: Cell<'_>, text: &str, c: &mut Vec<f32>) -> Result<()> {
        let Some(categories) = &self.categories else {
            let number = match cell {
                Cell::Number(number) => Some(number),
                Cell::Missing | Cell::Text(_) => flag(text),
            };
            return match number {
                Some(number) => {
                    c.push(number);
                    Ok(())
                }
                None => bail!(
                    "condition {}: expected a finite number, found {}",
                    shortened(&self.name),
                    quoted(text)
                ),
            };
        };
        let Some(index) = find(categories, text) else {
            bail!(
                "condition {}: {} is not a category: expected one of {}",
                shortened(&self.name),
                quoted(text),
                listed(categories)
            );
        };
        c.extend((0..categories.len()).map(|k| if k == index { 1.0 } else { 0.0 }));
        Ok(())
    }

    /// Replaces the labels of `cells` by the indices of its categories. Returns the row and the text of the
    /// first cell that is no category or, for a number, not finite.
    fn recode(&self, cells: &mut Cells) -> Option<(usize, String)> {
        let (labels, odd) = match cells {
            Cells::Labels { labels, odd } => (labels, odd),
            Cells::Numbers { odd, .. } => return odd.take().map(|odd| (odd.row, odd.text)),
        };
        let categories = self.categories.as_deref().unwrap_or_default();
        let known: HashMap<&String, u32> = categories.iter().zip(0..).collect();
        let flags =
            |name: &String| find_flag(categories, name).and_then(|index| u32::try_from(index).ok());
        let find = |name: &String| known.get(name).copied().or_else(|| flags(name));
        let index: Vec<u32> =
            labels.names.iter().map(|name| find(name).unwrap_or(MISSING)).collect();
        let mut unknown = None;
        for (row, id) in labels.ids.iter_mut().enumerate().filter(|(_, id)| **id != MISSING) {
            let name = *id as usize;
            *id = index[name];
            if *id == MISSING && unknown.is_none() {
                unknown = Some((row, labels.names[name].clone()));
            }
        }
        let missing = odd.take().map(|odd| (odd.row, odd.text));
        [unknown, missing].into_iter().flatten().min()
    }
}

/// Returns the index of the category that `text` means.
fn find(categories: &[String], text: &str) -> Option<usize> {
    let same = categories.iter().position(|category| category == text);
    same.or_else(|| find_flag(categories, text))
}

/// Returns the index of the category, one of true and false, that `text` means: another spelling, or 1 and 0.
fn find_flag(categories: &[String], text: &str) -> Option<usize> {
    let value = |text: &str| flag(text).or(text.parse().ok());
    let wanted = value(text)?;
    let flags = categories.iter().all(|category| flag(category).is_some());
    categories.iter().position(|category| flags && flag(category) == Some(wanted))
}

/// Returns the network's condition, `[C]`, for one row of `cells`: a category or number for each of `columns`, or for
/// each of those that have a choice, or the `C` numbers themselves.
///
/// # Errors
///
/// Returns an error for another number of cells, an unknown category, or a number that is not finite.
pub fn encode(columns: &[ConditionColumn], cells: &[&str]) -> Result<Vec<f32>> {
    let width: usize = columns.iter().map(ConditionColumn::width).sum();
    let asked = columns.iter().filter(|column| column.has_choice()).count();
    let all = cells.len() == columns.len();
    if all || cells.len() == asked {
        let mut c = Vec::with_capacity(width);
        let mut cells = cells.iter();
        for column in columns {
            let given = all || column.has_choice();
            match if given { cells.next() } else { None } {
                Some(cell) => column.encode(parse(cell), cell.trim(), &mut c)?,
                None => c.push(1.0),
            }
        }
        return Ok(c);
    }
    ensure!(cells.len() == width, "found {} values", cells.len());
    cells
        .iter()
        .map(|cell| match parse(cell) {
            Cell::Number(number) => Ok(number),
            _ => bail!("expected a finite number, found {}", quoted(cell)),
        })
        .collect()
}

/// Returns numeric conditions named c0, c1 and so on.
pub fn default_conditions(columns: usize) -> Vec<ConditionColumn> {
    (0..columns).map(|k| ConditionColumn { name: default_name(k), categories: None }).collect()
}

/// Returns the name of condition `k` in a file without names.
pub(super) fn default_name(k: usize) -> String {
    format!("c{k}")
}

/// Returns the encoding of `columns`, `[rows][C]`, whose labels are indices of the categories of `conditions`.
pub(super) fn encode_rows(
    columns: &[Cells],
    conditions: &[ConditionColumn],
    rows: usize,
) -> Matrix {
    let width: usize = conditions.iter().map(ConditionColumn::width).sum();
    let mut c = Vec::with_capacity(rows * width);
    for row in 0..rows {
        for (cells, condition) in columns.iter().zip(conditions) {
            match cells {
                Cells::Numbers { values, .. } => c.push(values[row]),
                Cells::Labels { labels, .. } => {
                    let (index, start) = (labels.ids[row] as usize, c.len());
                    c.resize(start + condition.width(), 0.0);
                    c[start + index] = 1.0;
                }
            }
        }
    }
    Matrix::new(c, rows, width)
}

/// Reads one condition per row, `[rows][C]`. In a file with column names, it reads the columns that are
/// called like `columns`; those that have no choice may be missing. In a file without names, it reads a value
/// for each of `columns` in order, or all `C` numbers.
///
/// # Errors
///
/// Returns an error if the file cannot be read, lacks a column, or has a cell that is not valid. The
/// message names the file, and the line of the cell.
pub fn load_conditions(
    path: &Path,
    columns: &[ConditionColumn],
    options: TableOptions,
) -> Result<Matrix> {
    // A row of categories looks like a row of names. If it can be encoded, it is a row of values.
    let file = read::open_with(path, options, |first| match FirstRow::of(first)? {
        FirstRow::Names if encode(columns, first).is_ok() => Ok(FirstRow::Values),
        kind => Ok(kind),
    })?;
    let width: usize = columns.iter().map(ConditionColumn::width).sum();
    let header = file.header();
    let count = header.columns().len();
    let in_order = || header.columns().collect();
    let asked: Vec<&ConditionColumn> =
        columns.iter().filter(|column| column.has_choice()).collect();
    let named = header.find(columns.iter().map(|column| &column.name));
    if named.is_none() && asked.len() < columns.len() {
        let found = header.find(asked.iter().map(|column| &column.name));
        if found.is_some() || (count == asked.len() && !header.named) {
            let found = found.unwrap_or_else(in_order);
            return read_asked(file, columns, &found);
        }
    }
    let chosen: Vec<usize> = match named {
        Some(found) => found,
        None if count == columns.len() && !header.named => in_order(),
        None if count == width && (!header.named || width != columns.len()) => in_order(),
        None => {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            bail!(
                "{}: expected columns called {}, or {width} columns of numbers without names, found \
                 {}",
                header.file,
                listed(&names),
                header.listed()
            )
        }
    };
    if chosen.len() != columns.len() {
        let table = file.read(Wanted { data: chosen, others: Vec::new() })?;
        if let Some(odd) = &table.odd {
            bail!(
                "{}: expected a finite number, found {}",
                table.place(odd.row),
                quoted(&odd.text)
            );
        }
        return Ok(Matrix::new(table.data, table.rows, width));
    }
    read_columns(file, columns, &chosen)
}

/// Reads the columns `found` for those of `columns` that have a choice, and fills the others.
fn read_asked(file: read::Reader, columns: &[ConditionColumn], found: &[usize]) -> Result<Matrix> {
    let asked: Vec<ConditionColumn> =
        columns.iter().filter(|column| column.has_choice()).cloned().collect();
    let some = read_columns(file, &asked, found)?;
    let width: usize = columns.iter().map(ConditionColumn::width).sum();
    let mut c = Vec::with_capacity(some.rows() * width);
    for row in 0..some.rows() {
        let mut rest = some.row(row);
        for column in columns {
            if column.has_choice() {
                let (own, after) = rest.split_at(column.width());
                c.extend_from_slice(own);
                rest = after;
            } else {
                c.push(1.0);
            }
        }
    }
    Ok(Matrix::new(c, some.rows(), width))
}

/// Reads the file's columns `chosen` as `columns`.
fn read_columns(
    file: read::Reader,
    columns: &[ConditionColumn],
    chosen: &[usize],
) -> Result<Matrix> {
    let kind = |column: &ConditionColumn| match column.categories {
        Some(_) => Use::Labels,
        None => Use::Numbers,
    };
    let others = chosen.iter().zip(columns).map(|(&column, known)| (column, kind(known))).collect();
    let mut table = file.read(Wanted { data: Vec::new(), others })?;
    let mut cells = std::mem::take(&mut table.others);
    let mut first: Option<(usize, Error)> = None;
    for (cells, column) in cells.iter_mut().zip(columns) {
        let Some((row, text)) = column.recode(cells) else { continue };
        if first.as_ref().is_none_or(|(earlier, _)| row < *earlier) {
            let error = column.encode(Cell::Missing, &text, &mut Vec::new()).err();
            first = error.map(|error| (row, error)).or(first);
        }
    }
    if let Some((row, error)) = first {
        return Err(error.context(table.place(row)));
    }
    Ok(encode_rows(&cells, columns, table.rows))
}

/// Reads one starting point per row, `[rows][D]`: the columns called `names`, or, if the file does not have
/// them, all its columns in order.
///
/// # Errors
///
/// Returns an error if the file cannot be read, has another number of columns, or has a cell that is not a
/// finite number. The message names the file, and the line of the cell.
pub fn load_starts(path: &Path, names: &[String], options: TableOptions) -> Result<Matrix> {
    let file = read::open(path, options)?;
    let header = file.header();
    let chosen = match header.find(names.iter()) {
        Some(found) => found,
        None if header.columns().len() == names.len() => header.columns().collect(),
        None => bail!(
            "{}: expected {} columns, a starting point in each row, found {}",
            header.file,
            names.len(),
            header.columns().len()
        ),
    };
    let table = file.read(Wanted { data: chosen, others: Vec::new() })?;
    match &table.odd {
        Some(odd) => Err(unexpected(&table, odd, "a finite number", "")),
        None => Ok(Matrix::new(table.data, table.rows, names.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::default_names;
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
    fn a_column_without_a_choice_is_filled() {
        let mut columns = columns();
        columns.push(ConditionColumn::presence(&columns));
        assert_eq!(columns[2].name, "condition");
        for cells in [&["dog", "3.5"][..], &["dog", "3.5", "given"], &["0", "1", "3.5", "1"]] {
            assert_eq!(encode(&columns, cells).unwrap(), [0.0, 1.0, 3.5, 1.0], "{cells:?}");
        }
        assert!(encode(&columns, &["dog"]).is_err());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.csv");
        for text in ["age,animal\n1,cat\n2,dog\n", "animal,age\ncat,1\ndog,2\n", "cat,1\ndog,2\n"] {
            fs::write(&path, text).unwrap();
            let c = load_conditions(&path, &columns, TableOptions::default()).unwrap();
            assert_eq!(c.values(), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 2.0, 1.0], "{text}");
        }
    }

    #[test]
    fn the_error_names_the_wrong_condition() {
        let error = |cells: &[&str]| encode(&columns(), cells).unwrap_err().to_string();
        assert!(
            error(&["cow", "1"]).contains("\"cow\" is not a category: expected one of cat, dog")
        );
        assert!(error(&["cat", "old"]).contains("condition age"));
        assert!(error(&["1"]).contains("found 1 values"));
    }

    #[test]
    fn a_file_of_conditions_may_have_its_columns_in_any_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.csv");
        fs::write(&path, "age,other,animal\n1,x,cat\n2,y,dog\n").unwrap();
        let c = load_conditions(&path, &columns(), TableOptions::default()).unwrap();
        assert_eq!(c.values(), [1.0, 0.0, 1.0, 0.0, 1.0, 2.0]);
        fs::write(&path, "age,animal\n1,cat\n2,cow\n").unwrap();
        let error = format!(
            "{:#}",
            load_conditions(&path, &columns(), TableOptions::default()).unwrap_err()
        );
        assert!(error.contains("line 3") && error.contains("cow"), "{error}");
    }

    #[test]
    fn a_file_of_categories_needs_no_row_of_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("c.csv");
        let load = |text: &str, columns: &[ConditionColumn]| {
            fs::write(&path, text).unwrap();
            load_conditions(&path, columns, TableOptions::default())
        };
        let animal = &columns()[..1];
        for text in ["cat\ndog\n", "animal\ncat\ndog\n"] {
            assert_eq!(load(text, animal).unwrap().values(), [1.0, 0.0, 0.0, 1.0]);
        }
        // A file with other column names is refused: their order must not be guessed.
        let error = load("kind\ncat\n", animal).unwrap_err().to_string();
        assert!(error.contains("expected columns called animal"), "{error}");
        let two = default_conditions(2);
        assert_eq!(load("c1,c0\n1,2\n", &two).unwrap().values(), [2.0, 1.0]);
        assert_eq!(load("3,4\n1,2\n", &two).unwrap().values(), [3.0, 4.0, 1.0, 2.0]);
    }

    #[test]
    fn starting_points_need_no_row_of_names() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x0.csv");
        let names = default_names(2);
        for text in ["0.5,1\n-2,3\n", "x,y\n0.5,1\n-2,3\n", "y,x\n1,0.5\n3,-2\n"] {
            fs::write(&path, text).unwrap();
            assert_eq!(
                load_starts(&path, &names, TableOptions::default()).unwrap().values(),
                [0.5, 1.0, -2.0, 3.0]
            );
        }
        let error =
            load_starts(&path, &default_names(3), TableOptions::default()).unwrap_err().to_string();
        assert!(error.contains("expected 3 columns"), "{error}");
    }
}
