//! `flowlet bench --training`: how fast this machine trains a network.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde::Serialize;

use crate::config::Config;
use crate::coupling::dataset::Dataset;
use crate::judge::speed::{median, peak};
use crate::model::cost;
use crate::training::metrics::Measurement;
use crate::training::{Monitor, train};

/// Iterations before the measured ones: memory is allocated and clocks rise in them.
const WARM_UP: usize = 5;

/// The fewest measured iterations.
const FEWEST: usize = 5;

/// The time that an iteration of training takes on this machine.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Speed {
    hidden_width: usize,
    hidden_layers: usize,
    batch_size: usize,
    threads: usize,
    /// Iterations that were measured.
    iterations: usize,
    /// The median.
    milliseconds: f64,
    /// The shortest.
    least_milliseconds: f64,
    /// The multiplications and additions of the layers' products, forward and backward, as a part of the peak of
    /// `threads` cores, by the median.
    peak_share: f64,
}

/// Trains for about `time`.
pub(super) fn measure(config: &Config, time: Duration) -> Result<Speed> {
    let dataset = Dataset::open(config)?;
    let mut clock = Clock { start: Instant::now(), time, ends: Vec::new() };
    let trained = train(config, &dataset, &mut clock, None)?;
    let ends = &clock.ends[WARM_UP - 1..];
    let mut seconds: Vec<f64> =
        ends.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    let median = median(&mut seconds);
    let threads = rayon::current_num_threads();
    // An iteration has a product for the values and one for the weights' gradients in each layer, and one for the
    // units' gradients in each but the first.
    let shape = trained.network.shape();
    let [inputs, outputs] = shape.layers()[0];
    let products = 3 * cost::multiply_adds(&shape) - inputs * outputs;
    let operations = 2.0 * products as f64 * config.train.batch_size as f64;
    Ok(Speed {
        hidden_width: shape.hidden_width,
        hidden_layers: shape.hidden_layers,
        batch_size: config.train.batch_size,
        threads,
        iterations: seconds.len(),
        milliseconds: 1e3 * median,
        least_milliseconds: 1e3 * seconds[0],
        peak_share: operations / median / (peak() * threads as f64),
    })
}

/// Notes when each iteration ends, and ends the training.
struct Clock {
    start: Instant,
    time: Duration,
    ends: Vec<Instant>,
}

impl Monitor for Clock {
    fn iteration(&mut self, _: usize, _: f64) {
        self.ends.push(Instant::now());
    }

    fn measured(&mut self, _: &Measurement) -> Result<()> {
        Ok(())
    }

    fn stops(&self) -> bool {
        self.ends.len() >= WARM_UP + FEWEST && self.start.elapsed() >= self.time
    }
}

pub(super) fn describe(speed: &Speed) -> String {
    let Speed { hidden_width, hidden_layers, batch_size, threads, iterations, .. } = speed;
    let thread = if *threads == 1 { "thread" } else { "threads" };
    format!(
        "training: {hidden_width} wide, {hidden_layers} hidden-to-hidden, batches of {batch_size}, {threads} \
         {thread}; {iterations} iterations\n  \
         iteration   {:.3} ms in the median, {:.3} ms at least\n  \
         products    {:.0} % of the peak of separate multiplications and additions\n",
        speed.milliseconds,
        speed.least_milliseconds,
        100.0 * speed.peak_share
    )
}
