//! The result of an evaluation.

use serde::Serialize;

use super::per_class::Class;
use crate::judge::distance::Distances;

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Points in each set.
    pub points: usize,
    /// The real data that samples are compared with, in words.
    pub judged_on: &'static str,
    /// The columns that distances are taken over: data, or conditions and data together.
    pub over: &'static str,
    /// The unit of the distances: data units, or standard deviations.
    pub units: &'static str,
    /// A row for each solver and number of steps.
    pub rows: Vec<Row>,
    /// The same distances between two sets of real data: what a perfect model gets.
    pub floor: Distances,
    /// The floor for each class; empty without classes.
    pub floor_by_class: Vec<Class>,
    /// The mean squared error of the velocity on these real data, in flow units.
    pub held_out_loss: f64,
    /// The normalised path energy; `None` with conditions.
    pub path_energy: Option<f64>,
    /// The log-likelihood of the real data.
    pub log_likelihood: LogLikelihood,
    /// The row with the fewest evaluations among those near enough to the best.
    pub advice: Advice,
}

/// The result for one solver and number of steps.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The solver's name.
    pub solver: &'static str,
    /// The number of steps.
    pub steps: usize,
    /// Evaluations of the network for a sample.
    pub evaluations: usize,
    /// Multiply-adds for a sample.
    pub multiply_adds: usize,
    /// Distances between samples and real data.
    pub distances: Distances,
    /// The distances for each class; empty without classes.
    pub by_class: Vec<Class>,
}

/// The mean log-likelihood of real data, or why there is none.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum LogLikelihood {
    /// In nats, of the density in data units.
    Nats {
        /// The mean under the model.
        mean: f64,
        /// Twice the standard error of the mean.
        error: f64,
        /// The mean under the true distribution at the same points, if its density is known.
        truth: Option<f64>,
        /// The number of points.
        points: usize,
    },
    /// Not computed.
    LeftOut {
        /// Why; follows "left out: ".
        reason: &'static str,
    },
}

/// The cheapest row that is near enough to the best.
#[derive(Clone, Debug, Serialize)]
pub struct Advice {
    /// The distance that is compared.
    pub measure: &'static str,
    /// How much larger than the best a distance may be, in per cent.
    pub within: f64,
    /// The best distance.
    pub best: f64,
    /// The index of the advised row.
    pub row: usize,
}
