//! How training is shown: a bar on a terminal, plain lines elsewhere.

use std::fmt::Write;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::output::note;
use crate::metrics::{Measurement, MetricsFile};
use crate::training::Monitor;

/// Watches a run for the user: shows it, writes its metrics, and stops it at Ctrl-C.
pub(super) struct Progress {
    bar: ProgressBar,
    /// Where no bar can be drawn: when the last line was printed.
    line: Option<Instant>,
    begin: Instant,
    /// Iterations before, and until now.
    done: usize,
    count: usize,
    metrics: MetricsFile,
    stop: Arc<AtomicBool>,
    smooth_loss: Option<f64>,
}

/// Between two plain lines.
const LINES: Duration = Duration::from_secs(5);

impl Progress {
    /// From here on Ctrl-C ends the training instead of the process; a second one ends the process.
    ///
    /// `iterations` are those of all phases, `done` those that an earlier process did.
    pub(super) fn new(iterations: usize, done: usize, metrics: MetricsFile) -> Result<Self> {
        let terminal = io::stderr().is_terminal();
        let bar =
            if terminal { ProgressBar::new(iterations as u64) } else { ProgressBar::hidden() };
        bar.set_length(iterations as u64);
        bar.set_position(done as u64);
        bar.reset_eta();
        let style = "{bar:30} {pos}/{len}  loss {msg}  {rate}/s  {eta} left";
        // The rate as the plain lines have it; indicatif's own has four digits too many.
        let rate = |state: &ProgressState, out: &mut dyn Write| {
            let _ = write!(out, "{:.0}", state.per_sec());
        };
        bar.set_style(ProgressStyle::with_template(style)?.with_key("rate", rate));
        let stop = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&stop);
        ctrlc::set_handler(move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
        })
        .context("cannot watch for Ctrl-C")?;
        let line = (!terminal).then(Instant::now);
        let begin = Instant::now();
        Ok(Self { bar, line, begin, done, count: done, metrics, stop, smooth_loss: None })
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Monitor for Progress {
    fn iteration(&mut self, iteration: usize, loss: f64) {
        let smooth = self.smooth_loss.map_or(loss, |smooth| smooth + 0.01 * (loss - smooth));
        self.smooth_loss = Some(smooth);
        self.count += 1;
        self.bar.inc(1);
        if iteration == 1 {
            // Another phase has another loss.
            self.smooth_loss = Some(loss);
        }
        if iteration.is_multiple_of(50) {
            self.bar.set_message(format!("{smooth:.4}"));
        }
    }

    fn measured(&mut self, measurement: &Measurement) -> Result<()> {
        self.metrics.write(measurement)?;
        if let Some(last) = self.line
            && last.elapsed() >= LINES
        {
            self.line = Some(Instant::now());
            let count = self.count;
            let rate = (count - self.done) as f64 / self.begin.elapsed().as_secs_f64();
            let total = self.bar.length().unwrap_or(0);
            let left = total.saturating_sub(count as u64) as f64 / rate;
            let loss = self.smooth_loss.unwrap_or(measurement.loss);
            note(format_args!("{count}/{total}  loss {loss:.4}  {rate:.0}/s  {left:.0} s left"));
        }
        Ok(())
    }

    fn stops(&self) -> bool {
        self.stopped()
    }
}
