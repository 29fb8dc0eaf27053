//! The loop over a phase's iterations.

use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow};

use crate::config::words::Keep;
use crate::network::Network;
use crate::training::best::{Best, Chosen};
use crate::training::engine::{Engine, Feed, Known, Place, engine};
use crate::training::losses::Losses;
use crate::training::metrics::{Measurement, row_every};
use crate::training::phase::{Monitor, Phase, Trained, Training};

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
    let shape = network.shape();
    let mut engine = engine(place, phase, network, feed, training.resumed)?;
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
        checkpoints.write(at, progress, (shape, &engine.state()?), log.best.as_ref())
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
    drop(engine);
    let network = Network::new(shape, weights)?;
    // The loss is computed before the step, so the effect of the last step is checked here.
    for (name, _, values) in shape.split(network.weights()) {
        let sum: f32 = values.iter().map(|weight| weight.abs()).sum();
        if !sum.is_finite() {
            let iteration = log.losses.iterations();
            return Err(diverged(phase, &format!("{name} is {sum} after iteration {iteration}")));
        }
    }
    let seconds = log.seconds();
    let losses = log.losses;
    Ok(Trained { network, losses, seconds, phase: phase.index, stopped, chosen, times: None })
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
