//! A phase of training: the loop over batch, loss and optimiser step.

use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow};

use crate::config::schedule::Schedule;
use crate::config::words::Keep;
use crate::network::Network;
use crate::objective::{Objective, Tensors};
use crate::optimiser::AdamSettings;
use crate::training::checkpoint::{Best, Checkpoint, Checkpoints};
use crate::training::engine::{Engine, Feed, Known, Place, engine};
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
    pub held_out: Option<Tensors>,
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

/// The weights that were kept: those of the lowest held-out loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// Their iteration.
    pub iteration: usize,
    /// Their held-out loss.
    pub loss: f64,
    /// The held-out loss of the last iteration at which it was measured.
    pub last: f64,
}

/// The number of rows between two measurements of the held-out loss.
const ROWS_PER_HELD_OUT: usize = 10;

/// Trains `network` in a phase, at `place`, with batches from `feed`.
///
/// # Errors
///
/// Returns an error if the loss or a weight is not finite, with the iteration and advice; if a checkpoint
/// cannot be written or does not fit this network; or if the monitor fails.
pub(super) fn train_phase(
    phase: &Phase,
    network: Network,
    (place, feed): (Place, Feed<'_>),
    monitor: &mut dyn Monitor,
    training: Training<'_>,
) -> Result<Trained> {
    let variables = network.variables();
    let mut engine = engine(place, phase, &network, feed, training.resumed)?;
    let iterations = phase.schedule.iterations;
    let losses = Losses::new(iterations);
    let mut log = Log {
        phase,
        monitor,
        losses: match training.resumed {
            Some(checkpoint) => losses.resumed(checkpoint.iteration, checkpoint.losses.clone()),
            None => losses,
        },
        gradient_norm: 0.0,
        best: training.resumed.and_then(|checkpoint| checkpoint.best.clone()),
        start: training.start,
        before: training.before,
    };
    let mut kept = Instant::now();
    let keep = |engine: &mut dyn Engine, log: &Log<'_>| {
        let Some(checkpoints) = training.checkpoints else { return Ok(()) };
        let at = [phase.index, log.losses.iterations()];
        let progress = (log.losses.last(), log.seconds(), engine.supply()?);
        checkpoints.write(at, progress, &engine.state()?, log.best.as_ref())
    };
    if phase.index > 0 && training.resumed.is_none() {
        // Keeps the result of the earlier phases, which is not on disk yet.
        keep(engine.as_mut(), &log)?;
    }
    let mut stopped = false;
    for iteration in log.losses.iterations() + 1..=iterations {
        // A batch may take a long time if optimal transport pairs many points.
        if !engine.wait(&|| log.monitor.stops())? {
            log.tell(engine.as_mut(), true)?;
            keep(engine.as_mut(), &log)?;
            stopped = true;
            break;
        }
        engine.iterate(iteration)?;
        // The held-out loss is measured under the weights of its iteration.
        log.tell(engine.as_mut(), phase.judges(iteration))?;
        stopped = log.monitor.stops();
        let last = iteration == iterations || stopped;
        // Also at the end, so that a run that is stopped after training does not train again.
        if last || kept.elapsed() >= Duration::from_secs(training.every) {
            // A checkpoint needs the loss of every iteration that changed its weights.
            log.tell(engine.as_mut(), true)?;
            if stopped && !phase.ends_row(iteration) {
                log.row(engine.as_mut())?;
            }
            keep(engine.as_mut(), &log)?;
            kept = Instant::now();
        }
        if stopped {
            break;
        }
    }
    let chosen = log.best.as_ref().map(|best| best.chosen);
    let weights = match log.best.take() {
        Some(best) => best.weights,
        None => engine.exported()?,
    };
    for (variable, weight) in variables.iter().zip(&weights) {
        variable.set(weight)?;
    }
    // The loss is computed before the step, so the effect of the last step is checked here.
    for (name, tensor) in network.tensors() {
        let sum = tensor.abs()?.sum_all()?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            let iteration = log.losses.iterations();
            return Err(diverged(phase, &format!("{name} is {sum} after iteration {iteration}")));
        }
    }
    drop(engine);
    let seconds = log.seconds();
    let losses = log.losses;
    Ok(Trained { network, losses, seconds, phase: phase.index, stopped, chosen, times: None })
}

impl Phase {
    /// Whether a row of metrics ends with `iteration`.
    fn ends_row(&self, iteration: usize) -> bool {
        let iterations = self.schedule.iterations;
        iteration == iterations || iteration.is_multiple_of(row_every(iterations))
    }

    /// Whether the held-out loss is measured after `iteration`.
    fn judges(&self, iteration: usize) -> bool {
        let iterations = self.schedule.iterations;
        let row = iteration / row_every(iterations);
        iteration == iterations
            || (self.ends_row(iteration) && row.is_multiple_of(ROWS_PER_HELD_OUT))
    }
}

/// What is known of a phase's iterations.
struct Log<'a> {
    phase: &'a Phase,
    monitor: &'a mut dyn Monitor,
    losses: Losses,
    /// Of the last iteration whose loss is known.
    gradient_norm: f64,
    /// The weights of the lowest held-out loss, if they are kept.
    best: Option<Best>,
    start: Instant,
    before: f64,
}

impl Log<'_> {
    fn seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    /// Tells the monitor the losses that the engine knows, or those of `all` iterations, after a check of each.
    fn tell(&mut self, engine: &mut dyn Engine, all: bool) -> Result<()> {
        for Known { loss, gradient_norm } in engine.known(all)? {
            self.losses.push(loss);
            self.gradient_norm = gradient_norm;
            let iteration = self.losses.iterations();
            finite(self.phase, iteration, loss)?;
            self.monitor.iteration(iteration, loss);
            if self.phase.ends_row(iteration) {
                self.row(engine)?;
            }
        }
        Ok(())
    }

    /// Measures a row that ends with the last iteration whose loss is known.
    fn row(&mut self, engine: &mut dyn Engine) -> Result<()> {
        let iteration = self.losses.iterations();
        let rows = row_every(self.phase.schedule.iterations);
        // A run that stops here writes the same row as one that does not.
        let judges = self.phase.judges(iteration);
        let held_out_loss = if judges { engine.held_out_loss()? } else { None };
        if let (Some(loss), Keep::Best) = (held_out_loss, self.phase.keep) {
            self.choose(iteration, loss, engine)?;
        }
        let measurement = Measurement {
            phase: self.phase.index,
            iteration,
            loss: self.losses.mean_of((iteration - 1) % rows + 1),
            held_out_loss,
            learning_rate: self.phase.schedule.at(iteration),
            gradient_norm: self.gradient_norm,
            seconds: self.seconds(),
        };
        self.monitor.measured(&measurement)
    }

    /// Keeps the weights of `iteration` if their held-out loss is the lowest so far.
    fn choose(&mut self, iteration: usize, loss: f64, engine: &mut dyn Engine) -> Result<()> {
        match &mut self.best {
            Some(best) if best.chosen.loss <= loss => best.chosen.last = loss,
            best => {
                let chosen = Chosen { iteration, loss, last: loss };
                *best = Some(Best { chosen, weights: engine.exported()? });
            }
        }
        Ok(())
    }
}

fn finite(phase: &Phase, iteration: usize, loss: f64) -> Result<()> {
    if loss.is_finite() {
        return Ok(());
    }
    Err(diverged(phase, &format!("the loss is {loss} at iteration {iteration}")))
}

fn diverged(phase: &Phase, what: &str) -> Error {
    anyhow!(
        "training diverged: {what}. Try a smaller learning rate (it is {:e}), a larger batch, or look \
         for outliers in the data",
        phase.schedule.learning_rate
    )
}
