//! The distances between a model's samples and real data for each solver and number of steps, with the cost.

mod advice;
mod classes;
mod estimate;
mod field;
mod lot;
mod per_class;
mod plan;
mod result;
mod sets;
mod subject;

pub use advice::{APART, Advice, DEVIATION};
pub use estimate::Estimate;
pub use lot::Column;
pub use per_class::Class;
pub use plan::Plan;
pub use result::{Evaluation, LogLikelihood, Row};
pub use subject::{Draw, FEW_DIMENSIONS, MOST_ASSIGNED, Subject};

use anyhow::Result;
use flowlet::SolverKind;
use rayon::prelude::*;

use self::advice::{Candidate, FEWEST, choose};
use self::sets::{Measured, Sets};
use crate::coupling::dataset::Real;
use crate::data::random::{Stream, generator};
use crate::judge::distance::Distances;
use crate::judge::memory::memory;
use crate::judge::stage::Stage;
use crate::judge::two_samples;

/// Distances to fewer rows say little.
const FEW: usize = 100;

/// Evaluates a model. `done` is called after each solver and number of steps of `plan`.
///
/// # Errors
///
/// When there are fewer than two points of real data, or samples are not finite.
pub fn evaluate(subject: &Subject<'_>, plan: &Plan, done: impl Fn() + Sync) -> Result<Evaluation> {
    let Subject { model, real, conditions, .. } = *subject;
    let conditional = model.mlp.condition_dim() > 0;
    let sets = Sets::new(subject, plan)?;
    let Sets { view, sides, stage, lot, x_0, .. } = &sets;
    let n = sides.first.x.rows();
    let steps = |&kind: &SolverKind| plan.steps.iter().map(move |&steps| (kind, steps));
    let lines: Vec<(SolverKind, usize)> = plan.solvers.iter().flat_map(steps).collect();
    let measured = lines
        .par_iter()
        .map(|&(kind, steps)| sets.measure(kind, steps, plan).inspect(|_| done()))
        .collect::<Result<Vec<Measured>>>()?;

    let mut advice = advise(&measured, stage, lot.real.x.rows(), plan.within);
    let mut notes = Vec::new();
    let rows = stage.real.x.rows();
    if rows < FEW {
        notes.push(format!("{rows} {}: W1, W2 and energy say little", singular(rows, stage)));
    } else if n < FEW {
        notes.push(format!("{n} points in each set of W1 and W2: they say little"));
    }
    notes.extend(resolution(&measured, lot.real.x.rows()));

    // The samples of the best row, or of the last, which has the most steps as a rule.
    let (kind, steps) = lines[advice.best.unwrap_or(lines.len() - 1)];
    let best = sets.samples(kind, steps, &x_0.stage, &stage.c)?;
    let memory = match real {
        Real::Rows { train, held_out } => {
            let mut rng = generator(plan.seed, Stream::Evaluation);
            memory(&best.x, train, held_out, subject.units, &mut rng)
        }
        Real::Distribution { .. } => None,
    };
    let mut starts = x_0.stage.clone();
    subject.units.data.backward(&mut starts);
    let learned_nothing = stage.learned_nothing(&best.x, &starts, view);
    if learned_nothing {
        advice.row = None;
        advice.reason.get_or_insert_with(|| "the model learned nothing".to_string());
    }
    let repeated: Vec<usize> =
        (0..stage.c.rows()).map(|sample| sample % stage.real.x.rows()).collect();
    Ok(Evaluation {
        points: n,
        judged_on: stage.judged_on,
        real_rows: stage.real.x.rows(),
        samples: stage.c.rows(),
        over: if conditional { "conditions and data together" } else { "data" },
        units: if view.standardize { "standard deviations" } else { "data units" },
        classified_rows: lot.real.x.rows(),
        classified_on: lot.of,
        floor: Distances::between(&view.of(&sides.second), &view.of(&sides.first)),
        floor_by_class: per_class::between(&sides.second, &sides.first, conditions, view),
        column_names: model.data_columns(),
        real_columns: sets.real_columns.clone(),
        held_out_loss: field::held_out_loss(
            subject,
            &stage.real.select(&repeated),
            &x_0.stage,
            plan.seed,
        ),
        path_energy: (!conditional).then(|| field::path_energy(subject, &sides.first, &x_0.sides)),
        log_likelihood: field::log_likelihood(subject, &stage.real)?,
        memory,
        overfitting: subject.overfitting,
        learned_nothing,
        rows: measured.into_iter().map(|measured| measured.row).collect(),
        advice,
        notes,
    })
}

/// Returns the advice, or why there is none.
fn advise(measured: &[Measured], stage: &Stage, classified: usize, within: f64) -> Advice {
    let told = |measured: &'_ Measured| measured.row.told_apart.clone();
    let least = measured.iter().filter_map(told).min_by(|a, b| a.auc.total_cmp(&b.auc));
    let candidate = |measured: &Measured| Candidate {
        evaluations: measured.row.evaluations,
        energy: measured.row.energy.map(|energy| [energy.value, energy.error]),
        apart: match (&measured.row.told_apart, &least) {
            (Some(told), Some(least)) => [told.auc - least.auc, told.error_of_difference(least)],
            _ => [0.0; 2],
        },
        deviations: measured.deviations.clone(),
    };
    let candidates: Vec<Candidate> = measured.iter().map(candidate).collect();
    let chosen = choose(&candidates, within);
    let rows = stage.real.x.rows();
    let reason = if !stage.unseen {
        Some("no rows are held out: hold out rows with --holdout, or give --data".to_string())
    } else if rows < FEWEST {
        Some(format!(
            "{rows} {} are too few to compare by, expected {FEWEST}: hold out more with --holdout, or give --data",
            singular(rows, stage)
        ))
    } else if classified < two_samples::FEWEST {
        Some(format!(
            "{classified} rows are too few for the classifier, expected {}",
            two_samples::FEWEST
        ))
    } else if chosen.is_none() {
        Some("no distance is finite".to_string())
    } else {
        None
    };
    let row = chosen.filter(|_| reason.is_none()).map(|(_, row)| row);
    Advice { within, best: chosen.map(|(best, _)| best), row, reason }
}

/// What the stage's rows are, for a number of them.
fn singular(rows: usize, stage: &Stage) -> &'static str {
    if rows == 1 { stage.judged_on.trim_end_matches('s') } else { stage.judged_on }
}

/// Returns a note if the classifier cannot tell a difference as small as [`APART`].
fn resolution(measured: &[Measured], rows: usize) -> Option<String> {
    let told = || measured.iter().filter_map(|measured| measured.row.told_apart.as_ref());
    let least = told().min_by(|a, b| a.auc.total_cmp(&b.auc))?;
    let near = told().filter(|told| told.auc <= least.auc + APART);
    let error = near.map(|told| told.error_of_difference(least)).fold(0.0, f64::max);
    (2.0 * error > APART).then(|| {
        format!("with {rows} rows, the classifier cannot tell differences below {:.3}", 2.0 * error)
    })
}

#[cfg(test)]
mod tests;
