//! Categories of the data. A column of the user's table becomes one column for each of its values, called `NAME=VALUE`, which
//! holds 1 or 0.

use std::ops::Range;

use anyhow::{Result, bail};

use super::conditions::ConditionColumn;
use super::matrix::{Matrix, Points};
use super::rows::Rows;
use crate::disk::quote::{listed, shortened};

/// In a model's file, each category has a number from here on. All its columns carry it.
pub const FIRST: u16 = 2;

/// A category of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Category {
    /// The column's name in the user's table.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
    /// Its columns of the network's `D`.
    pub columns: Range<usize>,
}

impl Category {
    /// Returns the names of its columns.
    fn column_names(&self) -> impl Iterator<Item = String> {
        self.values.iter().map(|value| format!("{}={value}", self.name))
    }

    /// Returns the categories of a model whose data columns are called `names`, and have these kinds.
    pub fn all(names: &[String], kinds: &[u16]) -> Vec<Self> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < names.len().min(kinds.len()) {
            let same = kinds[at..].iter().take_while(|kind| **kind == kinds[at]).count();
            let columns = at..(at + same).min(names.len());
            if kinds[at] >= FIRST {
                found.extend(Self::named(&names[columns.clone()], columns.clone()));
            }
            at = columns.end;
        }
        found
    }

    /// Returns the category whose columns have these names: NAME=VALUE each.
    fn named(names: &[String], columns: Range<usize>) -> Option<Self> {
        let (name, _) = names.first()?.split_once('=')?;
        let value = |column: &String| {
            let value = column.strip_prefix(name)?.strip_prefix('=')?;
            Some(value.to_string())
        };
        let values = names.iter().map(value).collect::<Option<_>>()?;
        Some(Self { name: name.to_string(), values, columns })
    }
}

/// Makes data of the conditions called `names`, which are categories: their columns follow the others.
pub fn into_data(rows: &mut Rows, names: &[String]) -> Vec<Category> {
    let mut categories = Vec::new();
    let mut taken = Vec::new();
    let mut end = rows.points.x.columns();
    for (columns, condition) in ConditionColumn::with_columns(&rows.conditions) {
        let Some(values) =
            condition.categories.as_ref().filter(|_| names.contains(&condition.name))
        else {
            continue;
        };
        let start = end;
        end += columns.len();
        let (name, values) = (condition.name.clone(), values.clone());
        categories.push(Category { name, values, columns: start..end });
        taken.push(columns);
    }
    if taken.is_empty() {
        return categories;
    }
    let is_taken = |column: &usize| taken.iter().any(|columns| columns.contains(column));
    let left: Vec<usize> =
        (0..rows.points.c.columns()).filter(|column| !is_taken(column)).collect();
    let count = rows.points.x.rows();
    let (mut x, mut c) = (Vec::with_capacity(count * end), Vec::with_capacity(count * left.len()));
    for row in 0..count {
        let condition = rows.points.c.row(row);
        x.extend_from_slice(rows.points.x.row(row));
        taken.iter().for_each(|columns| x.extend_from_slice(&condition[columns.clone()]));
        c.extend(left.iter().map(|&column| condition[column]));
    }
    rows.points = Points { x: Matrix::new(x, count, end), c: Matrix::new(c, count, left.len()) };
    rows.conditions.retain(|condition| !names.contains(&condition.name));
    rows.data_columns.extend(categories.iter().flat_map(Category::column_names));
    rows.data_shape = None;
    categories
}

/// Returns `rows`, whose categories were [made data](into_data), with the columns of a model: `names`, in this order. A
/// value that the rows lack is 0 everywhere.
///
/// # Errors
///
/// Returns an error for a value that is not among the model's categories.
pub fn in_order(
    rows: &Rows,
    found: &[Category],
    names: &[String],
    known: &[Category],
) -> Result<Matrix> {
    for Category { name, values, .. } in found {
        let Some(known) = known.iter().find(|known| known.name == *name) else { continue };
        if let Some(value) = values.iter().find(|value| !known.values.contains(value)) {
            bail!(
                "column {}: the model has no category {}: expected {}",
                shortened(name),
                shortened(value),
                listed(&known.values)
            );
        }
    }
    let places: Vec<Option<usize>> = names
        .iter()
        .map(|name| rows.data_columns.iter().position(|column| column == name))
        .collect();
    let x = &rows.points.x;
    let mut values = Vec::with_capacity(x.rows() * names.len());
    for row in 0..x.rows() {
        let row = x.row(row);
        values.extend(places.iter().map(|place| place.map_or(0.0, |column| row[column])));
    }
    Ok(Matrix::new(values, x.rows(), names.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_become_data_and_come_back_in_order() {
        let strings =
            |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect::<Vec<_>>();
        let condition = |name: &str, values: Option<&[&str]>| ConditionColumn {
            name: name.to_string(),
            categories: values.map(strings),
        };
        let rows = || Rows {
            points: Points {
                x: Matrix::new(vec![1.0, 2.0], 2, 1),
                c: Matrix::new(vec![0.0, 1.0, 7.0, 1.0, 0.0, 8.0], 2, 3),
            },
            data_columns: strings(&["x"]),
            data_shape: None,
            conditions: vec![condition("sex", Some(&["f", "m"])), condition("age", None)],
            groups: None,
            notes: Vec::new(),
            warnings: Vec::new(),
        };
        let mut mixed = rows();
        let found = into_data(&mut mixed, &strings(&["sex"]));
        assert_eq!(mixed.points.x.values(), [1.0, 0.0, 1.0, 2.0, 1.0, 0.0]);
        assert_eq!(mixed.points.c.values(), [7.0, 8.0]);
        assert_eq!(mixed.conditions, [condition("age", None)]);
        assert_eq!(mixed.data_columns, strings(&["x", "sex=f", "sex=m"]));
        assert_eq!(Category::all(&mixed.data_columns, &[0, 2, 2]), found);

        let names = strings(&["x", "sex=d", "sex=m", "sex=f"]);
        let known = Category::all(&names, &[0, 2, 2, 2]);
        let x = in_order(&mixed, &found, &names, &known).unwrap();
        assert_eq!(x.values(), [1.0, 0.0, 1.0, 0.0, 2.0, 0.0, 0.0, 1.0]);
        let fewer = Category::all(&names[..3], &[0, 2, 2]);
        let error = in_order(&mixed, &found, &names[..3], &fewer).unwrap_err().to_string();
        assert_eq!(error, "column sex: the model has no category f: expected d, m");

        let mut plain = rows();
        assert_eq!(into_data(&mut plain, &[]), []);
        assert_eq!(plain, rows());
    }
}
