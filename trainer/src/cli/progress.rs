//! Progress of a training run, and how Ctrl-C stops it.

use anyhow::Result;

use super::bar::Bar;
use super::interrupt::Interrupts;
use crate::training::Monitor;
use crate::training::metrics::{Measurement, MetricsFile};

/// Shows a run's progress, writes its metrics, and stops it after a signal.
pub(super) struct Progress {
    bar: Bar,
    metrics: MetricsFile,
    interrupts: Interrupts,
    smooth_loss: Option<f64>,
}

impl Progress {
    /// `iterations` is the total of all phases, `done` the iterations that an earlier process did. The training
    /// stops after a signal of `interrupts`.
    pub(super) fn new(
        iterations: usize,
        done: usize,
        metrics: MetricsFile,
        interrupts: Interrupts,
    ) -> Result<Self> {
        let bar = Bar::new(iterations as u64, done as u64)?;
        Ok(Self { bar, metrics, interrupts, smooth_loss: None })
    }

    /// Removes the bar.
    pub(super) fn finish(&self) {
        self.bar.finish();
    }
}

impl Monitor for Progress {
    fn iteration(&mut self, iteration: usize, loss: f64) {
        let smooth = self.smooth_loss.map_or(loss, |smooth| smooth + 0.01 * (loss - smooth));
        self.smooth_loss = Some(smooth);
        self.bar.advance(1);
        if iteration == 1 {
            // A new phase starts with a new loss.
            self.smooth_loss = Some(loss);
        }
        if iteration.is_multiple_of(50) {
            self.bar.say(&format!("loss {smooth:.4}"));
        }
    }

    fn measured(&mut self, measurement: &Measurement) -> Result<()> {
        self.metrics.write(measurement)?;
        let loss = self.smooth_loss.unwrap_or(measurement.loss);
        self.bar.line(&format!("loss {loss:.4}"));
        Ok(())
    }

    fn stops(&self) -> bool {
        self.interrupts.caught()
    }
}
