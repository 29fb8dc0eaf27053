//! Adam's operations on the elements of a variable, on the CPU.

use std::sync::Mutex;

use candle_core::{CpuStorage, CustomOp1, InplaceOp2, Layout, Shape};
use fearless_simd::{Level, dispatch};

use crate::network::sharing::share;
use crate::network::storage::{floats, floats_mut};

/// β₁ and β₂: the decay of the first and of the second moment.
pub(super) const BETA: [f64; 2] = [0.9, 0.999];

/// ε, which is added to the root of the second moment.
pub(super) const EPSILON: f64 = 1e-8;

/// Elements that one core processes at a time.
const PART: usize = 1 << 16;

/// Multiplications that take as long as the memory accesses for one element.
const COST: usize = 16;

/// candle operation: the sum of the squares of all elements, a scalar.
pub(super) struct SumOfSquares;

impl CustomOp1 for SumOfSquares {
    fn name(&self) -> &'static str {
        "sum of squares"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let values = floats(storage, layout)?;
        let mut sums = vec![0.0; values.len().div_ceil(PART)];
        let parts = values.chunks(PART).zip(&mut sums);
        share(COST * values.len(), parts, |(values, sum)| *sum = sum_of_squares(values));
        Ok((CpuStorage::F32(vec![sums.iter().sum()]), Shape::from(())))
    }
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

/// candle operation: updates both moments of a variable from its gradient, then the variable from its moments, part by
/// part. One loop over all four would be slower: their elements fall on the same sets of the cache.
pub(super) struct Step<'a> {
    /// `[2, n]`. The lock is never waited for: candle's trait has no mutable reference to the operation.
    pub(super) moments: Mutex<&'a mut [f32]>,
    pub(super) factors: Factors,
}

/// The numbers of a step that all variables share.
#[derive(Clone, Copy)]
pub(super) struct Factors {
    pub(super) clip: f32,
    pub(super) scale_m: f32,
    pub(super) scale_v: f32,
    pub(super) decay: f32,
    pub(super) learning_rate: f32,
}

impl InplaceOp2 for Step<'_> {
    fn name(&self) -> &'static str {
        "step of adam"
    }

    fn cpu_fwd(
        &self,
        variable: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let gradient = floats(gradient, gradient_layout)?;
        let x = floats_mut(variable, layout)?;
        let mut moments = self.moments.lock().expect("no holder of this lock panics");
        let (m, v) = moments.split_at_mut(gradient.len());
        let parts = x.chunks_mut(PART).zip(gradient.chunks(PART));
        let parts = parts.zip(m.chunks_mut(PART).zip(v.chunks_mut(PART)));
        share(COST * gradient.len(), parts, |((x, gradient), (m, v))| {
            self.factors.update(m, v, gradient);
            self.factors.apply(x, m, v);
        });
        Ok(())
    }
}

impl Factors {
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

    /// Updates a variable from its moments.
    fn apply(self, x: &mut [f32], m: &[f32], v: &[f32]) {
        dispatch!(Level::new(), _ => {
            for ((x, &m), &v) in x.iter_mut().zip(m).zip(v) {
                let adjusted = (m * self.scale_m) / ((v * self.scale_v).sqrt() + EPSILON as f32);
                *x = *x * self.decay - adjusted * self.learning_rate;
            }
        });
    }
}

/// candle operation: updates a moving average, `a ← (a · decay) + (x · (1 − decay))`.
pub(super) struct Follow {
    pub(super) decay: f64,
}

impl InplaceOp2 for Follow {
    fn name(&self) -> &'static str {
        "moving average"
    }

    fn cpu_fwd(
        &self,
        average: &mut CpuStorage,
        layout: &Layout,
        x: &CpuStorage,
        x_layout: &Layout,
    ) -> candle_core::Result<()> {
        let (average, x) = (floats_mut(average, layout)?, floats(x, x_layout)?);
        let (decay, rest) = (self.decay as f32, (1.0 - self.decay) as f32);
        let parts = average.chunks_mut(PART).zip(x.chunks(PART));
        share(COST * x.len(), parts, |(average, x)| {
            dispatch!(Level::new(), _ => {
                for (average, x) in average.iter_mut().zip(x) {
                    *average = *average * decay + x * rest;
                }
            });
        });
        Ok(())
    }
}
