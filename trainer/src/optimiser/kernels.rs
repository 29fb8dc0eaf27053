//! Operations on all weights, shared among cores.

use fearless_simd::{Level, dispatch};

use crate::network::sharing::share;

/// β₁ and β₂: the decay of the first and of the second moment.
pub(super) const BETA: [f64; 2] = [0.9, 0.999];

/// ε, which is added to the root of the second moment.
const EPSILON: f64 = 1e-8;

/// Elements whose squares are added before the sums of other parts.
const SUM: usize = 1 << 16;

/// Elements that one core processes at a time: with their moments they stay in the L2 cache.
const PART: usize = 1 << 14;

/// Multiplications that take as long as to read an element, and to add its square.
const SQUARE: usize = 8;

/// Multiplications that take as long as a step of an element: its root, its quotient, and seven accesses to memory.
const STEP: usize = 64;

/// Multiplications that take as long as to update an element of an average.
const FOLLOW: usize = 16;

/// Returns the Euclidean norm of all of `values`. The squares of each of the tensors, whose `sizes` are given, are added
/// in 32-bit floats, and their sums in 64-bit floats.
pub(super) fn norm(values: &[f32], sizes: &[usize]) -> f64 {
    let mut rest = values;
    let mut parts = Vec::with_capacity(sizes.len());
    for &size in sizes {
        let (own, after) = rest.split_at(size);
        rest = after;
        parts.extend(own.chunks(SUM));
    }
    let mut sums = vec![0.0; parts.len()];
    let pairs = parts.into_iter().zip(&mut sums);
    share(SQUARE * values.len(), pairs, |(values, sum)| *sum = sum_of_squares(values));
    let mut rest = &sums[..];
    let of_tensor = |&size: &usize| {
        let (own, after) = rest.split_at(size.div_ceil(SUM));
        rest = after;
        f64::from(own.iter().sum::<f32>())
    };
    sizes.iter().map(of_tensor).sum::<f64>().sqrt()
}

fn sum_of_squares(values: &[f32]) -> f32 {
    /// Number of independent partial sums, which vector instructions add together.
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    dispatch!(Level::new(), _ => {
        for chunk in chunks {
            for (sum, x) in sums.iter_mut().zip(chunk) {
                *sum += x * x;
            }
        }
    });
    sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>()
}

/// The numbers of a step that all weights share.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    pub(super) clip: f32,
    pub(super) scale_m: f32,
    pub(super) scale_v: f32,
    pub(super) decay: f32,
    pub(super) learning_rate: f32,
}

impl Factors {
    /// Updates both moments of the weights from the gradient, then the weights from the moments, part by part. One loop
    /// over all four would be slower: their elements fall on the same sets of the cache.
    pub(super) fn step(self, weights: &mut [f32], gradient: &[f32], m: &mut [f32], v: &mut [f32]) {
        let work = STEP * gradient.len();
        let parts = weights.chunks_mut(PART).zip(gradient.chunks(PART));
        let parts = parts.zip(m.chunks_mut(PART).zip(v.chunks_mut(PART)));
        share(work, parts, |((weights, gradient), (m, v))| {
            self.update(m, v, gradient);
            self.apply(weights, m, v);
        });
    }

    /// Updates both moments from the gradient.
    fn update(self, m: &mut [f32], v: &mut [f32], gradient: &[f32]) {
        let beta = BETA.map(|beta| beta as f32);
        let rest = BETA.map(|beta| (1.0 - beta) as f32);
        dispatch!(Level::new(), _ => {
            for ((m, v), &gradient) in m.iter_mut().zip(v).zip(gradient) {
                let gradient = gradient * self.clip;
                *m = *m * beta[0] + gradient * rest[0];
                *v = *v * beta[1] + gradient * gradient * rest[1];
            }
        });
    }

    /// Updates weights from their moments.
    fn apply(self, x: &mut [f32], m: &[f32], v: &[f32]) {
        dispatch!(Level::new(), _ => {
            for ((x, &m), &v) in x.iter_mut().zip(m).zip(v) {
                let adjusted = (m * self.scale_m) / ((v * self.scale_v).sqrt() + EPSILON as f32);
                *x = *x * self.decay - adjusted * self.learning_rate;
            }
        });
    }
}

/// Updates a moving average: `a ← (a · decay) + (x · (1 − decay))`.
pub(super) fn follow(average: &mut [f32], x: &[f32], decay: f64) {
    let (decay, rest) = (decay as f32, (1.0 - decay) as f32);
    let parts = average.chunks_mut(PART).zip(x.chunks(PART));
    share(FOLLOW * x.len(), parts, |(average, x)| {
        dispatch!(Level::new(), _ => {
            for (average, x) in average.iter_mut().zip(x) {
                *average = *average * decay + x * rest;
            }
        });
    });
}
