//! Which noise goes to which data.

use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

/// The independent coupling: for each target sample a draw from the source, the standard normal
/// distribution, whatever the target sample is.
#[derive(Clone, Debug)]
pub struct Independent {
    rng: ChaCha8Rng,
}

impl Independent {
    /// A coupling that draws its noise from `rng`.
    pub fn new(rng: ChaCha8Rng) -> Self {
        Self { rng }
    }

    /// `x_0` for the target samples `x_1`: as many values, coordinate by coordinate.
    pub fn source(&mut self, x_1: &[f32]) -> Vec<f32> {
        x_1.iter().map(|_| StandardNormal.sample(&mut self.rng)).collect()
    }
}
