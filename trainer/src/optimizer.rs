//! Adam, with moments that a checkpoint can keep.

use anyhow::{Result, ensure};
use candle_core::backprop::GradStore;
use candle_core::{CpuStorage, CustomOp1, InplaceOp2, Layout, Shape, Tensor, Var};
use fearless_simd::{Level, dispatch};

use crate::storage::{floats, floats_mut};

/// How Adam steps. Its other constants are those of the paper: β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// Weights shrink by `learning_rate · weight_decay` at each step, apart from the gradient
    /// (AdamW: Loshchilov & Hutter 2019).
    pub weight_decay: f64,
    /// A gradient whose Euclidean norm, over all variables together, is above this one is scaled
    /// down to it.
    pub gradient_clip: Option<f64>,
}

/// Adam (Kingma & Ba 2015) over the variables of a network, as PyTorch computes it.
#[derive(Debug)]
pub struct Adam {
    variables: Vec<Var>,
    /// For each variable the first and the second moment, one after the other: `[2, n]`.
    moments: Vec<Var>,
    steps: usize,
    settings: AdamSettings,
}

const BETA: [f64; 2] = [0.9, 0.999];
const EPSILON: f64 = 1e-8;

impl Adam {
    /// An optimiser at its beginning.
    ///
    /// # Errors
    ///
    /// candle's, when the device has no room.
    pub fn new(variables: Vec<Var>, settings: AdamSettings) -> Result<Self> {
        let moments = variables
            .iter()
            .map(|variable| {
                Ok(Var::zeros((2, variable.elem_count()), variable.dtype(), variable.device())?)
            })
            .collect::<Result<_>>()?;
        Ok(Self { variables, moments, steps: 0, settings })
    }

    /// Takes a step of length `learning_rate`, and gives the norm that the gradient had.
    ///
    /// # Errors
    ///
    /// candle's.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<f64> {
        let norm = norm(&self.variables, gradients)?;
        let clip = match self.settings.gradient_clip {
            Some(most) if norm > most => most / norm,
            _ => 1.0,
        };
        self.steps += 1;
        let [scale_m, scale_v] = BETA.map(|beta| 1.0 / (1.0 - beta.powi(self.steps as i32)));
        let decay = 1.0 - learning_rate * self.settings.weight_decay;
        for (variable, moments) in self.variables.iter().zip(&self.moments) {
            let Some(gradient) = gradients.get(variable) else { continue };
            if variable.device().is_cpu() {
                let gradient = gradient.contiguous()?;
                moments.inplace_op2(&gradient, &Moments { clip: clip as f32 })?;
                let step = Step {
                    scale_m: scale_m as f32,
                    scale_v: scale_v as f32,
                    decay: decay as f32,
                    learning_rate: learning_rate as f32,
                };
                variable.inplace_op2(moments.as_tensor(), &step)?;
            } else {
                let gradient = (gradient.flatten_all()? * clip)?;
                let (m, v) = (moments.get(0)?, moments.get(1)?);
                let m = ((m * BETA[0])? + (&gradient * (1.0 - BETA[0]))?)?;
                let v = ((v * BETA[1])? + (gradient.sqr()? * (1.0 - BETA[1]))?)?;
                let adjusted = ((&m * scale_m)? / ((&v * scale_v)?.sqrt()? + EPSILON)?)?;
                moments.set(&Tensor::stack(&[m, v], 0)?)?;
                let step = (adjusted * learning_rate)?.reshape(variable.shape())?;
                variable.set(&((variable.as_tensor() * decay)? - step)?)?;
            }
        }
        Ok(norm)
    }

    /// The moments of each variable, `[2, n]`.
    pub fn moments(&self) -> &[Var] {
        &self.moments
    }

    /// Goes on after `steps` steps, with these moments.
    ///
    /// # Errors
    ///
    /// When their shapes are others.
    pub fn restore(&mut self, steps: usize, moments: &[Tensor]) -> Result<()> {
        ensure!(
            moments.len() == self.moments.len(),
            "expected moments of {} variables, found {}",
            self.moments.len(),
            moments.len()
        );
        for (own, moments) in self.moments.iter().zip(moments) {
            own.set(moments)?;
        }
        self.steps = steps;
        Ok(())
    }
}

/// The Euclidean norm of all gradients together.
fn norm(variables: &[Var], gradients: &GradStore) -> Result<f64> {
    let mut squares = 0.0;
    for gradient in variables.iter().filter_map(|variable| gradients.get(variable)) {
        let sum = if gradient.device().is_cpu() {
            gradient.contiguous()?.apply_op1_no_bwd(&SumOfSquares)?
        } else {
            gradient.sqr()?.sum_all()?
        };
        squares += f64::from(sum.to_scalar::<f32>()?);
    }
    Ok(squares.sqrt())
}

/// The sum of the squares of all numbers: a scalar.
struct SumOfSquares;

impl CustomOp1 for SumOfSquares {
    fn name(&self) -> &'static str {
        "sum of squares"
    }

    fn cpu_fwd(
        &self,
        storage: &CpuStorage,
        layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        /// Sums side by side, which a processor adds at once.
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

/// Both moments, from the gradient.
struct Moments {
    clip: f32,
}

impl InplaceOp2 for Moments {
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

/// The variable, from its moments.
struct Step {
    scale_m: f32,
    scale_v: f32,
    decay: f32,
    learning_rate: f32,
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

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use candle_nn::{AdamW, Optimizer, ParamsAdamW};

    fn variable() -> Var {
        Var::new(&[[0.5_f32, -1.0], [2.0, 0.0]], &Device::Cpu).unwrap()
    }

    fn loss(x: &Var, k: usize) -> Tensor {
        let wanted = Tensor::full(k as f32 * 0.1, (2, 2), &Device::Cpu).unwrap();
        x.sub(&wanted).unwrap().sqr().unwrap().sum_all().unwrap()
    }

    #[test]
    fn its_steps_are_those_of_candle_to_the_bit() {
        let (ours, theirs) = (variable(), variable());
        let settings = AdamSettings { weight_decay: 0.01, gradient_clip: None };
        let mut adam = Adam::new(vec![ours.clone()], settings).unwrap();
        let parameters = ParamsAdamW { lr: 0.01, ..ParamsAdamW::default() };
        let mut candle = AdamW::new(vec![theirs.clone()], parameters).unwrap();
        for k in 0..50 {
            adam.step(&loss(&ours, k).backward().unwrap(), 0.01).unwrap();
            candle.backward_step(&loss(&theirs, k)).unwrap();
            assert_eq!(
                ours.to_vec2::<f32>().unwrap(),
                theirs.to_vec2::<f32>().unwrap(),
                "step {k}"
            );
        }
    }

    #[test]
    fn a_long_gradient_is_cut_to_its_length() {
        // The first moments of a step are a tenth of the gradient that it saw.
        let seen = |clip| {
            let x = variable();
            let settings = AdamSettings { weight_decay: 0.0, gradient_clip: clip };
            let mut adam = Adam::new(vec![x.clone()], settings).unwrap();
            let norm = adam.step(&loss(&x, 0).backward().unwrap(), 0.1).unwrap();
            let m: Vec<f32> = adam.moments()[0].get(0).unwrap().to_vec1().unwrap();
            (norm, 10.0 * m.iter().map(|m| f64::from(m * m)).sum::<f64>().sqrt())
        };
        let (norm, free) = seen(None);
        assert!((norm - free).abs() < 1e-4 && norm > 4.0, "{norm} {free}");
        let (unchanged, cut) = seen(Some(0.5));
        assert_eq!(norm, unchanged);
        assert!((cut - 0.5).abs() < 1e-5, "{cut}");
    }
}
