//! How long an iteration takes on this machine.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::metrics::Measurement;
use super::phase::Monitor;
use crate::config::Config;
use crate::coupling::dataset::Dataset;

/// Stops a run after a while, and counts iterations from the first one on, which waits for the first batch.
struct Clock {
    start: Instant,
    limit: Duration,
    first: Option<(usize, Instant)>,
    last: Option<(usize, Instant)>,
}

impl Clock {
    /// The seconds of an iteration, once there are two whose times differ.
    fn pace(&self) -> Option<f64> {
        let ((first, from), (last, to)) = (self.first?, self.last?);
        let seconds = (to - from).as_secs_f64();
        (last > first && seconds > 0.0).then(|| seconds / (last - first) as f64)
    }
}

impl Monitor for Clock {
    fn iteration(&mut self, iteration: usize, _: f64) {
        let now = (iteration, Instant::now());
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    fn measured(&mut self, _: &Measurement) -> Result<()> {
        Ok(())
    }

    fn stops(&self) -> bool {
        self.start.elapsed() >= self.limit && self.pace().is_some()
    }
}

/// Trains with `config` for about `limit`, at least two iterations, and returns the seconds that an iteration takes.
/// Nothing is kept.
///
/// # Errors
///
/// Returns the errors of [`super::train`].
pub fn seconds_per_iteration(config: &Config, dataset: &Dataset, limit: Duration) -> Result<f64> {
    let mut clock = Clock { start: Instant::now(), limit, first: None, last: None };
    let trained = super::train(config, dataset, &mut clock, None)?;
    // A run of one iteration has no second one.
    let all = || trained.seconds / trained.losses.iterations().max(1) as f64;
    Ok(clock.pace().unwrap_or_else(all))
}
