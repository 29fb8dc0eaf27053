//! The quality of a trained model: its samples compared with real data, if possible data that training did
//! not see.

use std::time::Instant;

use anyhow::{Result, ensure};
use flowlet::HeapSolver;
use rand_chacha::ChaCha8Rng;

use super::memory::{Memory, memory};
use super::stage::Stage;
use super::view::View;
use crate::coupling::dataset::{Dataset, Real};
use crate::data::Matrix;
use crate::data::random::{Stream, generator};
use crate::judge::distance::Ranked;
use crate::judge::sides::Sides;
use crate::model::Model;
use crate::solve::sampling;

/// The most samples for the Wasserstein distance of numbers, whose cost is that of sorting.
const SORTED: usize = 100_000;

/// A distance to fewer rows is not reliable.
pub const FEW: usize = 30;

/// The most samples for distances over all pairs.
const PAIRED: usize = 4000;

/// The verdict on a model.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The distance of samples from real data.
    pub distance: Distance,
    /// Number of samples.
    pub samples: usize,
    /// Real rows that they are compared with.
    pub rows: usize,
    /// What these are, in words.
    pub judged_on: &'static str,
    /// Whether samples repeat training rows; `None` with too few held-out rows.
    pub memory: Option<Memory>,
    /// Whether samples are no nearer to real data than the starting points are.
    pub learned_nothing: bool,
    /// Seconds for one sample on one core.
    pub seconds_per_sample: f64,
}

/// The distance of a model's samples from real data.
#[derive(Clone, Copy, Debug)]
pub enum Distance {
    /// The first Wasserstein distance, of numbers without conditions.
    Wasserstein {
        /// Between samples and real data.
        model: f64,
        /// Between two sets of real data: what a perfect model would get.
        real: f64,
    },
    /// The squared energy distance without bias: about 0 for a perfect model.
    Energy {
        /// The estimate; `None` for fewer than two real rows.
        value: Option<f64>,
        /// Its standard error.
        error: f64,
        /// Whether it is over data and conditions together.
        with_conditions: bool,
    },
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
    let comparison = Comparison::new(dataset, SORTED, seed, &mut rng);
    let stage = &comparison.stage;
    let mut x_0 = source.starts(seed, stage.c.rows(), model.mlp.data_dim());
    let x = model.sample(solver, &x_0, &stage.c);
    ensure!(
        x.values().iter().all(|x| x.is_finite()),
        "the model's samples are not finite: training diverged. Try a smaller learning rate"
    );
    let distance = comparison.distance(&x);
    let memory = match real {
        Real::Rows { train, held_out } => memory(&x, train, held_out, units, &mut rng),
        Real::Distribution { .. } => None,
    };
    units.data.backward(&mut x_0);
    Ok(Judgement {
        distance,
        samples: x.rows(),
        rows: stage.real.x.rows(),
        judged_on: stage.judged_on,
        memory,
        learned_nothing: stage.learned_nothing(&x, &x_0, &comparison.view),
        seconds_per_sample: seconds_per_sample(model, solver, &stage.c),
    })
}

/// Real data that samples of one or several models are compared with.
pub struct Comparison<'a> {
    view: View<'a>,
    stage: Stage,
    /// The real numbers, where the distance is W1, and its value between two sets of them.
    ranked: Option<(Ranked, f64)>,
    with_conditions: bool,
}

impl<'a> Comparison<'a> {
    /// Chooses real rows and conditions: at most `sorted` samples of single numbers without conditions.
    pub fn new(dataset: &'a Dataset, sorted: usize, seed: u64, rng: &mut ChaCha8Rng) -> Self {
        let plain = dataset.data_dim() == 1 && dataset.condition_dim() == 0;
        let limit = if plain { sorted } else { PAIRED };
        let view = View { units: &dataset.units, standardize: true };
        let stage = Stage::of(&dataset.real, &view, limit, rng);
        let ranked = plain.then(|| {
            let mut rng = generator(seed, Stream::Evaluation);
            let Sides { first, second, .. } = Sides::of(&dataset.real, limit, &mut rng);
            let ranked = Ranked::new(first.x.values());
            let floor = ranked.wasserstein_1(second.x.values());
            (ranked, floor)
        });
        Self { view, stage, ranked, with_conditions: dataset.condition_dim() > 0 }
    }

    /// The conditions of the samples, `[m, C]` in the user's units.
    pub fn conditions(&self) -> &Matrix {
        &self.stage.c
    }

    /// Returns the distance of the samples `x`, `[m, D]` in data units.
    pub fn distance(&self, x: &Matrix) -> Distance {
        if let Some((ranked, floor)) = &self.ranked {
            let own = x.range(0..x.rows().min(ranked.len()));
            let model = ranked.wasserstein_1(own.values());
            return Distance::Wasserstein { model, real: *floor };
        }
        let found = self.stage.energy(x, &self.view);
        Distance::Energy {
            value: found.as_ref().map(|found| found.value),
            error: found.as_ref().map_or(0.0, |found| found.error),
            with_conditions: self.with_conditions,
        }
    }
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
