//! The model and the data that are evaluated, and limits of what is worth its cost.

use anyhow::Result;
use flowlet::SolverKind;

use crate::coupling::dataset::{Real, Units};
use crate::coupling::source::Source;
use crate::data::{ConditionColumn, Matrix};
use crate::judge::losses::Overfitting;
use crate::model::Model;

/// The most data dimensions in which the exact divergence for the likelihood is worth its cost.
pub const FEW_DIMENSIONS: usize = 16;

/// The most points that are assigned exactly; this many take seconds.
pub const MOST_ASSIGNED: usize = 10_000;

/// Draws samples in data units, `[n, D]`, by a method in a number of steps, from starting points (`[n, D]`, flow units)
/// under conditions (`[n, C]`, the user's units).
pub type Draw<'a> = dyn Fn(SolverKind, usize, &Matrix, &Matrix) -> Result<Matrix> + Sync + 'a;

/// The model and the data that are evaluated.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The model: of an integer model, the same numbers as floats.
    pub model: &'a Model,
    /// Draws its samples.
    pub draw: &'a Draw<'a>,
    /// The real data that its samples are compared with.
    pub real: &'a Real,
    /// The units of data and conditions.
    pub units: &'a Units,
    /// The distribution of the starting points.
    pub source: &'a Source,
    /// The condition columns.
    pub conditions: &'a [ConditionColumn],
    /// What the losses of the model's run say.
    pub overfitting: Option<Overfitting>,
}
