//! From a table to points: which columns are data, which are conditions, which rows are whole.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::columns::select;
use super::conditions::ConditionColumn;
use super::matrix::{Matrix, Points};
use super::table::{Cell, Table};

/// What a user says about a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowsOptions {
    /// Data columns; without them, all columns that have no other use.
    pub data: Option<Vec<String>>,
    /// Condition columns of the same file.
    pub condition: Vec<String>,
    /// Another file, all of whose columns are conditions, row by row.
    pub conditions_file: Option<PathBuf>,
    /// Numeric condition columns that are categories.
    pub categorical: Vec<String>,
    /// The column that says which rows belong together.
    pub group: Option<String>,
    /// Whether rows with missing values are skipped, rather than refused.
    pub skip_invalid: bool,
}

/// A file's points.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// The points, conditions one-hot where they are categories.
    pub points: Points,
    /// The names of the data columns.
    pub data_columns: Vec<String>,
    /// The conditions.
    pub conditions: Vec<ConditionColumn>,
    /// For each point the group that it belongs to, if there are groups.
    pub groups: Option<Vec<String>>,
    /// How many rows were skipped.
    pub skipped: usize,
}

/// Reads a file's points.
///
/// # Errors
///
/// When the file cannot be read, a column does not exist, or a cell is not what it should be; the
/// message names the file, the line and the column, and says what to do.
pub fn load(path: &Path, options: &RowsOptions) -> Result<Rows> {
    let table = Table::read(path)?;
    let other = options.conditions_file.as_deref().map(Table::read).transpose()?;
    if let Some(other) = &other {
        ensure!(
            other.rows == table.rows,
            "{} has {} rows, but {} has {}: expected one row of conditions per row of data",
            other.file,
            other.rows,
            table.file,
            table.rows
        );
    }
    let group = match &options.group {
        Some(name) => match select(&table, std::slice::from_ref(name))?[..] {
            [column] => Some(column),
            _ => bail!("--group {name}: expected one column"),
        },
        None => None,
    };
    let own = select(&table, &options.condition)?;
    let data = data_columns(&table, options, &own, group)?;
    if let Some(&both) = data.iter().find(|column| own.contains(column)) {
        bail!("{}: column {} is both data and condition", table.file, table.columns[both].name);
    }

    let mut sources: Vec<(&Table, usize)> = own.iter().map(|&column| (&table, column)).collect();
    if let Some(other) = &other {
        sources.extend((0..other.columns.len()).map(|column| (other, column)));
    }
    let conditions: Vec<ConditionColumn> = sources
        .iter()
        .map(|&(table, column)| condition_column(table, column, &options.categorical))
        .collect();
    if let Some(unknown) =
        options.categorical.iter().find(|name| !conditions.iter().any(|c| c.name == **name))
    {
        bail!("--categorical {unknown}: no condition column is called so");
    }

    let (mut x, mut c) = (Vec::new(), Vec::new());
    let mut groups = group.map(|_| Vec::new());
    let mut kept = 0;
    for row in 0..table.rows {
        match read_row(&table, row, &data, &sources, &conditions) {
            Ok((point, condition)) => {
                x.extend(point);
                c.extend(condition);
                if let (Some(groups), Some(group)) = (&mut groups, group) {
                    groups.push(table.text(group, row));
                }
                kept += 1;
            }
            Err(_) if options.skip_invalid => {}
            Err(error) => return Err(error),
        }
    }
    ensure!(
        kept >= 2,
        "{}: expected at least 2 rows of values, found {kept} of {} to be whole",
        table.file,
        table.rows
    );
    let condition_dim = conditions.iter().map(ConditionColumn::width).sum();
    Ok(Rows {
        points: Points {
            x: Matrix::new(x, kept, data.len()),
            c: Matrix::new(c, kept, condition_dim),
        },
        data_columns: data.iter().map(|&column| table.columns[column].name.clone()).collect(),
        conditions,
        groups,
        skipped: table.rows - kept,
    })
}

fn data_columns(
    table: &Table,
    options: &RowsOptions,
    conditions: &[usize],
    group: Option<usize>,
) -> Result<Vec<usize>> {
    let selected = match &options.data {
        Some(names) => select(table, names)?,
        None => (0..table.columns.len())
            .filter(|column| !conditions.contains(column) && Some(*column) != group)
            .collect(),
    };
    ensure!(!selected.is_empty(), "{}: no data columns are left", table.file);
    Ok(selected)
}

/// A column of text, or one that the user calls categorical, has categories: in the order of their
/// numbers, if they are numbers, and of their letters otherwise.
fn condition_column(table: &Table, column: usize, categorical: &[String]) -> ConditionColumn {
    let name = table.columns[column].name.clone();
    if !categorical.contains(&name) && !table.has_text(column) {
        return ConditionColumn { name, categories: None };
    }
    let mut categories: Vec<String> = (0..table.rows)
        .filter(|&row| table.cell(column, row) != Cell::Missing)
        .map(|row| table.text(column, row))
        .collect();
    categories.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        _ => a.cmp(b),
    });
    categories.dedup();
    ConditionColumn { name, categories: Some(categories) }
}

/// The data and the conditions of a row.
fn read_row(
    table: &Table,
    row: usize,
    data: &[usize],
    sources: &[(&Table, usize)],
    conditions: &[ConditionColumn],
) -> Result<(Vec<f32>, Vec<f32>)> {
    let mut x = Vec::with_capacity(data.len());
    for &column in data {
        match table.cell(column, row) {
            Cell::Number(number) => x.push(number),
            Cell::Text(text) => {
                let name = &table.columns[column].name;
                bail!(
                    "{}, column {name}: expected a number, found {text:?}. Choose the data columns \
                     by --data, make text a condition by --condition {name}, or skip such rows by \
                     --skip-invalid",
                    table.place(row)
                )
            }
            Cell::Missing => return Err(missing(table, column, row)),
        }
    }
    let mut c = Vec::new();
    for (&(table, column), condition) in sources.iter().zip(conditions) {
        let cell = table.cell(column, row);
        if cell == Cell::Missing {
            return Err(missing(table, column, row));
        }
        condition.encode(cell, &table.text(column, row), &mut c)?;
    }
    Ok((x, c))
}

fn missing(table: &Table, column: usize, row: usize) -> anyhow::Error {
    anyhow::anyhow!(
        "{}, column {}: expected a finite number, found {:?}. Mend the row, or skip such rows by \
         --skip-invalid",
        table.place(row),
        table.columns[column].name,
        table.text(column, row)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(text: &str, options: &RowsOptions) -> Result<Rows> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.csv");
        fs::write(&path, text).unwrap();
        load(&path, options)
    }

    fn names(names: &str) -> Vec<String> {
        names.split(',').map(str::to_string).collect()
    }

    #[test]
    fn text_becomes_a_one_hot_condition() {
        let options = RowsOptions { condition: names("label"), ..RowsOptions::default() };
        let rows = read("x,label,y\n1,b,2\n3,a,4\n", &options).unwrap();
        assert_eq!(rows.data_columns, ["x", "y"]);
        assert_eq!(rows.points.x.values(), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(rows.points.c.values(), [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(rows.conditions[0].categories, Some(names("a,b")));
    }

    #[test]
    fn numbers_are_categories_only_when_called_so() {
        let text = "x,k\n1,10\n2,9\n";
        let plain = RowsOptions { condition: names("k"), ..RowsOptions::default() };
        assert_eq!(read(text, &plain).unwrap().points.c.values(), [10.0, 9.0]);
        let rows = read(text, &RowsOptions { categorical: names("k"), ..plain }).unwrap();
        assert_eq!(rows.conditions[0].categories, Some(names("9,10")));
        assert_eq!(rows.points.c.values(), [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn bad_cells_are_refused_with_line_and_column() {
        for (text, expected) in [
            ("x,y\n1,2\n3,four\n5,6\n", "line 3, column y: expected a number, found \"four\""),
            ("x,y\n1,2\n3,\n5,6\n", "line 3, column y: expected a finite number, found \"\""),
            ("x,y\n1,2\n3,inf\n5,6\n", "line 3, column y"),
        ] {
            let error = read(text, &RowsOptions::default()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            let skip = RowsOptions { skip_invalid: true, ..RowsOptions::default() };
            let rows = read(text, &skip).unwrap();
            assert_eq!((rows.points.x.rows(), rows.skipped), (2, 1));
        }
    }

    #[test]
    fn one_column_has_one_use() {
        let options = RowsOptions {
            data: Some(names("x,y")),
            condition: names("y"),
            ..RowsOptions::default()
        };
        let error = read("x,y\n1,2\n3,4\n", &options).unwrap_err().to_string();
        assert!(error.contains("y is both data and condition"), "{error}");
    }

    #[test]
    fn groups_are_read_and_are_no_data() {
        let options = RowsOptions { group: Some("e".into()), ..RowsOptions::default() };
        let rows = read("x,e\n1,a\n2,a\n3,b\n", &options).unwrap();
        assert_eq!(rows.groups, Some(names("a,a,b")));
        assert_eq!(rows.data_columns, ["x"]);
    }

    #[test]
    fn a_file_of_conditions_must_have_as_many_rows() {
        let directory = tempfile::tempdir().unwrap();
        let conditions = directory.path().join("c.csv");
        let options = |text: &str| {
            fs::write(&conditions, text).unwrap();
            RowsOptions { conditions_file: Some(conditions.clone()), ..RowsOptions::default() }
        };
        let rows = read("x\n1\n2\n", &options("k\n5\n6\n")).unwrap();
        assert_eq!(rows.points.c.values(), [5.0, 6.0]);
        let error = read("x\n1\n2\n", &options("k\n5\n")).unwrap_err().to_string();
        assert!(error.contains("1 rows") && error.contains("has 2"), "{error}");
    }
}
