//! The quality of a trained model: its samples compared with real data, if possible data that training did
//! not see.

use std::time::Instant;

use anyhow::{Result, ensure};
use flowlet::HeapSolver;
use rand_chacha::ChaCha8Rng;

use crate::coupling::dataset::{Dataset, Real, Units};
use crate::data::random::{Stream, generator};
use crate::data::{Matrix, Points};
use crate::judge::distance;
use crate::judge::sides::{Sides, choose, joint};
use crate::model::Model;
use crate::solve::sampling;

/// The most samples for the Wasserstein distance of numbers, whose cost is that of sorting.
const SORTED: usize = 100_000;

/// The fewest held-out rows from which [`Memory`] is measured.
pub const FEW: usize = 30;

/// The most samples for distances over all pairs.
const PAIRED: usize = 4000;

/// The most training rows that are searched for the nearest one.
const NEIGHBOURS: usize = 50_000;

/// The verdict on a model.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The name of the distance.
    pub measure: &'static str,
    /// The distance between the model's samples and real data.
    pub model: f64,
    /// The distance between two sets of real data: what a perfect model would get.
    pub real: f64,
    /// Points in each set.
    pub samples: usize,
    /// The real data that samples are compared with, in words.
    pub judged_on: &'static str,
    /// Whether samples repeat training rows; `None` with fewer than [`FEW`] held-out rows.
    pub memory: Option<Memory>,
    /// Seconds for one sample on one core.
    pub seconds_per_sample: f64,
}

/// The distances of samples and of held-out rows to the nearest training row, compared.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Mean distance from a sample to the nearest training row, in standard deviations.
    pub samples: f64,
    /// Mean distance from a held-out row to the nearest training row, in standard deviations.
    pub held_out: f64,
    /// Whether samples are nearer by more than three standard errors: the model repeats training rows.
    pub nearer: bool,
}

/// Judges a model by the samples that `solver` draws.
///
/// # Errors
///
/// When samples are not finite.
pub fn judge(
    model: &Model,
    solver: &HeapSolver,
    dataset: &Dataset,
    seed: u64,
) -> Result<Judgement> {
    let Dataset { real, units, source, .. } = dataset;
    let mut rng = generator(seed, Stream::Evaluation);
    let plain = model.mlp.data_dim() == 1 && model.mlp.condition_dim() == 0;
    let limit = if plain { SORTED } else { PAIRED };
    let Sides { first, second, judged_on } = Sides::of(real, limit, &mut rng);

    // The conditions are the second set's: under the first's, samples would be nearer to the first set than
    // other real data are.
    let x_0 = source.starts(seed, second.x.rows(), model.mlp.data_dim());
    let x = sampling::sample(&model.mlp, solver, &x_0, &second.c);
    ensure!(
        x.values().iter().all(|x| x.is_finite()),
        "the model's samples are not finite: training diverged. Try a smaller learning rate"
    );
    let samples = Points { x, c: second.c.clone() };

    let (measure, distances) = if plain {
        let distance = |x: &Matrix| distance::wasserstein_1(x.values(), first.x.values());
        ("first Wasserstein distance", [distance(&samples.x), distance(&second.x)])
    } else {
        let first = joint(&first, units);
        let distance = |points: &Points| distance::energy(&joint(points, units), &first);
        let measure = if samples.c.columns() == 0 {
            "energy distance"
        } else {
            "energy distance of data and conditions together"
        };
        (measure, [distance(&samples), distance(&second)])
    };
    let memory = match real {
        Real::Rows { train, held_out } if held_out.x.rows() >= FEW => {
            Some(memory(&samples.x, train, held_out, units, &mut rng))
        }
        _ => None,
    };
    Ok(Judgement {
        measure,
        model: distances[0],
        real: distances[1],
        samples: first.x.rows(),
        judged_on,
        memory,
        seconds_per_sample: seconds_per_sample(model, solver, &second.c),
    })
}

/// Returns the mean time of a sample on one core, over 256 samples.
fn seconds_per_sample(model: &Model, solver: &HeapSolver, conditions: &Matrix) -> f64 {
    const SAMPLES: usize = 256;
    let mut x_0 = sampling::noise(0, SAMPLES, model.mlp.data_dim());
    let mut scratch = model.mlp.scratch();
    let start = Instant::now();
    for (row, x) in x_0.rows_mut().enumerate() {
        let c = conditions.row(row % conditions.rows());
        solver.sample(&model.mlp, x, c, &mut scratch);
    }
    start.elapsed().as_secs_f64() / SAMPLES as f64
}

/// Compares the distances of samples and of held-out rows to the nearest training row.
fn memory(
    samples: &Matrix,
    train: &Points,
    held_out: &Points,
    units: &Units,
    rng: &mut ChaCha8Rng,
) -> Memory {
    let scaled = |x: &Matrix| {
        let mut x = x.clone();
        units.data.forward(&mut x);
        x
    };
    let train = scaled(&choose(train, NEIGHBOURS, rng).x);
    let distances = |x: &Matrix| Spread::of(&distance::nearest(&scaled(x), &train));
    let samples = distances(samples);
    let held_out = distances(&choose(held_out, PAIRED, rng).x);
    // Welch's test, with three standard errors as its threshold.
    let error = (samples.error_squared + held_out.error_squared).sqrt();
    Memory {
        samples: samples.mean,
        held_out: held_out.mean,
        nearer: samples.mean + 3.0 * error < held_out.mean,
    }
}

/// A mean, and the square of its standard error.
struct Spread {
    mean: f64,
    error_squared: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        Self { mean, error_squared: variance / n }
    }
}
