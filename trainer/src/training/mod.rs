//! Trains a network, in one phase or in up to three: a flow; or the flow of a teacher, its distillation into
//! a student of N steps, and training of the student on its own endpoints. If the teacher's pairs come from a file,
//! the first phase is left out.

mod best;
pub mod checkpoint;
mod engine;
mod few_steps;
mod iterations;
mod losses;
pub mod metrics;
mod pace;
mod phase;
mod run;
pub mod supply;

use std::time::Instant;

use anyhow::{Result, anyhow, ensure};
use flowlet::SolverKind;

use self::engine::Place;
use self::run::{Run, coupling, shape};
use crate::config::Config;
use crate::config::words::DeviceKind;
use crate::coupling::dataset::Dataset;
use crate::disk::memory;
use crate::model::description::Description;

pub use best::Chosen;
pub use losses::Losses;
pub use pace::seconds_per_iteration;
pub use phase::{Monitor, Phase, Trained, Training};
pub use run::{Keep, check_device, resolve};

/// Returns the names of the phases of a run, with their iterations.
pub fn phases(config: &Config) -> Vec<(&'static str, usize)> {
    let flow = ("flow", config.train.iterations);
    if config.few_steps.steps == 0 {
        return vec![flow];
    }
    let distillation = ("distillation", config.few_steps.iterations);
    let mut phases = match config.few_steps.pairs {
        Some(_) => vec![distillation],
        None => vec![flow, distillation],
    };
    if config.own_iterations() > 0 {
        phases.push(("own endpoints", config.own_iterations()));
    }
    phases
}

/// Checks that a run with `config` is possible with these data, before anything is written.
///
/// # Errors
///
/// Returns an error if the coupling or the label dropout does not suit the conditions, the device cannot be used, the
/// network and its batches do not fit into memory, or the names of the columns do not fit into the model's file.
pub fn check(config: &Config, dataset: &Dataset) -> Result<()> {
    let device = resolve(config.train.device);
    check_device(device).map_err(|error| anyhow!("{error:#}; or train with --device cpu"))?;
    // A card says itself when its own memory does not suffice.
    if device != DeviceKind::Cuda {
        check_memory(config, dataset)?;
    }
    let exported = description(config, dataset, &"0".repeat(16));
    exported.check_size(shape(config, dataset))?;
    let unconditional = dataset.condition_dim() == 0;
    ensure!(
        !unconditional || config.train.label_dropout == 0.0,
        "label_dropout is {}, but there are no conditions to drop",
        config.train.label_dropout
    );
    coupling(config, dataset).map(|_| ())
}

/// Returns the description of the model that a run trains. `digest` is the configuration's.
pub fn description(config: &Config, dataset: &Dataset, digest: &str) -> Description {
    Description {
        solver: Some(SolverKind::Euler),
        steps: Some(config.steps()),
        source: dataset.source.name(&config.source),
        data_columns: dataset.data_columns.clone(),
        data_shape: dataset.data_shape.clone(),
        conditions: dataset.conditions.clone(),
        condition_ranges: dataset.condition_ranges(),
        label_dropout: (!dataset.conditions.is_empty()).then_some(config.train.label_dropout),
        kept_iteration: None,
        seed: Some(config.seed),
        config: Some(digest.to_string()),
        device: Some(config.train.device).filter(|device| *device != DeviceKind::Cpu),
    }
}

/// Checks that the network and its batches fit into memory.
fn check_memory(config: &Config, dataset: &Dataset) -> Result<()> {
    let Config { model, train, few_steps, .. } = config;
    let own = (model.hidden_width, model.hidden_layers, "", train.batch_size);
    let teacher = (
        few_steps.teacher_hidden_width,
        few_steps.teacher_hidden_layers,
        "teacher_",
        train.batch_size,
    );
    let student =
        (model.hidden_width, model.hidden_layers, "", few_steps.batch_size * few_steps.steps);
    let networks = match (few_steps.steps, &few_steps.pairs) {
        (0, _) => vec![own],
        (_, Some(_)) => vec![student],
        (_, None) => vec![teacher, student],
    };
    let ends = (dataset.data_dim() + dataset.condition_dim()) as f64;
    for (width, layers, name, batch) in networks {
        let (h, l, b) = (width as f64, layers as f64, batch as f64);
        // For each weight: itself, its gradient, two moments, the average, two packed copies. For each unit: its values
        // before and after the activation, and a gradient. For each row: three batches, measured. Peaks of 10⁶ rows are
        // within a fifth of this.
        let rows = 3.5 * h * (l + 1.0) + 25.0 * ends + 20.0;
        let numbers = 7.0 * (l * h * h + 2.0 * ends * h) + b * rows;
        let what = format!(
            "a batch of {batch} with {name}hidden_width {width} and {name}hidden_layers {layers}"
        );
        memory::check(4.0 * numbers, &what, "choose a smaller batch_size or network")?;
    }
    Ok(())
}

/// Trains a network with `config`. Writes checkpoints if `keep` is given.
///
/// # Errors
///
/// Returns an error if the loss is not finite, with the iteration and advice; if a checkpoint cannot be
/// written or does not fit this run; or if the monitor fails.
pub fn train(
    config: &Config,
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
    keep: Option<&Keep>,
) -> Result<Trained> {
    let device = resolve(config.train.device);
    check_device(device)?;
    let place = match device {
        DeviceKind::Cuda => Place::Card,
        _ => Place::Processor,
    };
    train_at(place, config, dataset, monitor, keep)
}

fn train_at(
    place: Place,
    config: &Config,
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
    keep: Option<&Keep>,
) -> Result<Trained> {
    let resumed = keep.and_then(|keep| keep.resumed.as_ref());
    let run = Run { config, dataset, place, keep, resumed, start: Instant::now() };
    if config.few_steps.steps == 0 {
        run.flow(monitor, run.shape())
    } else {
        match &dataset.pairs {
            Some(pairs) => few_steps::train_on_pairs(&run, pairs, monitor),
            None => few_steps::train(&run, monitor),
        }
    }
}
