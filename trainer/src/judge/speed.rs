//! The speed at which this machine samples a model, and its peak of multiplications and additions.

use std::convert::Infallible;
use std::hint::black_box;
use std::time::{Duration, Instant};

use fearless_simd::{Level, Simd, SimdBase, SimdFrom, dispatch, f32x16};
use flowlet::HeapSolver;
use serde::Serialize;

use crate::coupling::source::Source;
use crate::data::Matrix;
use crate::model::Model;
use crate::model::cost;
use crate::solve::sampling;

/// Calls `call` until `time` is over, but at least three times, and returns the seconds of each call. One
/// more call before them warms up and is not counted.
///
/// # Errors
///
/// The first error of `call`.
pub fn seconds<E>(time: Duration, mut call: impl FnMut() -> Result<(), E>) -> Result<Vec<f64>, E> {
    call()?;
    let (mut seconds, start) = (Vec::new(), Instant::now());
    while seconds.len() < 3 || start.elapsed() < time {
        let start = Instant::now();
        call()?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    Ok(seconds)
}

/// Returns the median, sorting `values`.
///
/// # Panics
///
/// When `values` is empty.
pub fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len().is_multiple_of(2) {
        (values[middle - 1] + values[middle]) / 2.0
    } else {
        values[middle]
    }
}

/// Measures how many multiplications and additions one core does in a second, on numbers in the L1 cache, the
/// best of several runs. Both are rounded separately, as the numeric contract demands, so that no sampler
/// under the contract can be faster.
pub fn peak() -> f64 {
    const ROUNDS: usize = 20_000;
    const ROWS: usize = 64;

    /// `ROWS` products for each of `SUMS` sums a round.
    #[inline(always)]
    fn work<S: Simd, const SUMS: usize>(simd: S) -> f32 {
        let (factors, terms) = ([[1e-7; SUMS]; ROWS], [[1.0; 16]; ROWS]);
        let mut sums = [f32x16::splat(simd, 0.0); SUMS];
        for _ in 0..ROUNDS {
            // `black_box` keeps the compiler from reusing the last round's products.
            let (factors, terms) = black_box((&factors, &terms));
            for (factors, &term) in factors.iter().zip(terms) {
                let term = f32x16::simd_from(simd, term);
                for (sum, &factor) in sums.iter_mut().zip(factors) {
                    *sum += f32x16::splat(simd, factor) * term;
                }
            }
        }
        sums.iter().map(|sum| sum.as_slice()[0]).sum()
    }

    /// Runs `work` with as many sums as the registers hold. Returns the number of operations.
    #[inline(always)]
    fn run<S: Simd>(simd: S) -> usize {
        let (sums, value) = match <S::f32s as SimdBase<S>>::LEN {
            16 => (16, work::<S, 16>(simd)),
            8 => (4, work::<S, 4>(simd)),
            _ if cfg!(target_arch = "aarch64") => (4, work::<S, 4>(simd)),
            _ => (2, work::<S, 2>(simd)),
        };
        black_box(value);
        ROUNDS * ROWS * sums * 2 * 16
    }

    let (level, mut operations) = (Level::new(), 0);
    let Ok(seconds) = seconds(Duration::from_millis(300), || {
        operations = dispatch!(level, simd => run(simd));
        Ok::<(), Infallible>(())
    });
    let least = seconds.into_iter().fold(f64::INFINITY, f64::min);
    operations as f64 / least
}

/// The time that a model's samples take on this machine; medians of several runs, but for those that say "least".
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Speed {
    /// Samples in the batch.
    pub samples: usize,
    /// Steps of each sample.
    pub steps: usize,
    /// Threads that shared the batch.
    pub threads: usize,
    /// How many times the batch was measured.
    pub runs: usize,
    /// Seconds for the batch.
    pub batch_seconds: f64,
    /// The least seconds for the batch.
    pub least_batch_seconds: f64,
    /// Evaluations of the network per second, in the batch.
    pub evaluations_per_second: f64,
    /// The multiplications and additions of the layers' products in the batch, as a part of [`peak`] on
    /// `threads` cores. `None` for an integer model, whose arithmetic is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_share: Option<f64>,
    /// Microseconds for a single sample on one core.
    pub single_microseconds: f64,
    /// The least of these.
    pub least_single_microseconds: f64,
    /// What [`peak`] returned, in operations per second. `None` for an integer model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak: Option<f64>,
}

/// What is measured.
pub struct Sampling<'a> {
    /// Samples in the batch.
    pub samples: usize,
    /// Steps of each sample.
    pub steps: usize,
    /// Evaluations of the network for each sample.
    pub evaluations: usize,
    /// The multiply-adds of an evaluation in floats. `None` for an integer model.
    pub multiply_adds: Option<usize>,
    /// Draws the batch.
    pub batch: &'a dyn Fn(),
    /// Draws the sample of a row by itself.
    pub single: &'a mut dyn FnMut(usize),
}

/// Measures `solver` on `model` under the condition `c` (`[C]`, the user's units): batches of `samples` on
/// all threads of the current rayon pool for about `time`, then single samples for a quarter of it. Paths start
/// at the model's source, or at noise if the model's file does not hold its source: the time is the same.
pub fn measure(
    model: &Model,
    solver: &HeapSolver,
    samples: usize,
    c: &[f32],
    time: Duration,
) -> Speed {
    let source = model.source().unwrap_or(Source::Normal);
    let x_0 = source.starts(0, samples, model.mlp.data_dim());
    let conditions = Matrix::new(c.repeat(samples), samples, c.len());
    let mut scratch = model.mlp.scratch();
    let sampling = Sampling {
        samples,
        steps: solver.steps(),
        evaluations: solver.evaluations(),
        multiply_adds: Some(cost::multiply_adds(&model.shape())),
        batch: &|| {
            black_box(sampling::sample(&model.mlp, solver, &x_0, &conditions));
        },
        single: &mut |row| {
            let mut x = black_box(x_0.row(row)).to_vec();
            solver.sample(&model.mlp, &mut x, black_box(c), &mut scratch);
            black_box(x);
        },
    };
    sampling.measure(time)
}

impl Sampling<'_> {
    /// Draws batches on all threads of the current rayon pool for about `time`, then single samples for a quarter of it.
    pub fn measure(self, time: Duration) -> Speed {
        let Self { samples, steps, evaluations, multiply_adds, batch, single } = self;
        let Ok(mut batch) = seconds(time, || {
            batch();
            Ok::<(), Infallible>(())
        });
        // One sample alone is too short for the clock.
        const AT_ONCE: usize = 20;
        let Ok(mut single) = seconds(time / 4, || {
            (0..AT_ONCE).for_each(|row| single(row % samples));
            Ok::<(), Infallible>(())
        });
        let threads = rayon::current_num_threads();
        let batch_seconds = median(&mut batch);
        let evaluations_per_second = (samples * evaluations) as f64 / batch_seconds;
        let one = |seconds: f64| seconds / AT_ONCE as f64 * 1e6;
        let single_seconds = median(&mut single);
        let peak = multiply_adds.map(|_| peak());
        let share = |(multiply_adds, peak): (usize, f64)| {
            2.0 * multiply_adds as f64 * evaluations_per_second / (peak * threads as f64)
        };
        Speed {
            samples,
            steps,
            threads,
            runs: batch.len(),
            batch_seconds,
            least_batch_seconds: batch[0],
            evaluations_per_second,
            peak_share: multiply_adds.zip(peak).map(share),
            single_microseconds: one(single_seconds),
            least_single_microseconds: one(single[0]),
            peak,
        }
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_or_the_mean_of_the_middle_two() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
