//! What an evaluation finds.

use serde::Serialize;

use super::per_class::Class;
use crate::judge::distance::Distances;

/// The result.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Points on each side.
    pub points: usize,
    /// What samples are held against.
    pub judged_on: &'static str,
    /// What distances are over: data, or conditions and data together.
    pub over: &'static str,
    /// What distances are in: data units, or standard deviations.
    pub units: &'static str,
    /// By solver and steps.
    pub rows: Vec<Row>,
    /// The same distances between two sets of real data: what a perfect model gets.
    pub floor: Distances,
    /// The floors class by class; none without classes.
    pub floor_by_class: Vec<Class>,
    /// The mean squared error of the velocity on these real data, in flow units.
    pub held_out_loss: f64,
    /// Normalised path energy; not with conditions.
    pub path_energy: Option<f64>,
    /// The log-likelihood of the real data.
    pub log_likelihood: LogLikelihood,
    /// The fewest evaluations that do.
    pub advice: Advice,
}

/// One solver in one number of steps.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The solver's name.
    pub solver: &'static str,
    /// Its steps.
    pub steps: usize,
    /// Evaluations of the network for a sample.
    pub evaluations: usize,
    /// Multiply-adds for a sample.
    pub multiply_adds: usize,
    /// From real data.
    pub distances: Distances,
    /// The same class by class; none without classes.
    pub by_class: Vec<Class>,
}

/// The mean log-likelihood of real data, or why there is none.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum LogLikelihood {
    /// In nats, in data units.
    Nats {
        /// By the model.
        mean: f64,
        /// Twice its standard error.
        error: f64,
        /// By the true distribution at the same points, if its density is known.
        truth: Option<f64>,
        /// Points.
        points: usize,
    },
    /// Why not.
    LeftOut {
        /// A sentence's end, after "left out: ".
        reason: &'static str,
    },
}

/// The cheapest row that is near enough to the best.
#[derive(Clone, Debug, Serialize)]
pub struct Advice {
    /// What it rests on.
    pub measure: &'static str,
    /// How near, in per cent of the best.
    pub within: f64,
    /// The best distance.
    pub best: f64,
    /// The index of the row.
    pub row: usize,
}
