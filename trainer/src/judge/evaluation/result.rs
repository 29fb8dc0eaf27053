//! The result of an evaluation.

use serde::Serialize;

use super::advice::Advice;
use super::estimate::Estimate;
use super::lot::Column;
use super::per_class::Class;
use crate::judge::distance::Distances;
use crate::judge::losses::Overfitting;
use crate::judge::memory::Memory;
use crate::judge::two_samples::ToldApart;

/// The result of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Points in each of the two sets of the Wasserstein distances.
    pub points: usize,
    /// The real data that samples are compared with, in words.
    pub judged_on: &'static str,
    /// Rows of them that the energy distances are to.
    pub real_rows: usize,
    /// Samples whose energy distances are taken.
    pub samples: usize,
    /// The columns that distances are taken over: data, or conditions and data together.
    pub over: &'static str,
    /// The unit of the distances: data units, or standard deviations.
    pub units: &'static str,
    /// The number of rows from which the classifier tells samples apart, with as many samples or some times as many.
    /// Means and deviations are of these rows, too.
    pub classified_rows: usize,
    /// What these rows are, in words.
    pub classified_on: &'static str,
    /// A row for each solver and number of steps.
    pub rows: Vec<Row>,
    /// The same Wasserstein distances between two sets of real data: what a perfect model gets.
    pub floor: Distances,
    /// The floor for each class; empty without classes.
    pub floor_by_class: Vec<Class>,
    /// The names of the data columns.
    pub column_names: Vec<String>,
    /// Mean and deviation of each column of the real rows.
    pub real_columns: Vec<Column>,
    /// The mean squared error of the velocity on these real data, in flow units.
    pub held_out_loss: f64,
    /// The normalised path energy; `None` with conditions.
    pub path_energy: Option<f64>,
    /// The log-likelihood of the real data.
    pub log_likelihood: LogLikelihood,
    /// Whether the best row's samples repeat training rows; `None` if training rows are unknown or rows are too few.
    pub memory: Option<Memory>,
    /// What the run's losses say; `None` unless they say that it overfits.
    pub overfitting: Option<Overfitting>,
    /// Whether the best row's samples are no nearer to real data than the starting points are.
    pub learned_nothing: bool,
    /// The cheapest solver that is as good as the best.
    pub advice: Advice,
    /// What the evaluation could not tell.
    pub notes: Vec<String>,
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
    /// Instructions for a sample on the chip that was named, as estimated; `None` without a chip.
    pub instructions: Option<usize>,
    /// Wasserstein distances between samples and real data.
    pub distances: Distances,
    /// The unbiased squared energy distance between samples and real data: about 0 for a perfect model. `None` for
    /// fewer than two real rows.
    pub energy: Option<Estimate>,
    /// How easily a classifier tells samples from real rows; `None` for fewer than 50 rows.
    pub told_apart: Option<ToldApart>,
    /// The least and the largest ratio of a column's standard deviation to the real one; `None` if all real columns
    /// are constant.
    pub deviation: Option<[f64; 2]>,
    /// Mean and deviation of each column.
    pub columns: Vec<Column>,
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
