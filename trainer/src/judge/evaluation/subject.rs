//! What is evaluated, and how far.

use crate::coupling::dataset::{Real, Units};
use crate::coupling::source::Source;
use crate::data::ConditionColumn;
use crate::model::Model;

/// Up to so many data dimensions, W₂ tells models apart with some thousand points, and the
/// likelihood by the exact divergence is worth its cost.
pub const FEW_DIMENSIONS: usize = 16;

/// Points that an exact assignment can take in seconds.
pub const MOST_ASSIGNED: usize = 10_000;

/// What is evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The model.
    pub model: &'a Model,
    /// What it should give.
    pub real: &'a Real,
    /// Its units.
    pub units: &'a Units,
    /// Where its paths begin.
    pub source: &'a Source,
    /// Its conditions.
    pub conditions: &'a [ConditionColumn],
}
