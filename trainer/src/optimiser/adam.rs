//! The optimiser Adam. Its moments can be read and restored, for checkpoints.

use anyhow::{Result, ensure};

use super::kernels::{BETA, Factors, norm};

/// Settings of Adam. The other constants are the paper's: β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamSettings {
    /// Decoupled weight decay (AdamW: Loshchilov & Hutter 2019): a step multiplies the weights by
    /// `1 − learning_rate · weight_decay`.
    pub weight_decay: f64,
    /// The largest Euclidean norm of the gradient over all weights together; a longer gradient is scaled
    /// down to it. `None` does not clip.
    pub gradient_clip: Option<f64>,
}

/// Adam (Kingma & Ba 2015) over a network's weights, as PyTorch computes it.
#[derive(Debug)]
pub struct Adam {
    /// The number of elements of each tensor.
    sizes: Vec<usize>,
    /// The running means of the gradient and of its square, of each weight.
    moments: [Vec<f32>; 2],
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
    /// Makes an optimiser for weights in tensors of these sizes, with moments 0.
    pub fn new(sizes: Vec<usize>, settings: AdamSettings) -> Self {
        let zeros = || vec![0.0; sizes.iter().sum()];
        Self { moments: [zeros(), zeros()], sizes, steps: 0, settings }
    }

    /// Takes a step with `learning_rate`. Returns the norm of the gradient before clipping.
    ///
    /// # Panics
    ///
    /// Panics if there is not one weight and one gradient for each element of the tensors.
    pub fn step(&mut self, weights: &mut [f32], gradient: &[f32], learning_rate: f64) -> f64 {
        let expected = self.moments[0].len();
        assert_eq!([weights.len(), gradient.len()], [expected; 2], "weights and gradients");
        self.steps += 1;
        let [scale_m, scale_v] = corrections(self.steps);
        let decay = 1.0 - learning_rate * self.settings.weight_decay;
        let norm = norm(gradient, &self.sizes);
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
        let [m, v] = &mut self.moments;
        factors.step(weights, gradient, m, v);
        norm
    }

    /// The running means of the gradient and of its square, of each weight.
    pub fn moments(&self) -> &[Vec<f32>; 2] {
        &self.moments
    }

    /// Continues after `steps` steps, with `moments` as [`Self::moments`] returned them.
    ///
    /// # Errors
    ///
    /// Returns an error if their number differs from that of the weights.
    pub fn restore(&mut self, steps: usize, moments: [Vec<f32>; 2]) -> Result<()> {
        let expected = self.moments[0].len();
        for found in moments.iter().map(Vec::len) {
            ensure!(found == expected, "expected moments of {expected} weights, found {found}");
        }
        self.moments = moments;
        self.steps = steps;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Tensor, Var};
    use candle_nn::{AdamW, Optimizer, ParamsAdamW};

    const START: [f32; 4] = [0.5, -1.0, 2.0, 0.0];

    fn wanted(k: usize) -> f32 {
        k as f32 * 0.1
    }

    /// The gradient of the squared distance from the wanted point.
    fn gradient(x: &[f32], k: usize) -> Vec<f32> {
        x.iter().map(|x| 2.0 * (x - wanted(k))).collect()
    }

    fn adam(gradient_clip: Option<f64>, weight_decay: f64) -> Adam {
        Adam::new(vec![3, 1], AdamSettings { weight_decay, gradient_clip })
    }

    #[test]
    fn steps_have_the_bits_of_candles_adamw() {
        let mut ours = START;
        let theirs = Var::new(&START, &Device::Cpu).unwrap();
        let mut adam = adam(None, 0.01);
        let parameters = ParamsAdamW { lr: 0.01, ..ParamsAdamW::default() };
        let mut candle = AdamW::new(vec![theirs.clone()], parameters).unwrap();
        for k in 0..50 {
            let gradient = gradient(&ours, k);
            adam.step(&mut ours, &gradient, 0.01);
            let wanted = Tensor::full(wanted(k), 4, &Device::Cpu).unwrap();
            let loss = theirs.sub(&wanted).unwrap().sqr().unwrap().sum_all().unwrap();
            candle.backward_step(&loss).unwrap();
            assert_eq!(theirs.to_vec1::<f32>().unwrap(), ours, "step {k}");
        }
    }

    /// A counter of 32 bits would wrap here, and the step would be 0 or NaN.
    #[test]
    fn steps_are_counted_beyond_the_range_of_32_bits() {
        let after = |steps: usize| {
            let mut x = START;
            let mut adam = adam(None, 0.0);
            adam.restore(steps, [vec![0.0; 4], vec![0.0; 4]]).unwrap();
            for k in 0..2 {
                let gradient = gradient(&x, k);
                adam.step(&mut x, &gradient, 0.01);
            }
            x
        };
        // After a million steps the corrections are 1 in f64 already.
        let expected = after(1_000_000);
        assert_ne!(expected, START);
        for steps in [(1 << 31) - 2, (1 << 31) - 1, 1 << 31, u32::MAX as usize - 1] {
            assert_eq!(after(steps), expected, "{steps}");
        }
    }

    #[test]
    fn a_long_gradient_is_clipped_to_the_limit() {
        // After the first step, the first moments are a tenth of the clipped gradient.
        let seen = |clip| {
            let mut x = START;
            let mut adam = adam(clip, 0.0);
            let gradient = gradient(&x, 0);
            let norm = adam.step(&mut x, &gradient, 0.1);
            let m = &adam.moments()[0];
            (norm, 10.0 * m.iter().map(|m| f64::from(m * m)).sum::<f64>().sqrt())
        };
        let (norm, free) = seen(None);
        assert!((norm - free).abs() < 1e-4 && norm > 4.0, "{norm} {free}");
        let (unchanged, cut) = seen(Some(0.5));
        assert_eq!(norm, unchanged);
        assert!((cut - 0.5).abs() < 1e-5, "{cut}");
    }

    #[test]
    fn moments_of_another_network_are_refused() {
        let error = adam(None, 0.0).restore(1, [vec![0.0; 4], vec![0.0; 3]]).unwrap_err();
        assert_eq!(error.to_string(), "expected moments of 4 weights, found 3");
    }
}
