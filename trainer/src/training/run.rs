//! A run: its configuration, data, device and checkpoints.

use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::checkpoint::{Checkpoint, Checkpoints};
use super::engine::{CardPools, Feed, Place};
use super::iterations::train_phase;
use super::phase::{Monitor, Phase, Trained, Training};
use super::supply::ahead::Ahead;
use crate::config::Config;
use crate::config::schedule::Schedule;
use crate::config::words::DeviceKind;
use crate::coupling::Coupling;
use crate::coupling::batches::{Batches, BatchesOptions};
use crate::coupling::dataset::Dataset;
use crate::data::random::{Stream, generator};
use crate::network::{Network, Shape};
use crate::objective::Objective;
use crate::optimiser::AdamSettings;

/// The files from which a run can be resumed.
#[derive(Clone, Debug)]
pub struct Keep {
    /// Its checkpoints.
    pub checkpoints: Checkpoints,
    /// The checkpoint to resume from.
    pub resumed: Option<Checkpoint>,
}

/// A run in progress.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) dataset: &'a Dataset,
    pub(super) place: Place,
    pub(super) keep: Option<&'a Keep>,
    pub(super) resumed: Option<&'a Checkpoint>,
    pub(super) start: Instant,
}

impl Run<'_> {
    /// Returns the shape of the network that is exported.
    pub(super) fn shape(&self) -> Shape {
        shape(self.config, self.dataset)
    }

    /// Trains a network of `shape` by flow matching: it learns the velocity between source and target.
    pub(super) fn flow(&self, monitor: &mut dyn Monitor, shape: Shape) -> Result<Trained> {
        let Config { seed, train, .. } = self.config;
        let mut rng = generator(*seed, Stream::Weights);
        let network = Network::initialize(shape, &mut rng);
        let options = BatchesOptions {
            source: self.dataset.source.clone(),
            coupling: coupling(self.config, self.dataset)?,
            times: train.time,
            size: train.batch_size,
            transport_size: train.transport_size,
            label_dropout: train.label_dropout,
        };
        let held_out = self.dataset.held_out.as_ref();
        let held_out = held_out.map(|points| options.held_out(points, *seed)).transpose()?;
        let target = self.dataset.target.clone();
        let mut ahead;
        let feed = if self.place == Place::Processor || options.coupling.transports() {
            ahead = Ahead::new(Batches::new(target, options, *seed));
            Feed::Supply(&mut ahead)
        } else {
            Feed::Card(CardPools::new(target, &options, self.dataset.data_dim(), *seed))
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
            keep: train.keep,
        };
        self.phase(&phase, network, feed, monitor)
    }

    /// Trains `network` in a phase, from the checkpoint on if it belongs to this phase.
    pub(super) fn phase(
        &self,
        phase: &Phase,
        network: Network,
        feed: Feed<'_>,
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
        train_phase(phase, network, (self.place, feed), monitor, training)
    }
}

/// Returns the shape of the network that a run exports.
pub(super) fn shape(config: &Config, dataset: &Dataset) -> Shape {
    let model = &config.model;
    Shape {
        data_dim: dataset.data_dim(),
        condition_dim: dataset.condition_dim(),
        hidden_width: model.hidden_width,
        hidden_layers: model.hidden_layers,
        activation: model.activation,
    }
}

/// Returns the coupling of a run.
///
/// # Errors
///
/// Returns an error if it does not suit the conditions.
pub(super) fn coupling(config: &Config, dataset: &Dataset) -> Result<Coupling> {
    let train = &config.train;
    let Dataset { conditions, .. } = dataset;
    Coupling::new(train.coupling, conditions, train.condition_ratio, train.force_transport)
}

/// Returns the kind of device that `kind` stands for on this machine: CUDA for [`DeviceKind::Auto`] if it can be
/// used, the CPU otherwise.
pub fn resolve(kind: DeviceKind) -> DeviceKind {
    match kind {
        DeviceKind::Auto if flowlet_gpu::card().is_ok() => DeviceKind::Cuda,
        DeviceKind::Auto => DeviceKind::Cpu,
        kind => kind,
    }
}

/// Checks that a device, as [`resolve`] returned it, can be used.
///
/// # Errors
///
/// Returns an error that says what is missing if `kind` is CUDA and cannot be used.
pub fn check_device(kind: DeviceKind) -> Result<()> {
    match kind {
        DeviceKind::Cuda if cfg!(feature = "cuda") => {
            flowlet_gpu::card().context("no CUDA device can be used")?;
            Ok(())
        }
        DeviceKind::Cuda => bail!(
            "this build does not support CUDA: expected one with `--features flowlet-trainer/cuda`"
        ),
        _ => Ok(()),
    }
}
