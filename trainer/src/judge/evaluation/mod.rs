//! The distances between a model's samples and real data for each solver and number of steps, with the cost.

mod field;
mod per_class;
mod result;
mod subject;
mod view;

pub use per_class::Class;
pub use result::{Advice, Evaluation, LogLikelihood, Row};
pub use subject::{FEW_DIMENSIONS, MOST_ASSIGNED, Subject};

use anyhow::{Result, ensure};
use flowlet::{HeapSolver, SolverKind};
use rayon::prelude::*;

use self::view::View;
use crate::data::random::{Stream, generator};
use crate::data::{Matrix, Points};
use crate::judge::distance::Distances;
use crate::judge::sides::Sides;
use crate::model::{Model, cost};
use crate::solve::sampling;

/// The settings of an evaluation.
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
