//! The optimiser Adam. Its moments can be read and restored, for checkpoints.

use std::sync::Mutex;

use anyhow::{Result, ensure};
use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};

use super::kernels::{BETA, Factors, Step, SumOfSquares};

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
    /// Running means of the gradient and of its square, `[2, n]` for each variable.
    moments: Vec<Vec<f32>>,
    steps: usize,
    settings: AdamSettings,
}

/// Returns `1 ÷ (1 − βˢ)` for both moments after `steps` steps s: the corrections of their start at 0.
pub(crate) fn corrections(steps: usize) -> [f64; 2] {
    // The powers are 0 long before the end of i32's range, so it may end there.
    let power = i32::try_from(steps).unwrap_or(i32::MAX);
    BETA.map(|beta| 1.0 / (1.0 - beta.powi(power)))
}

impl Adam {
    /// Makes an optimiser for `variables` on the CPU, with moments 0.
    ///
    /// # Errors
    ///
    /// When a variable is not on the CPU.
    pub fn new(variables: Vec<Var>, settings: AdamSettings) -> Result<Self> {
        let on_cpu = variables.iter().all(|variable| variable.device().is_cpu());
        ensure!(on_cpu, "expected variables on the CPU");
        let zeros = |variable: &Var| vec![0.0; 2 * variable.elem_count()];
        let moments = variables.iter().map(zeros).collect();
        Ok(Self { variables, moments, steps: 0, settings })
    }

    /// Takes a step with `learning_rate`. Returns the norm of the gradient before clipping.
    ///
    /// # Errors
    ///
    /// Returns candle's error if the variables are not on the CPU, or not of 32-bit floats.
    pub fn step(&mut self, gradients: &GradStore, learning_rate: f64) -> Result<f64> {
        self.steps += 1;
        let [scale_m, scale_v] = corrections(self.steps);
        let decay = 1.0 - learning_rate * self.settings.weight_decay;
        let norm = norm(&self.variables, gradients)?;
        let clip = match self.settings.gradient_clip {
            Some(most) if norm > most => most / norm,
            _ => 1.0,
        };
        let factors = Factors {
            clip: clip as f32,
            scale_m: scale_m as f32,
            scale_v: scale_v as f32,
            decay: decay as f32,
            learning_rate: learning_rate as f32,
        };
        for (variable, moments) in self.variables.iter().zip(&mut self.moments) {
            let Some(gradient) = gradients.get(variable) else { continue };
            let step = Step { moments: Mutex::new(moments), factors };
            variable.inplace_op2(&gradient.contiguous()?, &step)?;
        }
        Ok(norm)
    }

    /// Returns the moments of each variable, `[2, n]`.
    pub fn moments(&self) -> Vec<Tensor> {
        let tensor = |moments: &Vec<f32>| {
            Tensor::from_slice(moments, (2, moments.len() / 2), &Device::Cpu)
                .expect("two moments for each element")
        };
        self.moments.iter().map(tensor).collect()
    }

    /// Continues after `steps` steps, with `moments` as [`Self::moments`] returned them.
    ///
    /// # Errors
    ///
    /// Returns an error if their number differs from that of the variables, or a shape differs.
    pub fn restore(&mut self, steps: usize, moments: &[Tensor]) -> Result<()> {
        ensure!(
            moments.len() == self.variables.len(),
            "expected moments of {} variables, found {}",
            self.variables.len(),
            moments.len()
        );
        for (own, moments) in self.moments.iter_mut().zip(moments) {
            let shape = [2, own.len() / 2];
            ensure!(
                moments.dims() == shape,
                "moments: expected shape {shape:?}, found {:?}",
                moments.dims()
            );
            *own = moments.flatten_all()?.to_vec1()?;
        }
        self.steps = steps;
        Ok(())
    }
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
    use candle_core::{DType, Device};
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
