//! Distances within each class.

use serde::Serialize;

use super::view::View;
use crate::data::{ConditionColumn, Points};
use crate::judge::distance::Distances;

/// The distances of one class.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    /// The condition's name and the category, as in `label cat`.
    pub class: String,
    /// Points in each set.
    pub points: usize,
    /// The distances over data columns alone.
    pub distances: Distances,
}

/// Returns the distances between `a` and `b` for each class. Where one set has more points of a class, only
/// its first ones count. A class that is missing in one set is left out.
pub(super) fn between(
    a: &Points,
    b: &Points,
    conditions: &[ConditionColumn],
    view: &View<'_>,
) -> Vec<Class> {
    let mut classes = Vec::new();
    let mut column = 0;
    for condition in conditions {
        for (k, category) in condition.categories.iter().flatten().enumerate() {
            let rows = |points: &Points| -> Vec<usize> {
                let own = |row: &usize| points.c.row(*row)[column + k] == 1.0;
                (0..points.c.rows()).filter(own).collect()
            };
            let (rows_a, rows_b) = (rows(a), rows(b));
            let points = rows_a.len().min(rows_b.len());
            if points > 0 {
                let part =
                    |set: &Points, rows: &[usize]| view.of_data(&set.select(&rows[..points]));
                classes.push(Class {
                    class: format!("{} {category}", condition.name),
                    points,
                    distances: Distances::between(&part(a, &rows_a), &part(b, &rows_b)),
                });
            }
        }
        column += condition.width();
    }
    classes
}
