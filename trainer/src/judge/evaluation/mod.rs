//! The distances between a model's samples and real data for each solver and number of steps, with the cost.

mod field;
mod per_class;

pub use per_class::Class;

use anyhow::{Result, ensure};
use flowlet::{HeapSolver, SolverKind};
use rayon::prelude::*;
use serde::Serialize;

use crate::coupling::dataset::{Real, Units};
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::{ConditionColumn, Matrix, Points};
use crate::judge::distance::Distances;
use crate::judge::sides::{Sides, joint};
use crate::model::Model;
use crate::model::cost;
use crate::solve::sampling;

/// The most data dimensions in which W₂ over a few thousand points tells models apart, and in which the exact
/// divergence for the likelihood is worth its cost.
pub const FEW_DIMENSIONS: usize = 16;

/// The most points that are assigned exactly; this many take seconds.
pub const MOST_ASSIGNED: usize = 10_000;

/// What is evaluated.
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
}

/// How it is evaluated.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The solvers.
    pub solvers: Vec<SolverKind>,
    /// The numbers of steps for each solver.
    pub steps: Vec<usize>,
    /// Points in each set, or as many as there are.
    pub points: usize,
    /// Seed of the starting points and of the choice of real data.
    pub seed: u64,
    /// Whether columns are standardised before distances are taken. With conditions they always are.
    pub standardize: bool,
    /// How much larger than the best distance, in per cent, is still near enough for the advice.
    pub within: f64,
}

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

/// Evaluates a model. `done` is called after each solver and number of steps of `plan`.
///
/// # Errors
///
/// When there are fewer than two points of real data, or samples are not finite.
pub fn evaluate(subject: &Subject<'_>, plan: &Plan, done: impl Fn() + Sync) -> Result<Evaluation> {
    let Subject { model, real, source, conditions, .. } = *subject;
    let mut rng = generator(plan.seed, Stream::Evaluation);
    let sides = Sides::of(real, plan.points, &mut rng);
    let n = sides.first.x.rows();
    ensure!(n > 0, "too few rows to compare: expected at least two, one for each set");
    let conditional = model.mlp.condition_dim() > 0;
    let view = View { units: subject.units, standardize: plan.standardize || conditional };
    let x_0 = source.starts(plan.seed, n, model.mlp.data_dim());

    let first = view.of(&sides.first);
    let lines: Vec<(SolverKind, usize)> = plan
        .solvers
        .iter()
        .flat_map(|&kind| plan.steps.iter().map(move |&steps| (kind, steps)))
        .collect();
    let rows = lines
        .into_par_iter()
        .map(|(kind, steps)| {
            let solver = model.solver(Some(kind), Some(steps))?;
            let samples = samples(model, &solver, &x_0, &sides.second.c)?;
            let row = Row {
                solver: kind.name(),
                steps,
                evaluations: solver.evaluations(),
                multiply_adds: solver.evaluations() * cost::multiply_adds(&model.shape()),
                distances: Distances::between(&view.of(&samples), &first),
                by_class: per_class::between(&samples, &sides.first, conditions, &view),
            };
            done();
            Ok(row)
        })
        .collect::<Result<Vec<Row>>>()?;

    let advice = advise(&rows, model.mlp.data_dim(), plan.within);
    Ok(Evaluation {
        points: n,
        judged_on: sides.judged_on,
        over: if conditional { "conditions and data together" } else { "data" },
        units: if view.standardize { "standard deviations" } else { "data units" },
        rows,
        floor: Distances::between(&view.of(&sides.second), &first),
        floor_by_class: per_class::between(&sides.second, &sides.first, conditions, &view),
        held_out_loss: field::held_out_loss(subject, &sides.first, &x_0, plan.seed),
        path_energy: (!conditional).then(|| field::path_energy(subject, &sides.first, &x_0)),
        log_likelihood: field::log_likelihood(subject, &sides.first)?,
        advice,
    })
}

fn samples(model: &Model, solver: &HeapSolver, x_0: &Matrix, c: &Matrix) -> Result<Points> {
    let x = sampling::sample(&model.mlp, solver, x_0, c);
    ensure!(
        x.values().iter().all(|x| x.is_finite()),
        "samples by {} in {} steps are not finite",
        solver.kind(),
        solver.steps()
    );
    Ok(Points { x, c: c.clone() })
}

/// The columns and units that distances are taken in.
struct View<'a> {
    units: &'a Units,
    standardize: bool,
}

impl View<'_> {
    /// Data and conditions side by side.
    fn of(&self, points: &Points) -> Matrix {
        if self.standardize { joint(points, self.units) } else { points.x.clone() }
    }

    /// Data alone.
    fn of_data(&self, points: &Points) -> Matrix {
        let mut x = points.x.clone();
        if self.standardize {
            self.units.data.forward(&mut x);
        }
        x
    }
}

/// Returns the row with the fewest evaluations within `within` per cent of the best distance; among equal
/// ones, the one with the smallest distance.
fn advise(rows: &[Row], data_dim: usize, within: f64) -> Advice {
    let few = data_dim <= FEW_DIMENSIONS;
    let distance = |row: &Row| if few { row.distances.w2 } else { row.distances.energy };
    let best = rows.iter().map(distance).fold(f64::INFINITY, f64::min);
    let enough = best * (1.0 + within / 100.0);
    let row = (0..rows.len())
        .filter(|&k| distance(&rows[k]) <= enough)
        .min_by(|&a, &b| {
            let order = rows[a].evaluations.cmp(&rows[b].evaluations);
            order.then(distance(&rows[a]).total_cmp(&distance(&rows[b])))
        })
        .unwrap_or_default();
    Advice { measure: if few { "W2" } else { "energy distance" }, within, best, row }
}

#[cfg(test)]
mod tests;
