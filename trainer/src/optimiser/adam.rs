//! The optimiser Adam. Its moments can be read and restored, for checkpoints.

use anyhow::{Result, ensure};
use candle_core::backprop::GradStore;
use candle_core::{DType, Device, Tensor, Var};

use super::kernels::{BETA, EPSILON, Step, SumOfSquares, Update};

/// Settings of Adam. The other constants are the paper's: β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// Decoupled weight decay (AdamW: Loshchilov & Hutter 2019): a step multiplies the weights by
    /// `1 − learning_rate · weight_decay`.
    pub weight_decay: f64,
    /// The largest Euclidean norm of the gradient over all variables together; a longer gradient is scaled
    /// down to it. `None` does not clip.
    pub gradient_clip: Option<f64>,
}

/// Adam (Kingma & Ba 2015) over the variables of a network, as PyTorch computes it.
#[derive(Debug)]
pub struct Adam {
    variables: Vec<Var>,
    moments: Moments,
    steps: usize,
    settings: AdamSettings,
}

/// Running means of the gradient and of its square.
#[derive(Debug)]
enum Moments {
    /// On the CPU: both moments of each variable, `[2, n]`.
    Separate(Vec<Var>),
    /// On other devices: the moments of all variables together, `[P]` each, because every operation there
    /// costs a launch.
    Joint { m: Tensor, v: Tensor },
}

impl Adam {
    /// Makes an optimiser for `variables`, with moments 0.
    ///
    /// # Errors
    ///
    /// Returns candle's error if the device is out of memory.
    pub fn new(variables: Vec<Var>, settings: AdamSettings) -> Result<Self> {
        let elsewhere = variables.iter().find(|variable| !variable.device().is_cpu());
        let moments = match elsewhere {
            None => Moments::Separate(
                variables
                    .iter()
                    .map(|variable| {
                        let shape = (2, variable.elem_count());
                        Ok(Var::zeros(shape, variable.dtype(), variable.device())?)
                    })
                    .collect::<Result<_>>()?,
            ),
            Some(variable) => Moments::zeros(&variables, variable.device())?,
        };
        Ok(Self { variables, moments, steps: 0, settings })
    }

    /// Takes a step with `learning_rate`. Returns the norm of the gradient before clipping: an f64 scalar on
    /// the device of the variables.
    ///
    /// # Errors
    ///
    /// Returns candle's error if an operation fails on the device.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<Tensor> {
        self.steps += 1;
        // The powers are 0 long before the end of i32's range, so it may end there.
        let power = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let [scale_m, scale_v] = BETA.map(|beta| 1.0 / (1.0 - beta.powi(power)));
        let decay = 1.0 - learning_rate * self.settings.weight_decay;
        match &mut self.moments {
            Moments::Separate(moments) => {
                let norm = norm(&self.variables, gradients)?;
                let clip = match self.settings.gradient_clip {
                    Some(most) if norm > most => most / norm,
                    _ => 1.0,
                };
                let step = Step {
                    scale_m: scale_m as f32,
                    scale_v: scale_v as f32,
                    decay: decay as f32,
                    learning_rate: learning_rate as f32,
                };
                for (variable, moments) in self.variables.iter().zip(moments) {
                    let Some(gradient) = gradients.get(variable) else { continue };
                    let gradient = gradient.contiguous()?;
                    moments.inplace_op2(&gradient, &Update { clip: clip as f32 })?;
                    variable.inplace_op2(moments.as_tensor(), &step)?;
                }
                Ok(Tensor::new(norm, &Device::Cpu)?)
            }
            Moments::Joint { m, v } => {
                let mut gradient =
                    flat(&self.variables, |variable| match gradients.get(variable) {
                        Some(gradient) => Ok(gradient.flatten_all()?),
                        None => Ok(variable.flatten_all()?.zeros_like()?),
                    })?;
                let norm = gradient.sqr()?.sum_all()?.sqrt()?;
                if let Some(most) = self.settings.gradient_clip {
                    // min(most ÷ norm, 1), without a copy to the host.
                    let above = norm.recip()?.affine(-most, 1.0)?.relu()?;
                    let clip = above.affine(-1.0, 1.0)?;
                    gradient = gradient.broadcast_mul(&clip)?;
                }
                *m = ((&*m * BETA[0])? + (&gradient * (1.0 - BETA[0]))?)?;
                *v = ((&*v * BETA[1])? + (gradient.sqr()? * (1.0 - BETA[1]))?)?;
                let root = ((&*v * scale_v)?.sqrt()? + EPSILON)?;
                let step = ((&*m * (scale_m * learning_rate))? / root)?;
                let mut first = 0;
                for variable in &self.variables {
                    let n = variable.elem_count();
                    let step = step.narrow(0, first, n)?.reshape(variable.shape())?;
                    let own = variable.as_detached_tensor();
                    let own = if decay == 1.0 { own } else { (own * decay)? };
                    variable.set(&(own - step)?)?;
                    first += n;
                }
                Ok(norm.to_dtype(DType::F64)?)
            }
        }
    }

    /// Returns the moments of each variable, `[2, n]`.
    ///
    /// # Errors
    ///
    /// Returns candle's error if an operation fails on the device.
    pub fn moments(&self) -> Result<Vec<Tensor>> {
        let (m, v) = match &self.moments {
            Moments::Separate(moments) => {
                return Ok(moments.iter().map(|moments| moments.as_tensor().clone()).collect());
            }
            Moments::Joint { m, v } => (m, v),
        };
        let mut first = 0;
        let of = |variable: &Var| {
            let n = variable.elem_count();
            first += n;
            Ok(Tensor::stack(&[m.narrow(0, first - n, n)?, v.narrow(0, first - n, n)?], 0)?)
        };
        self.variables.iter().map(of).collect()
    }

    /// Continues after `steps` steps, with `moments` as [`Self::moments`] returned them.
    ///
    /// # Errors
    ///
    /// Returns an error if their number differs from that of the variables or, on the CPU, a shape differs.
    pub fn restore(&mut self, steps: usize, moments: &[Tensor]) -> Result<()> {
        ensure!(
            moments.len() == self.variables.len(),
            "expected moments of {} variables, found {}",
            self.variables.len(),
            moments.len()
        );
        match &mut self.moments {
            Moments::Separate(own) => {
                for (own, moments) in own.iter().zip(moments) {
                    own.set(moments)?;
                }
            }
            Moments::Joint { m, v } => {
                for (k, own) in [m, v].into_iter().enumerate() {
                    let parts = moments.iter().map(|moments| moments.get(k));
                    let parts = parts.collect::<candle_core::Result<Vec<_>>>()?;
                    *own = Tensor::cat(&parts, 0)?;
                }
            }
        }
        self.steps = steps;
        Ok(())
    }
}

impl Moments {
    /// Returns moments 0 of all variables together.
    fn zeros(variables: &[Var], device: &Device) -> Result<Self> {
        let parameters = variables.iter().map(|variable| variable.elem_count()).sum::<usize>();
        let zeros = || Tensor::zeros(parameters, DType::F32, device);
        Ok(Self::Joint { m: zeros()?, v: zeros()? })
    }
}

/// Concatenates what `of` returns for each variable, a vector.
fn flat(variables: &[Var], of: impl Fn(&Var) -> Result<Tensor>) -> Result<Tensor> {
    let parts = variables.iter().map(of).collect::<Result<Vec<_>>>()?;
    Ok(Tensor::cat(&parts, 0)?)
}

/// Returns the Euclidean norm of all gradients together. They must be on the CPU.
fn norm(variables: &[Var], gradients: &GradStore) -> Result<f64> {
    let mut squares = 0.0;
    for gradient in variables.iter().filter_map(|variable| gradients.get(variable)) {
        let sum = gradient.contiguous()?.apply_op1_no_bwd(&SumOfSquares)?;
        squares += f64::from(sum.to_scalar::<f32>()?);
    }
    Ok(squares.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_nn::{AdamW, Optimizer, ParamsAdamW};

    fn variable() -> Var {
        Var::new(&[[0.5_f32, -1.0], [2.0, 0.0]], &Device::Cpu).unwrap()
    }

    fn loss(x: &Var, k: usize) -> Tensor {
        let wanted = Tensor::full(k as f32 * 0.1, (2, 2), &Device::Cpu).unwrap();
        x.sub(&wanted).unwrap().sqr().unwrap().sum_all().unwrap()
    }

    #[test]
    fn steps_have_the_bits_of_candles_adamw() {
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

    /// Runs the other devices' method on the CPU.
    #[test]
    fn joint_and_separate_moments_give_the_same_steps() {
        let settings = AdamSettings { weight_decay: 0.01, gradient_clip: Some(0.7) };
        let other = || Var::new(&[0.3_f32, -0.2, 1.0], &Device::Cpu).unwrap();
        let (each, all) = ([variable(), other()], [variable(), other()]);
        let mut one = Adam::new(each.to_vec(), settings).unwrap();
        let mut two = Adam::new(all.to_vec(), settings).unwrap();
        two.moments = Moments::zeros(&two.variables, &Device::Cpu).unwrap();
        let loss = |[a, b]: &[Var; 2], k| {
            (loss(a, k) + b.sqr().unwrap().sum_all().unwrap() * 0.3).unwrap()
        };
        let worst = |a: &Tensor, b: &Tensor| {
            let most = (a - b).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
            most.to_scalar::<f32>().unwrap()
        };
        for k in 0..50 {
            let norms = [
                one.step(&loss(&each, k).backward().unwrap(), 0.01).unwrap(),
                two.step(&loss(&all, k).backward().unwrap(), 0.01).unwrap(),
            ];
            let [a, b] = norms.map(|norm| norm.to_scalar::<f64>().unwrap());
            assert!((a - b).abs() < 1e-5, "step {k}: {a} {b}");
            for (a, b) in each.iter().zip(&all) {
                assert!(worst(a, b) < 1e-6, "step {k}");
            }
            if k == 20 {
                // Checkpoints keep separate moments; restoring joins them again.
                let kept = two.moments().unwrap();
                for (a, b) in one.moments().unwrap().iter().zip(&kept) {
                    assert!(worst(a, b) < 1e-6);
                }
                two.moments = Moments::zeros(&two.variables, &Device::Cpu).unwrap();
                two.restore(k + 1, &kept).unwrap();
            }
        }
    }

    /// A counter of 32 bits would wrap here, and the step would be 0 or NaN.
    #[test]
    fn steps_are_counted_beyond_the_range_of_32_bits() {
        let after = |steps: usize| {
            let x = variable();
            let settings = AdamSettings { weight_decay: 0.0, gradient_clip: None };
            let mut adam = Adam::new(vec![x.clone()], settings).unwrap();
            let moments = Tensor::zeros((2, 4), DType::F32, &Device::Cpu).unwrap();
            adam.restore(steps, &[moments]).unwrap();
            for k in 0..2 {
                adam.step(&loss(&x, k).backward().unwrap(), 0.01).unwrap();
            }
            x.to_vec2::<f32>().unwrap()
        };
        // After a million steps the corrections are 1 in f64 already.
        let expected = after(1_000_000);
        assert_ne!(expected, variable().to_vec2::<f32>().unwrap());
        for steps in [(1 << 31) - 2, (1 << 31) - 1, 1 << 31, u32::MAX as usize - 1] {
            assert_eq!(after(steps), expected, "{steps}");
        }
    }

    #[test]
    fn a_long_gradient_is_clipped_to_the_limit() {
        // After the first step, the first moments are a tenth of the clipped gradient.
        let seen = |clip| {
            let x = variable();
            let settings = AdamSettings { weight_decay: 0.0, gradient_clip: clip };
            let mut adam = Adam::new(vec![x.clone()], settings).unwrap();
            let norm = adam.step(&loss(&x, 0).backward().unwrap(), 0.1).unwrap();
            let norm: f64 = norm.to_scalar().unwrap();
            let m: Vec<f32> = adam.moments().unwrap()[0].get(0).unwrap().to_vec1().unwrap();
            (norm, 10.0 * m.iter().map(|m| f64::from(m * m)).sum::<f64>().sqrt())
        };
        let (norm, free) = seen(None);
        assert!((norm - free).abs() < 1e-4 && norm > 4.0, "{norm} {free}");
        let (unchanged, cut) = seen(Some(0.5));
        assert_eq!(norm, unchanged);
        assert!((cut - 0.5).abs() < 1e-5, "{cut}");
    }
}
