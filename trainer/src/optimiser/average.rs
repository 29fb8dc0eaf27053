//! The moving average of a network's weights.

use anyhow::{Result, ensure};

use super::kernels::follow;

/// An exponential moving average of a network's weights.
#[derive(Clone, Debug)]
pub struct Average {
    values: Vec<f32>,
    decay: f64,
}

/// Returns the decay at step `n`, counted from 1: the smaller of the configured decay and (1 + n) ÷ (10 + n), so that
/// the average forgets the initial weights quickly.
pub(crate) fn decay_at(decay: f64, n: usize) -> f64 {
    decay.min((1.0 + n as f64) / (10.0 + n as f64))
}

impl Average {
    /// Starts an average at `weights`. `decay` is in [0, 1).
    pub fn new(weights: &[f32], decay: f64) -> Self {
        Self { values: weights.to_vec(), decay }
    }

    /// Adds `weights` to the average, after optimiser step `n`, counted from 1.
    pub fn update(&mut self, weights: &[f32], n: usize) {
        follow(&mut self.values, weights, decay_at(self.decay, n));
    }

    /// The average of each weight.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Continues from the average of a checkpoint.
    ///
    /// # Errors
    ///
    /// When the number of weights differs.
    pub fn restore(&mut self, values: &[f32]) -> Result<()> {
        let (expected, found) = (self.values.len(), values.len());
        ensure!(found == expected, "expected the average of {expected} weights, found {found}");
        self.values.copy_from_slice(values);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_follows_quickly_at_first_and_slowly_later() {
        let mut average = Average::new(&[1.0], 0.9);
        average.update(&[0.0], 1);
        assert!((average.values()[0] - 2.0 / 11.0).abs() < 1e-6);
        let before = average.values()[0];
        average.update(&[0.0], 1_000_000);
        assert!((average.values()[0] - 0.9 * before).abs() < 1e-6);
    }
}
