//! A phase of training: the loop over batch, loss and optimiser step.

use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow};
use candle_core::Tensor;

use crate::config::schedule::Schedule;
use crate::network::Network;
use crate::objective::{Objective, Tensors};
use crate::optimiser::average::Average;
use crate::optimiser::{Adam, AdamSettings};
use crate::training::checkpoint::{Checkpoint, Checkpoints};
use crate::training::metrics::{Measurement, row_every};
use crate::training::supply::Supply;

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
    /// The loss of each iteration of the last phase.
    pub losses: Vec<f64>,
    /// The duration of the run with all its phases so far, in seconds.
    pub seconds: f64,
    /// The index of the last phase.
    pub phase: usize,
    /// Whether the monitor stopped the run.
    pub stopped: bool,
    /// The time grid that a student was trained for, `[N + 1]`. `None` for a flow.
    pub times: Option<Vec<f32>>,
}

impl Trained {
    /// Returns the mean loss of the last 1,000 iterations, or of all if there are fewer.
    pub fn recent_loss(&self) -> f64 {
        let last = &self.losses[self.losses.len().saturating_sub(1000)..];
        last.iter().sum::<f64>() / last.len() as f64
    }
}

/// The number of rows between two measurements of the held-out loss.
const ROWS_PER_HELD_OUT: usize = 10;

/// Trains `network` in a phase.
///
/// # Errors
///
/// Returns an error if the loss or a weight is not finite, with the iteration and advice; if a checkpoint
/// cannot be written or does not fit this network; or if the monitor fails.
pub fn train_phase(
    phase: &Phase,
    network: Network,
    supply: &mut dyn Supply,
    monitor: &mut dyn Monitor,
    training: Training<'_>,
) -> Result<Trained> {
    let variables = network.variables();
    let mut optimiser = Adam::new(variables.clone(), phase.adam)?;
    let mut average = match phase.ema {
        Some(decay) => Some(Average::new(variables.clone(), decay)?),
        None => None,
    };
    let iterations = phase.schedule.iterations;
    let per_row = row_every(iterations);
    let mut losses = Vec::new();
    if let Some(checkpoint) = training.resumed {
        checkpoint.restore(&network, &mut optimiser, average.as_mut())?;
        supply.restore(&checkpoint.supply).map_err(|error| {
            anyhow!(
                "the checkpoint is of another device or another version of flowlet, so its batches cannot be \
                 continued ({error:#}): start again with --force"
            )
        })?;
        losses.clone_from(&checkpoint.losses);
    }
    let mut pending = Pending::default();
    let seconds = || training.before + training.start.elapsed().as_secs_f64();
    let mut kept = Instant::now();
    let keep = |losses: &[f64],
                supply: &dyn Supply,
                optimiser: &Adam,
                average: Option<&Average>| {
        let Some(checkpoints) = training.checkpoints else { return Ok(()) };
        let at = [phase.index, losses.len()];
        checkpoints.write(at, (losses, seconds(), supply.state()?), &network, optimiser, average)
    };
    if phase.index > 0 && training.resumed.is_none() {
        // Keeps the result of the earlier phases, which is not on disk yet.
        keep(&losses, supply, &optimiser, average.as_ref())?;
    }
    let (mut stopped, mut told) = (false, losses.len());
    for iteration in losses.len() + 1..=iterations {
        // A batch may take a long time if optimal transport pairs many points.
        if !supply.wait(&|| monitor.stops())? {
            pending.fetch(&mut losses, |iteration, loss| finite(phase, iteration, loss))?;
            keep(&losses, supply, &optimiser, average.as_ref())?;
            stopped = true;
            break;
        }
        let learning_rate = phase.schedule.at(iteration);
        let batch = supply.next(&network)?;
        let loss = phase.objective.loss(&network, &batch)?;
        let gradients = loss.backward()?;
        pending.push(&loss);
        // Reading a number from a GPU waits until all its queued work is done, so it is done only once a row.
        let asks = network.device().is_cpu() || iteration % per_row == 0;
        if asks {
            pending.fetch(&mut losses, |iteration, loss| finite(phase, iteration, loss))?;
        }
        let gradient_norm = optimiser.step(&gradients, learning_rate)?;
        if let Some(average) = &mut average {
            average.update(iteration)?;
        }
        for told in told + 1..=losses.len() {
            monitor.iteration(told, losses[told - 1]);
        }
        stopped = monitor.stops();
        let last = iteration == iterations || stopped;
        // Also at the end, so that a run that is stopped after training does not train again.
        let keeps = last || kept.elapsed() >= Duration::from_secs(training.every);
        let known = losses.len();
        if keeps {
            // A checkpoint needs the loss of every iteration that changed its weights.
            pending.fetch(&mut losses, |iteration, loss| finite(phase, iteration, loss))?;
        }
        for told in known + 1..=losses.len() {
            monitor.iteration(told, losses[told - 1]);
        }
        told = losses.len();
        if iteration % per_row == 0 || last {
            let since = losses.len() - (iteration - 1) % per_row - 1;
            let row = &losses[since..];
            // A run that stops here writes the same row as one that does not.
            let judged =
                (iteration / per_row).is_multiple_of(ROWS_PER_HELD_OUT) || iteration == iterations;
            monitor.measured(&Measurement {
                phase: phase.index,
                iteration,
                loss: row.iter().sum::<f64>() / row.len() as f64,
                held_out_loss: match &phase.held_out {
                    Some(held_out) if judged => {
                        let loss = phase.objective.loss(&network, held_out)?;
                        Some(f64::from(loss.to_scalar::<f32>()?))
                    }
                    _ => None,
                },
                learning_rate,
                gradient_norm: gradient_norm.to_scalar()?,
                seconds: seconds(),
            })?;
        }
        if keeps {
            keep(&losses, supply, &optimiser, average.as_ref())?;
            kept = Instant::now();
        }
        if stopped {
            break;
        }
    }
    if let Some(average) = average {
        for (variable, average) in variables.iter().zip(average.tensors()) {
            variable.set(average)?;
        }
    }
    // The loss is computed before the step, so the effect of the last step is checked here.
    for (name, tensor) in network.tensors() {
        let sum = tensor.abs()?.sum_all()?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            let iteration = losses.len();
            return Err(diverged(phase, &format!("{name} is {sum} after iteration {iteration}")));
        }
    }
    let seconds = seconds();
    Ok(Trained { network, losses, seconds, phase: phase.index, stopped, times: None })
}

/// Losses that are still on the device.
#[derive(Debug, Default)]
struct Pending(Vec<Tensor>);

impl Pending {
    fn push(&mut self, loss: &Tensor) {
        // Detached, since otherwise the graph would keep the whole batch in memory.
        self.0.push(loss.detach());
    }

    /// Moves the losses to `losses`, after a `check` of each with its iteration.
    fn fetch(
        &mut self,
        losses: &mut Vec<f64>,
        check: impl Fn(usize, f64) -> Result<()>,
    ) -> Result<()> {
        let fetched = match self.0.as_slice() {
            [] => Vec::new(),
            [one] => vec![one.to_scalar::<f32>()?],
            all => Tensor::stack(all, 0)?.to_vec1()?,
        };
        self.0.clear();
        for loss in fetched.into_iter().map(f64::from) {
            check(losses.len() + 1, loss)?;
            losses.push(loss);
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

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn pending(losses: &[f32]) -> Pending {
        let mut pending = Pending::default();
        for &loss in losses {
            pending.push(&Tensor::new(loss, &Device::Cpu).unwrap());
        }
        pending
    }

    #[test]
    fn losses_are_in_the_order_of_their_iterations() {
        let mut losses = vec![9.0];
        for waiting in [&[1.0, 2.0, 3.0][..], &[4.0]] {
            let mut pending = pending(waiting);
            // The second call finds nothing.
            for _ in 0..2 {
                pending.fetch(&mut losses, |_, _| Ok(())).unwrap();
            }
        }
        assert_eq!(losses, [9.0, 1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_loss_that_is_not_finite_is_reported_with_its_iteration() {
        let mut losses = vec![9.0];
        let found = pending(&[1.0, f32::NAN, 3.0]).fetch(&mut losses, |iteration, loss| {
            if loss.is_finite() { Ok(()) } else { Err(anyhow!("{loss} at {iteration}")) }
        });
        assert_eq!(found.unwrap_err().to_string(), "NaN at 3");
        assert_eq!(losses, [9.0, 1.0]);
    }
}
