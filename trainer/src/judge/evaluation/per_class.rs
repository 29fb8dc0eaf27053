//! Distances within each class.

use serde::Serialize;

use super::view::View;
use crate::data::{ConditionColumn, Points};
use crate::judge::distance::Distances;

/// The distances of one class.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    /// The condition's name and the category.
    pub class: String,
    /// Points on each side.
    pub points: usize,
    /// Over data alone.
    pub distances: Distances,
}

/// Class by class; where one side has more points, its first ones count. A class that a side lacks
/// is left out.
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
            let (of_a, of_b) = (rows(a), rows(b));
            let points = of_a.len().min(of_b.len());
            if points > 0 {
                let part =
                    |set: &Points, rows: &[usize]| view.of_data(&set.select(&rows[..points]));
                classes.push(Class {
                    class: format!("{} {category}", condition.name),
                    points,
                    distances: Distances::between(&part(a, &of_a), &part(b, &of_b)),
                });
            }
        }
        column += condition.width();
    }
    classes
}
