//! Progress of a training run, and how Ctrl-C stops it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;

use super::bar::Bar;
use super::interrupt::interrupts;
use crate::training::Monitor;
use crate::training::metrics::{Measurement, MetricsFile};

/// Shows a run's progress, writes its metrics, and stops it after Ctrl-C.
pub(super) struct Progress {
    bar: Bar,
    metrics: MetricsFile,
    stop: Arc<AtomicBool>,
    smooth_loss: Option<f64>,
}

impl Progress {
    /// Makes Ctrl-C stop the training instead of the process. A second Ctrl-C ends the process.
    ///
    /// `iterations` is the total of all phases, `done` the iterations that an earlier process did.
    pub(super) fn new(iterations: usize, done: usize, metrics: MetricsFile) -> Result<Self> {
        let bar = Bar::new(iterations as u64, done as u64)?;
        Ok(Self { bar, metrics, stop: interrupts()?, smooth_loss: None })
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
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
        self.stopped()
    }
}
