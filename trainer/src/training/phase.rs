//! A phase of training, and what it gives.

use std::time::Instant;

use anyhow::Result;

use crate::config::schedule::Schedule;
use crate::config::words::Keep;
use crate::coupling::batches::Batch;
use crate::network::Network;
use crate::objective::Objective;
use crate::optimiser::AdamSettings;
use crate::training::best::Chosen;
use crate::training::checkpoint::{Checkpoint, Checkpoints};
use crate::training::losses::Losses;
use crate::training::metrics::{Measurement, row_every};

/// Observes a training run, and may stop it.
pub trait Monitor {
    /// Called after each iteration, counted from 1 in each phase, with its loss.
    fn iteration(&mut self, iteration: usize, loss: f64);

    /// Called for each row of `metrics.csv`.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn measured(&mut self, measurement: &Measurement) -> Result<()>;

    /// Whether the run should stop after this iteration. The trained network is kept.
    fn stops(&self) -> bool;
}

/// A phase of a run, with one objective and one schedule.
#[derive(Debug)]
pub struct Phase {
    /// The index of the phase, from 0.
    pub index: usize,
    /// The loss that training minimises.
    pub objective: Objective,
    /// The learning rates and the number of iterations.
    pub schedule: Schedule,
    /// The settings of the optimiser.
    pub adam: AdamSettings,
    /// The decay of the weights' moving average, which replaces the weights at the end. `None` for no
    /// average.
    pub ema: Option<f64>,
    /// The held-out batch, on which the held-out loss is measured.
    pub held_out: Option<Batch>,
    /// Which weights are the result. Without a held-out batch, the last ones.
    pub keep: Keep,
}

/// The start of a phase and its checkpoints.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// When this process started or resumed the run.
    pub start: Instant,
    /// The duration of the run before that, in seconds.
    pub before: f64,
    /// Where checkpoints are written. `None` for no checkpoints.
    pub checkpoints: Option<&'a Checkpoints>,
    /// The time between two checkpoints, in seconds.
    pub every: u64,
    /// The checkpoint to resume from.
    pub resumed: Option<&'a Checkpoint>,
}

/// A trained network and its losses.
#[derive(Debug)]
pub struct Trained {
    /// The network after the last iteration.
    pub network: Network,
    /// The losses of the last phase.
    pub losses: Losses,
    /// The duration of the run with all its phases so far, in seconds.
    pub seconds: f64,
    /// The index of the last phase.
    pub phase: usize,
    /// Whether the monitor stopped the run.
    pub stopped: bool,
    /// Which weights were kept, if they were chosen by the held-out loss.
    pub chosen: Option<Chosen>,
    /// The time grid that a student was trained for, `[N + 1]`. `None` for a flow.
    pub times: Option<Vec<f32>>,
}

/// The number of rows between two measurements of the held-out loss.
const ROWS_PER_HELD_OUT: usize = 10;

impl Phase {
    /// Whether a row of metrics ends with `iteration`.
    pub(super) fn ends_row(&self, iteration: usize) -> bool {
        let iterations = self.schedule.iterations;
        iteration == iterations || iteration.is_multiple_of(row_every(iterations))
    }

    /// Whether the held-out loss is measured after `iteration`.
    pub(super) fn judges(&self, iteration: usize) -> bool {
        let iterations = self.schedule.iterations;
        let row = iteration / row_every(iterations);
        iteration == iterations
            || (self.ends_row(iteration) && row.is_multiple_of(ROWS_PER_HELD_OUT))
    }
}
