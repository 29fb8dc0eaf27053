//! The summary that is printed at the end of a run.

use std::path::Path;

use anyhow::Result;

use crate::config::Config;
use crate::judge::judgement::{Distance, FEW, Judgement};
use crate::judge::losses::Overfitting;
use crate::judge::pairs::Nearness;
use crate::judge::verify::Report;
use crate::model::Model;
use crate::report::numbers::{count, thousands};
use crate::training::{Chosen, Trained, phases};

/// What is known of a trained model.
pub(super) struct Judged<'a> {
    pub(super) verified: &'a Report,
    pub(super) judgement: &'a Judgement,
    /// How near a student comes to the teacher whose pairs were read from a file, on held-out pairs.
    pub(super) teacher: Option<Nearness>,
    /// Whether the run learned its rows by heart.
    pub(super) overfitting: Option<Overfitting>,
    /// As [`Dataset::selected_on`](crate::coupling::dataset::Dataset::selected_on).
    pub(super) selected_on: Option<usize>,
    /// Whether a larger network or more iterations would likely help.
    pub(super) outlook: Option<&'a str>,
    /// What was found out about the data's files.
    pub(super) notes: &'a [String],
}

pub(super) fn summary(
    directory: &Path,
    config: &Config,
    trained: &Trained,
    model: &Model,
    judged: &Judged<'_>,
) -> Result<String> {
    use std::fmt::Write;
    let mut text = String::new();
    let last = trained.losses.iterations();
    let Judged { verified: report, judgement, teacher, overfitting, selected_on, outlook, notes } =
        *judged;
    let Judgement { distance, samples, rows, judged_on, memory, .. } = judgement;
    let phases = phases(config);
    let done = |(k, (name, iterations)): (usize, &(&str, usize))| {
        let iterations = if k == trained.phase { last } else { *iterations };
        (iterations, format!("{} of {name}", thousands(iterations)))
    };
    let (iterations, names): (Vec<usize>, Vec<String>) =
        phases.iter().enumerate().map(done).unzip();
    writeln!(text, "{}", directory.display())?;
    for (k, note) in notes.iter().enumerate() {
        writeln!(text, "  {:12}{note}", if k == 0 { "data" } else { "" })?;
    }
    writeln!(
        text,
        "  trained     {} in {:.1} s on {}",
        count(iterations.iter().sum(), "iteration"),
        trained.seconds,
        config.train.device.name()
    )?;
    if names.len() > 1 {
        writeln!(text, "{:14}({})", "", names.join(", "))?;
    }
    writeln!(
        text,
        "  loss        {:.4}, the mean of the last {}",
        trained.losses.recent(),
        count(last.min(1000), "iteration")
    )?;
    if let Some(Chosen { iteration, loss, last }) = trained.chosen {
        writeln!(
            text,
            "  kept        iteration {}, of the lowest held-out loss: {loss:.4}; after the last one it was {last:.4}",
            thousands(iteration)
        )?;
        if let Some(rows) = selected_on {
            writeln!(
                text,
                "{:14}(its {} judge it too, so what follows is too good: from 200 on, other rows judge)",
                "",
                count(rows, "held-out row")
            )?;
        }
    }
    if let (Some(overfitting), None) = (overfitting, trained.chosen) {
        writeln!(
            text,
            "{:14}{overfitting}.\n\
             {:14}Fewer iterations, a smaller network or more rows would help",
            "", ""
        )?;
    } else if let Some(outlook) = outlook {
        writeln!(text, "  outlook     {}", outlook.replace('\n', &format!("\n{:14}", "")))?;
    }
    if let Some(Nearness { error, pairs }) = teacher {
        writeln!(
            text,
            "  teacher     {error:.4} of its samples' deviation, the root mean square error on {}",
            count(pairs, "held-out pair")
        )?;
    }
    let sampled = format!("{} in {}", count(*samples, "sample"), count(config.steps(), "step"));
    let rows = if *judged_on == "fresh draws" {
        judged_on.to_string()
    } else {
        format!("{} {judged_on}", thousands(*rows))
    };
    match distance {
        Distance::Wasserstein { model, real } => writeln!(
            text,
            "  distance    {model:.4} to the target, {real:.4} between two sets of real data\n\
             {:14}(first Wasserstein distance, {sampled}, {rows})",
            ""
        )?,
        Distance::Energy { value: Some(value), error, with_conditions } => writeln!(
            text,
            "  distance    {value:.4} ± {error:.4} to the target, 0 is perfect\n\
             {:14}(squared energy distance without bias{},\n{:14}{sampled}, {rows})",
            "",
            if *with_conditions { " of data and conditions together" } else { "" },
            ""
        )?,
        Distance::Energy { value: None, .. } => {
            writeln!(text, "  distance    unknown: {rows}")?;
        }
    }
    if judgement.rows < FEW {
        writeln!(
            text,
            "{:14}too few rows for a reliable distance: hold out more with --holdout",
            ""
        )?;
    }
    if judgement.learned_nothing {
        writeln!(
            text,
            "{:14}the model learned nothing: its samples are no nearer to the data than the noise is.\n\
             {:14}Try a smaller --learning-rate",
            "", ""
        )?;
    }
    if let Some(memory) = memory {
        writeln!(text, "  memory      nearest-row ratio {}", memory.sentence())?;
        if memory.repeats {
            writeln!(
                text,
                "{:14}samples are nearer to training rows than held-out rows are: the model repeats its\n\
                 {:14}training data. Fewer iterations, a smaller network or more rows would help",
                "", ""
            )?;
        }
    }
    writeln!(
        text,
        "  runtime     worst error {:.1e} against f64 (candle's f32: {:.1e}); {}",
        report.worst(),
        report.path.candle.max(report.velocity.candle),
        if report.passes() { "verified" } else { "OUT OF TOLERANCE" }
    )?;
    writeln!(
        text,
        "  model       {} weights, {} bytes; {:.1} µs a sample in {} on one core",
        thousands(model.shape().parameters()),
        thousands(model.bytes),
        judgement.seconds_per_sample * 1e6,
        count(config.steps(), "step")
    )?;
    if !report.passes() {
        writeln!(text, "\n{report}")?;
    }
    Ok(text)
}
