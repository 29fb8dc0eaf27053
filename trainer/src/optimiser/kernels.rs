//! Adam's operations on the elements of a variable, on the CPU.

use candle_core::{CpuStorage, CustomOp1, InplaceOp2, Layout, Shape};
use fearless_simd::{Level, dispatch};

use crate::network::storage::{floats, floats_mut};

/// β₁ and β₂: the decay of the first and of the second moment.
pub(super) const BETA: [f64; 2] = [0.9, 0.999];

/// ε, which is added to the root of the second moment.
pub(super) const EPSILON: f64 = 1e-8;

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
        /// Number of independent partial sums, which vector instructions add together.
        const LANES: usize = 16;
        let mut sums = [0.0; LANES];
        let (chunks, rest) = floats(storage, layout)?.as_chunks::<LANES>();
        dispatch!(Level::new(), _ => {
            for chunk in chunks {
                for (sum, x) in sums.iter_mut().zip(chunk) {
                    *sum += x * x;
                }
            }
        });
        let sum = sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>();
        Ok((CpuStorage::F32(vec![sum]), Shape::from(())))
    }
}

/// candle operation: updates both moments (`[2, n]`) from the gradient.
pub(super) struct Update {
    pub(super) clip: f32,
}

impl InplaceOp2 for Update {
    fn name(&self) -> &'static str {
        "moments of adam"
    }

    fn cpu_fwd(
        &self,
        moments: &mut CpuStorage,
        layout: &Layout,
        gradient: &CpuStorage,
        gradient_layout: &Layout,
    ) -> candle_core::Result<()> {
        let gradient = floats(gradient, gradient_layout)?;
        let (m, v) = floats_mut(moments, layout)?.split_at_mut(gradient.len());
        let beta = BETA.map(|beta| beta as f32);
        let rest = BETA.map(|beta| (1.0 - beta) as f32);
        dispatch!(Level::new(), _ => {
            for ((m, v), &gradient) in m.iter_mut().zip(v).zip(gradient) {
                let gradient = gradient * self.clip;
                *m = *m * beta[0] + gradient * rest[0];
                *v = *v * beta[1] + gradient * gradient * rest[1];
            }
        });
        Ok(())
    }
}

/// candle operation: updates a variable from its moments (`[2, n]`).
pub(super) struct Step {
    pub(super) scale_m: f32,
    pub(super) scale_v: f32,
    pub(super) decay: f32,
    pub(super) learning_rate: f32,
}

impl InplaceOp2 for Step {
    fn name(&self) -> &'static str {
        "step of adam"
    }

    fn cpu_fwd(
        &self,
        variable: &mut CpuStorage,
        layout: &Layout,
        moments: &CpuStorage,
        moments_layout: &Layout,
    ) -> candle_core::Result<()> {
        let moments = floats(moments, moments_layout)?;
        let (m, v) = moments.split_at(moments.len() / 2);
        let x = floats_mut(variable, layout)?;
        dispatch!(Level::new(), _ => {
            for ((x, &m), &v) in x.iter_mut().zip(m).zip(v) {
                let adjusted = (m * self.scale_m) / ((v * self.scale_v).sqrt() + EPSILON as f32);
                *x = *x * self.decay - adjusted * self.learning_rate;
            }
        });
        Ok(())
    }
}

/// candle operation: moves an average towards a variable.
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
        variable: &CpuStorage,
        variable_layout: &Layout,
    ) -> candle_core::Result<()> {
        let variable = floats(variable, variable_layout)?;
        let average = floats_mut(average, layout)?;
        let [decay, rest] = [self.decay, 1.0 - self.decay].map(|share| share as f32);
        dispatch!(Level::new(), _ => {
            for (average, &x) in average.iter_mut().zip(variable) {
                *average = *average * decay + x * rest;
            }
        });
        Ok(())
    }
}
