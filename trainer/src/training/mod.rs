//! From data to a network, in one phase or in three: a flow; or a teacher's flow, a student that does
//! in N steps what the teacher does in many, and the student's own endpoints brought to the data.

pub mod checkpoint;
mod few_steps;
pub mod metrics;
mod phase;
pub mod supply;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use candle_core::Device;

use crate::config::Config;
use crate::config::schedule::Schedule;
use crate::coupling::Coupling;
use crate::coupling::batches::{Batches, BatchesOptions};
use crate::coupling::dataset::Dataset;
use crate::data::random::{Stream, generator};
use crate::model::description::activation;
use crate::network::{Network, Shape};
use crate::objective::{Objective, Tensors};
use crate::optimiser::AdamSettings;
use crate::training::checkpoint::{Checkpoint, Checkpoints};
use crate::training::supply::Supply;
use crate::training::supply::ahead::Ahead;
use crate::training::supply::device::DeviceBatches;

pub use phase::{Monitor, Phase, Trained, Training, train_phase};

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

/// Where a run keeps what it needs to go on.
#[derive(Clone, Debug)]
pub struct Keep {
    /// The run's directory.
    pub directory: PathBuf,
    /// Its checkpoints.
    pub checkpoints: Checkpoints,
    /// The checkpoint to go on from.
    pub resumed: Option<Checkpoint>,
}

/// Refuses what no training could do with these data, before anything is written.
///
/// # Errors
///
/// When the coupling does not suit the conditions, or there is no such device.
pub fn check(config: &Config, dataset: &Dataset) -> Result<()> {
    device(&config.train.device)?;
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
    let device = device(&config.train.device)?;
    let resumed = keep.and_then(|keep| keep.resumed.as_ref());
    let run = Run { config, dataset, device, keep, resumed, start: Instant::now() };
    if config.few_steps.steps == 0 {
        run.flow(monitor, run.shape()?)
    } else {
        few_steps::train(&run, monitor)
    }
}

struct Run<'a> {
    config: &'a Config,
    dataset: &'a Dataset,
    device: Device,
    keep: Option<&'a Keep>,
    resumed: Option<&'a Checkpoint>,
    start: Instant,
}

impl Run<'_> {
    /// The network that is embedded in the end.
    fn shape(&self) -> Result<Shape> {
        let model = &self.config.model;
        Ok(Shape {
            data_dim: self.dataset.data_dim(),
            condition_dim: self.dataset.condition_dim(),
            hidden_width: model.hidden_width,
            hidden_layers: model.hidden_layers,
            activation: activation(&model.activation)?,
        })
    }

    /// Flow matching: a network of `shape` learns the velocity between source and target.
    fn flow(&self, monitor: &mut dyn Monitor, shape: Shape) -> Result<Trained> {
        let Config { seed, train, .. } = self.config;
        let mut rng = generator(*seed, Stream::Weights);
        let network = Network::initialize(shape, &mut rng, &self.device)?;
        let options = BatchesOptions {
            source: self.dataset.source.clone(),
            coupling: coupling(self.config, self.dataset)?,
            times: train.time,
            size: train.batch_size,
            transport_size: train.transport_size,
            label_dropout: train.label_dropout,
        };
        let held_out = match &self.dataset.held_out {
            Some(points) => {
                let batch = options.held_out(points, *seed)?;
                Some(Tensors::new(&batch, &self.device)?)
            }
            None => None,
        };
        let target = self.dataset.target.clone();
        let mut supply: Box<dyn Supply> = if self.device.is_cpu() || options.coupling.transports() {
            Box::new(Ahead::new(Batches::new(target, options, *seed)))
        } else {
            let data_dim = self.dataset.data_dim();
            Box::new(DeviceBatches::new(target, &options, data_dim, *seed, &self.device)?)
        };
        let phase = Phase {
            index: 0,
            objective: Objective::Velocity,
            schedule: Schedule {
                learning_rate: train.learning_rate,
                decay: train.schedule,
                warmup: train.warmup,
                iterations: train.iterations,
            },
            adam: AdamSettings {
                weight_decay: train.weight_decay,
                gradient_clip: (train.gradient_clip > 0.0).then_some(train.gradient_clip),
            },
            ema: (train.ema > 0.0).then_some(train.ema),
            held_out,
        };
        self.phase(&phase, network, supply.as_mut(), monitor)
    }

    /// Trains `network` through a phase, from the checkpoint on if that is where it was.
    fn phase(
        &self,
        phase: &Phase,
        network: Network,
        supply: &mut dyn Supply,
        monitor: &mut dyn Monitor,
    ) -> Result<Trained> {
        let resumed = self.resumed.filter(|checkpoint| checkpoint.phase == phase.index);
        let training = Training {
            start: self.start,
            before: self.resumed.map_or(0.0, |checkpoint| checkpoint.seconds),
            checkpoints: self.keep.map(|keep| &keep.checkpoints),
            every: self.config.train.checkpoint_seconds,
            resumed,
        };
        train_phase(phase, network, supply, monitor, training)
    }
}

fn coupling(config: &Config, dataset: &Dataset) -> Result<Coupling> {
    let train = &config.train;
    let Dataset { conditions, .. } = dataset;
    Coupling::new(train.coupling, conditions, train.condition_ratio, train.force_transport)
}

/// Where the tensors live.
///
/// # Errors
///
/// When the device does not exist here; the message says what to do.
pub fn device(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::Cpu),
        // candle's `cuda_if_available` asks whether this build has CUDA, not whether this machine has.
        "auto" => Ok(Device::new_cuda(0).unwrap_or(Device::Cpu)),
        "cuda" if cfg!(feature = "cuda") => Device::new_cuda(0).context(
            "no CUDA device can be used: expected an NVIDIA GPU and its driver (`nvidia-smi` lists \
                 them); train with --device cpu, or auto, which takes what there is",
        ),
        "cuda" => bail!(
            "this build has no CUDA: build with `--features flowlet-trainer/cuda`, or train with \
             --device cpu"
        ),
        _ => bail!("no device is called {name:?}: expected auto, cpu or cuda"),
    }
}
