//! The rows of each class.

use crate::data::{ConditionColumn, Points};

/// Returns the name of each category, after its condition's, and its one-hot column.
pub(super) fn categories(conditions: &[ConditionColumn]) -> Vec<(String, usize)> {
    let mut all = Vec::new();
    for (columns, condition) in ConditionColumn::with_columns(conditions) {
        let categories = condition.categories.iter().flatten();
        all.extend(
            categories
                .zip(columns)
                .map(|(category, column)| (format!("{} {category}", condition.name), column)),
        );
    }
    all
}

/// Returns the rows of the category with a one-hot column.
pub(super) fn rows_of(points: &Points, column: usize) -> Vec<usize> {
    (0..points.c.rows()).filter(|&row| points.c.row(row)[column] == 1.0).collect()
}
