//! Formats an evaluation as CSV or JSON; `text` does it for people.

use anyhow::Result;

use super::text::text;
use crate::judge::distance::Distances;
use crate::judge::evaluation::{Class, Estimate, Evaluation, Row};

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

/// Formats the evaluation of the model called `name`. `chip` is the one that instructions are for.
pub(super) fn write(
    name: &str,
    evaluation: &Evaluation,
    format: Format,
    chip: Option<&str>,
) -> Result<String> {
    match format {
        Format::Text => text(name, evaluation, chip),
        Format::Csv => csv(evaluation),
        Format::Json => Ok(serde_json::to_string_pretty(evaluation)? + "\n"),
    }
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
        "energy_error",
        "auc",
        "auc_error",
        "least_deviation",
        "largest_deviation",
    ])?;
    let mut line = |start: [String; 4],
                    class: &str,
                    points: usize,
                    distances: &Distances,
                    rest: [Option<f64>; 6]| {
        let Distances { w1, w2, w2_squared, sliced_w2 } = distances;
        let numbers = [w1, w2, w2_squared, sliced_w2].map(ToString::to_string);
        let middle = [class.to_string(), points.to_string()];
        let rest = rest.map(|x| x.map_or_else(String::new, |x| x.to_string()));
        writer.write_record(start.into_iter().chain(middle).chain(numbers).chain(rest))
    };
    let split = |energy: Option<Estimate>| [energy.map(|e| e.value), energy.map(|e| e.error)];
    let ends = |range: Option<[f64; 2]>| [range.map(|[low, _]| low), range.map(|[_, high]| high)];
    for row in &evaluation.rows {
        let numbers = [row.steps, row.evaluations, row.multiply_adds].map(|n| n.to_string());
        let [steps, evaluations, multiply_adds] = numbers;
        let start = [row.solver.to_string(), steps, evaluations, multiply_adds];
        let Row { told_apart, energy, deviation, .. } = row;
        let [value, error] = split(*energy);
        let [least, largest] = ends(*deviation);
        let auc = told_apart.as_ref().map(|told| told.auc);
        let auc_error = told_apart.as_ref().map(|told| told.error);
        let rest = [value, error, auc, auc_error, least, largest];
        line(start.clone(), "", evaluation.points, &row.distances, rest)?;
        for Class { class, points, distances, energy, deviation } in &row.by_class {
            let [value, error] = split(*energy);
            let [least, largest] = ends(*deviation);
            line(
                start.clone(),
                class,
                *points,
                distances,
                [value, error, None, None, least, largest],
            )?;
        }
    }
    let start = ["real data".to_string(), String::new(), String::new(), String::new()];
    line(start.clone(), "", evaluation.points, &evaluation.floor, [None; 6])?;
    for Class { class, points, distances, .. } in &evaluation.floor_by_class {
        line(start.clone(), class, *points, distances, [None; 6])?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}
