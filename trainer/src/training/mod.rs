//! From data to a network, in one phase or in three: a flow; or a teacher's flow, a student that does
//! in N steps what the teacher does in many, and the student's own endpoints brought to the data.

pub mod checkpoint;
mod few_steps;
pub mod metrics;
mod phase;
mod run;
pub mod supply;

use std::time::Instant;

use anyhow::{Result, ensure};

use self::run::{Run, coupling};
use crate::config::Config;
use crate::coupling::dataset::Dataset;

pub use phase::{Monitor, Phase, Trained, Training, train_phase};
pub use run::{Keep, device};

/// The phases that `config` has, with their iterations.
pub fn phases(config: &Config) -> Vec<(&'static str, usize)> {
    let flow = ("flow", config.train.iterations);
    if config.few_steps.steps == 0 {
        return vec![flow];
    }
    let mut phases = vec![flow, ("distillation", config.few_steps.iterations)];
    if config.few_steps.own_iterations() > 0 {
        phases.push(("own endpoints", config.few_steps.own_iterations()));
    }
    phases
}

/// Refuses what no training could do with these data, before anything is written.
///
/// # Errors
///
/// When the coupling does not suit the conditions, or there is no such device.
pub fn check(config: &Config, dataset: &Dataset) -> Result<()> {
    device(config.train.device)?;
    let unconditional = dataset.condition_dim() == 0;
    ensure!(
        !unconditional || config.train.label_dropout == 0.0,
        "label_dropout is {}, but there are no conditions to drop",
        config.train.label_dropout
    );
    coupling(config, dataset).map(|_| ())
}

/// Trains a network as `config` says, and keeps checkpoints if there is a place to.
///
/// # Errors
///
/// When the loss is no longer finite, with the iteration and what to try; when a checkpoint cannot be
/// written or is none of this run; or when the monitor fails.
pub fn train(
    config: &Config,
    dataset: &Dataset,
    monitor: &mut dyn Monitor,
    keep: Option<&Keep>,
) -> Result<Trained> {
    let device = device(config.train.device)?;
    let resumed = keep.and_then(|keep| keep.resumed.as_ref());
    let run = Run { config, dataset, device, keep, resumed, start: Instant::now() };
    if config.few_steps.steps == 0 {
        run.flow(monitor, run.shape()?)
    } else {
        few_steps::train(&run, monitor)
    }
}
