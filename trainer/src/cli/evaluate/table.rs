//! Formats an evaluation as text, CSV or JSON.

use std::fmt::Write;

use anyhow::Result;

use crate::judge::distance::Distances;
use crate::judge::evaluation::{Class, Evaluation, LogLikelihood, Row};
use crate::report::numbers::{count, thousands};

/// The format of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// A table for people
    Text,
    /// A line for each row and class; the floor is the line `real data`
    Csv,
    /// Everything that was measured
    Json,
}

/// Formats the evaluation of the model called `name`.
pub(super) fn write(name: &str, evaluation: &Evaluation, format: Format) -> Result<String> {
    match format {
        Format::Text => text(name, evaluation),
        Format::Csv => csv(evaluation),
        Format::Json => Ok(serde_json::to_string_pretty(evaluation)? + "\n"),
    }
}

fn text(name: &str, evaluation: &Evaluation) -> Result<String> {
    let Evaluation { points, judged_on, over, units, rows, floor, advice, .. } = evaluation;
    let mut text = String::new();
    writeln!(
        text,
        "{name}: {} samples and as many of {judged_on}; distances over {over} in {units}\n",
        thousands(*points)
    )?;
    writeln!(
        text,
        "{:<9} {:>5} {:>11} {:>13} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "solver", "steps", "evaluations", "multiply-adds", "W1", "W2", "W2²", "sliced W2", "energy"
    )?;
    for Row { solver, steps, evaluations, multiply_adds, distances, .. } in rows {
        let work = thousands(*multiply_adds);
        writeln!(
            text,
            "{solver:<9} {steps:>5} {evaluations:>11} {work:>13} {}",
            columns(distances)
        )?;
    }
    writeln!(text, "{:<41} {}\n", "between two sets of real data", columns(floor))?;

    let best = &rows[advice.row];
    if !best.by_class.is_empty() {
        writeln!(
            text,
            "each class, over the data alone: {} in {}, then two sets of real data",
            best.solver,
            count(best.steps, "step")
        )?;
        for class in &best.by_class {
            let real = evaluation.floor_by_class.iter().find(|real| real.class == class.class);
            let of =
                |class: &Class| format!("{:>6} points {}", class.points, columns(&class.distances));
            writeln!(text, "{:<26} {}", class.class, of(class))?;
            if let Some(real) = real {
                writeln!(text, "{:<26} {}", "", of(real))?;
            }
        }
        writeln!(text)?;
    }
    writeln!(text, "held-out loss          {:.4}", evaluation.held_out_loss)?;
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
    writeln!(
        text,
        "\nfewest evaluations within {} % of the best {} ({:.4}): {} in {}, {} and {} multiply-adds a \
         sample",
        advice.within,
        advice.measure,
        advice.best,
        best.solver,
        count(best.steps, "step"),
        count(best.evaluations, "evaluation"),
        thousands(best.multiply_adds)
    )?;
    Ok(text)
}

fn columns(distances: &Distances) -> String {
    let Distances { w1, w2, w2_squared, sliced_w2, energy } = distances;
    [w1, w2, w2_squared, sliced_w2, energy].map(|distance| format!("{distance:>9.4}")).join(" ")
}

fn csv(evaluation: &Evaluation) -> Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "solver",
        "steps",
        "evaluations",
        "multiply_adds",
        "class",
        "points",
        "w1",
        "w2",
        "w2_squared",
        "sliced_w2",
        "energy",
    ])?;
    let mut line = |start: [String; 4], class: &str, points: usize, distances: &Distances| {
        let Distances { w1, w2, w2_squared, sliced_w2, energy } = distances;
        let numbers = [w1, w2, w2_squared, sliced_w2, energy].map(ToString::to_string);
        let middle = [class.to_string(), points.to_string()];
        writer.write_record(start.into_iter().chain(middle).chain(numbers))
    };
    for row in &evaluation.rows {
        let numbers = [row.steps, row.evaluations, row.multiply_adds].map(|n| n.to_string());
        let [steps, evaluations, multiply_adds] = numbers;
        let start = [row.solver.to_string(), steps, evaluations, multiply_adds];
        line(start.clone(), "", evaluation.points, &row.distances)?;
        for Class { class, points, distances } in &row.by_class {
            line(start.clone(), class, *points, distances)?;
        }
    }
    let start = ["real data".to_string(), String::new(), String::new(), String::new()];
    line(start.clone(), "", evaluation.points, &evaluation.floor)?;
    for Class { class, points, distances } in &evaluation.floor_by_class {
        line(start.clone(), class, *points, distances)?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
