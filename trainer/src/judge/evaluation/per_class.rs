//! Distances within each class.

use serde::Serialize;

use super::classes::{categories, rows_of};
use super::estimate::Estimate;
use super::lot::{Column, deviation_ratios};
use crate::data::{ConditionColumn, Matrix, Points};
use crate::judge::distance::{Distances, Reference};
use crate::judge::stage::Stage;
use crate::judge::view::View;

/// The distances of one class.
#[derive(Clone, Debug, Serialize)]
pub struct Class {
    /// The condition's name and the category, as in `label cat`.
    pub class: String,
    /// Points in each set of the Wasserstein distances.
    pub points: usize,
    /// The Wasserstein distances over data columns alone.
    pub distances: Distances,
    /// The unbiased energy distance to the class's real rows, over data columns alone. `None` for fewer than two
    /// rows, and between two sets of real data.
    pub energy: Option<Estimate>,
    /// The least and the largest ratio of a column's standard deviation within the class to the real one. `None` for
    /// fewer than 10 rows, and between two sets of real data.
    pub deviation: Option<[f64; 2]>,
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
    for (class, column) in categories(conditions) {
        let (rows_a, rows_b) = (rows_of(a, column), rows_of(b, column));
        let points = rows_a.len().min(rows_b.len());
        if points > 0 {
            let part = |set: &Points, rows: &[usize]| view.of_data(&set.select(&rows[..points]));
            classes.push(Class {
                class,
                points,
                distances: Distances::between(&part(a, &rows_a), &part(b, &rows_b)),
                energy: None,
                deviation: None,
            });
        }
    }
    classes
}

/// Adds the energy distances between the stage's rows and its samples `x`, `[m, D]`.
pub(super) fn add_energies(
    classes: &mut [Class],
    stage: &Stage,
    x: &Matrix,
    conditions: &[ConditionColumn],
    view: &View<'_>,
) {
    let samples = Points { x: x.clone(), c: stage.c.clone() };
    for (name, column) in categories(conditions) {
        let Some(class) = classes.iter_mut().find(|class| class.class == name) else { continue };
        let rows = view.of_data(&stage.real.select(&rows_of(&stage.real, column)));
        let own = view.of_data(&samples.select(&rows_of(&samples, column)));
        let reference = Reference::new(rows, true);
        class.energy = reference.map(|reference| Estimate::from(&reference.distance(&own)));
    }
}

/// Adds the ratios of the deviations of samples to the real ones; both lists have the columns of each class.
pub(super) fn add_deviations(
    classes: &mut [Class],
    samples: &[(String, Vec<Column>)],
    real: &[(String, Vec<Column>)],
) {
    for ((name, samples), (_, real)) in samples.iter().zip(real) {
        if let Some(class) = classes.iter_mut().find(|class| class.class == *name) {
            class.deviation = deviation_ratios(samples, real);
        }
    }
}
