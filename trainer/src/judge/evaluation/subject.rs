//! The model and the data that are evaluated, and limits of what is worth its cost.

use crate::coupling::dataset::{Real, Units};
use crate::coupling::source::Source;
use crate::data::ConditionColumn;
use crate::judge::losses::Overfitting;
use crate::model::Model;

/// The most data dimensions in which the exact divergence for the likelihood is worth its cost.
pub const FEW_DIMENSIONS: usize = 16;

/// The most points that are assigned exactly; this many take seconds.
pub const MOST_ASSIGNED: usize = 10_000;

/// The model and the data that are evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The model.
    pub model: &'a Model,
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
