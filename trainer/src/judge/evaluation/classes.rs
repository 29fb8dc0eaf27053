//! The rows of each class.

use crate::data::{ConditionColumn, Points};

/// Returns the name of each category, after its condition's, and its one-hot column.
pub(super) fn categories(conditions: &[ConditionColumn]) -> Vec<(String, usize)> {
    let mut all = Vec::new();
    let mut column = 0;
    for condition in conditions {
        for (k, category) in condition.categories.iter().flatten().enumerate() {
            all.push((format!("{} {category}", condition.name), column + k));
        }
        column += condition.width();
    }
    all
}

/// Returns the rows of the category with a one-hot column.
pub(super) fn rows_of(points: &Points, column: usize) -> Vec<usize> {
    (0..points.c.rows()).filter(|&row| points.c.row(row)[column] == 1.0).collect()
}
