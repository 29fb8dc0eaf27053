//! Formats an evaluation for people.

use std::fmt::Write;

use anyhow::Result;

use crate::judge::distance::Distances;
use crate::judge::evaluation::{
    APART, Class, Column, DEVIATION, Estimate, Evaluation, LogLikelihood, Row,
};
use crate::report::numbers::{count, thousands};

/// The most data columns whose means and deviations are printed.
const COLUMNS: usize = 16;

pub(super) fn text(name: &str, evaluation: &Evaluation, chip: Option<&str>) -> Result<String> {
    let mut text = String::new();
    samplers(&mut text, name, evaluation)?;
    // Details of the advised row; without an advice, of the best one.
    let shown = evaluation.advice.row.or(evaluation.advice.best);
    let shown = shown.map_or(evaluation.rows.last(), |row| evaluation.rows.get(row));
    if let Some(row) = shown {
        columns(&mut text, evaluation, row)?;
        classes(&mut text, evaluation, row)?;
    }
    measures(&mut text, evaluation)?;
    advice(&mut text, evaluation, chip)?;
    Ok(text)
}

/// Writes a line for each sampler.
fn samplers(text: &mut String, name: &str, evaluation: &Evaluation) -> Result<()> {
    let Evaluation { samples, real_rows, judged_on, over, units, points, .. } = evaluation;
    let Evaluation { classified_rows, classified_on, .. } = evaluation;
    writeln!(
        text,
        "{name}: {} samples and {} {judged_on}; distances over {over} in {units}\n",
        thousands(*samples),
        thousands(*real_rows)
    )?;
    writeln!(
        text,
        "{:<9} {:>5} {:>11} {:>9} {:>9} {:>9} {:>17} {:>15} {:>11}",
        "solver",
        "steps",
        "evaluations",
        "W1",
        "W2",
        "sliced W2",
        "energy",
        "told apart",
        "deviation"
    )?;
    for row in &evaluation.rows {
        let Row { solver, steps, evaluations, distances, energy, told_apart, deviation, .. } = row;
        let told = told_apart.as_ref().map(|told| format!("{:.3} ±{:.3}", told.auc, told.error));
        writeln!(
            text,
            "{solver:<9} {steps:>5} {evaluations:>11} {} {:>17} {:>15} {:>11}",
            wasserstein(distances),
            with_error(*energy),
            told.unwrap_or_else(none),
            range(*deviation)
        )?;
    }
    writeln!(
        text,
        "{:<27} {} {:>17}\n",
        "two sets of real data",
        wasserstein(&evaluation.floor),
        "0"
    )?;
    writeln!(
        text,
        "W1, W2      exact, between two sets of {} points; the last line is what a perfect model gets\n\
         energy      squared energy distance without bias, and its standard error; 0 is perfect\n\
         told apart  how well a classifier tells samples from {} {classified_on}: 0.5 not at all, 1 always\n\
         deviation   of samples, as a share of the real one: least and largest of all columns",
        thousands(*points),
        thousands(*classified_rows),
    )?;
    Ok(())
}

/// Writes mean and deviation of each column, beside the real ones.
fn columns(text: &mut String, evaluation: &Evaluation, row: &Row) -> Result<()> {
    let width = evaluation.column_names.iter().map(|name| name.chars().count()).max();
    let width = width.unwrap_or(0).clamp(6, 26);
    writeln!(
        text,
        "\n{:<width$} {:>12} {:>12} {:>12} {:>12}   {} in {}",
        "column",
        "real mean",
        "samples",
        "deviation",
        "samples",
        row.solver,
        count(row.steps, "step")
    )?;
    let all = evaluation.column_names.iter().zip(&evaluation.real_columns).zip(&row.columns);
    for ((name, real), samples) in all.take(COLUMNS) {
        let name: String = name.chars().take(width).collect();
        let [a, b] = [real, samples].map(|Column { mean, .. }| number(*mean));
        let [c, d] = [real, samples].map(|Column { deviation, .. }| number(*deviation));
        writeln!(text, "{name:<width$} {a:>12} {b:>12} {c:>12} {d:>12}")?;
    }
    let more = evaluation.column_names.len().saturating_sub(COLUMNS);
    if more > 0 {
        writeln!(text, "{} more with --format json", count(more, "column"))?;
    }
    Ok(())
}

/// Writes the distances within each class.
fn classes(text: &mut String, evaluation: &Evaluation, row: &Row) -> Result<()> {
    if row.by_class.is_empty() {
        return Ok(());
    }
    writeln!(
        text,
        "\n{:<20} {:>6} {:>9} {:>9} {:>9} {:>17} {:>11}   {} in {}, then real data",
        "class",
        "points",
        "W1",
        "W2",
        "sliced W2",
        "energy",
        "deviation",
        row.solver,
        count(row.steps, "step")
    )?;
    for class in &row.by_class {
        let Class { class: name, points, distances, energy, deviation } = class;
        writeln!(
            text,
            "{name:<20} {points:>6} {} {:>17} {:>11}",
            wasserstein(distances),
            with_error(*energy),
            range(*deviation)
        )?;
        let real = evaluation.floor_by_class.iter().find(|real| real.class == *name);
        if let Some(Class { points, distances, .. }) = real {
            writeln!(text, "{:<20} {points:>6} {}", "", wasserstein(distances))?;
        }
    }
    Ok(())
}

/// Writes the measures that do not depend on a solver, and those of the best one.
fn measures(text: &mut String, evaluation: &Evaluation) -> Result<()> {
    writeln!(text, "\nheld-out loss          {:.4}", evaluation.held_out_loss)?;
    if let Some(energy) = evaluation.path_energy {
        writeln!(text, "normalised path energy {energy:.4} (0 for the shortest paths)")?;
    }
    match &evaluation.log_likelihood {
        LogLikelihood::Nats { mean, error, truth, points } => {
            let truth = truth
                .map(|truth| format!("; the true density gives {truth:.4}"))
                .unwrap_or_default();
            writeln!(
                text,
                "log-likelihood         {mean:.4} nats a point (± {error:.4}, {} points){truth}",
                thousands(*points)
            )?;
        }
        LogLikelihood::LeftOut { reason } => {
            writeln!(text, "log-likelihood         left out: {reason}")?;
        }
    }
    if let Some(memory) = &evaluation.memory {
        writeln!(text, "nearest-row ratio      {}", memory.sentence())?;
        if memory.repeats {
            writeln!(text, "the model repeats its training rows")?;
        }
    }
    if let Some(overfitting) = &evaluation.overfitting {
        writeln!(text, "{overfitting}")?;
    }
    if evaluation.learned_nothing {
        writeln!(
            text,
            "the model learned nothing: its samples are no nearer to the data than the noise is"
        )?;
    }
    Ok(())
}

fn advice(text: &mut String, evaluation: &Evaluation, chip: Option<&str>) -> Result<()> {
    writeln!(text)?;
    for note in &evaluation.notes {
        writeln!(text, "note: {note}")?;
    }
    let advice = &evaluation.advice;
    if let Some(reason) = &advice.reason {
        writeln!(text, "no advice: {reason}")?;
    }
    let (Some(row), Some(best)) = (advice.row, advice.best) else { return Ok(()) };
    let (row, best) = (&evaluation.rows[row], &evaluation.rows[best]);
    writeln!(
        text,
        "fewest evaluations with an energy within {} % or two standard errors of the best ({} in {}),\n\
         told apart by at most {APART} more than any, each deviation within {} % of the best's:",
        advice.within,
        best.solver,
        count(best.steps, "step"),
        100.0 * DEVIATION
    )?;
    let chip = match (row.instructions, chip) {
        (Some(instructions), Some(chip)) => {
            format!(", about {} instructions on {chip}", thousands(instructions))
        }
        _ => String::new(),
    };
    writeln!(
        text,
        "{} in {}: {} and {} multiply-adds a sample{chip}",
        row.solver,
        count(row.steps, "step"),
        count(row.evaluations, "evaluation"),
        thousands(row.multiply_adds)
    )?;
    Ok(())
}

fn wasserstein(distances: &Distances) -> String {
    let Distances { w1, w2, sliced_w2, .. } = distances;
    [w1, w2, sliced_w2].map(|distance| format!("{distance:>9.4}")).join(" ")
}

fn with_error(energy: Option<Estimate>) -> String {
    energy.map_or_else(none, |Estimate { value, error }| format!("{value:.4} ±{error:.4}"))
}

fn range(range: Option<[f64; 2]>) -> String {
    range.map_or_else(none, |[low, high]| format!("{low:.2}–{high:.2}"))
}

fn none() -> String {
    "–".to_string()
}

/// Four significant digits.
fn number(x: f64) -> String {
    let size = if x == 0.0 { 0 } else { x.abs().log10().floor() as i32 };
    if (-4..6).contains(&size) {
        let decimals = usize::try_from(3 - size).unwrap_or(0);
        format!("{x:.decimals$}")
    } else {
        format!("{x:.3e}")
    }
}
