//! The moving average of a network's weights.

use anyhow::Result;
use candle_core::{Tensor, Var};

use super::kernels::Follow;

/// An exponential moving average of a network's variables.
#[derive(Debug)]
pub struct Average {
    variables: Vec<Var>,
    average: Vec<Tensor>,
    decay: f64,
}

/// Returns the decay at step `n`, counted from 1: the smaller of the configured decay and (1 + n) ÷ (10 + n), so that
/// the average forgets the initial weights quickly.
pub(crate) fn decay_at(decay: f64, n: usize) -> f64 {
    decay.min((1.0 + n as f64) / (10.0 + n as f64))
}

impl Average {
    /// Starts an average at the current values of `variables`. `decay` is in [0, 1).
    ///
    /// # Errors
    ///
    /// Returns candle's error if the device is out of memory.
    pub fn new(variables: Vec<Var>, decay: f64) -> Result<Self> {
        let average = variables
            .iter()
            .map(|variable| variable.as_detached_tensor().copy())
            .collect::<candle_core::Result<_>>()?;
        Ok(Self { variables, average, decay })
    }

    /// Adds the current values of the variables to the average, after optimiser step `n`, counted from 1.
    ///
    /// # Errors
    ///
    /// Returns candle's error if an operation fails on the device.
    pub fn update(&mut self, n: usize) -> Result<()> {
        let decay = decay_at(self.decay, n);
        for (average, variable) in self.average.iter().zip(&self.variables) {
            average.inplace_op2(variable.as_tensor(), &Follow { decay })?;
        }
        Ok(())
    }

    /// Returns the average of each variable, in the order of the variables.
    pub fn tensors(&self) -> &[Tensor] {
        &self.average
    }

    /// Continues from the averages of a checkpoint.
    pub fn restore(&mut self, average: Vec<Tensor>) {
        self.average = average;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn the_average_follows_quickly_at_first_and_slowly_later() {
        let x = Var::new(&[1.0_f32], &Device::Cpu).unwrap();
        let mut average = Average::new(vec![x.clone()], 0.9).unwrap();
        x.set(&Tensor::new(&[0.0_f32], &Device::Cpu).unwrap()).unwrap();
        let value = |average: &Average| average.tensors()[0].to_vec1::<f32>().unwrap()[0];
        average.update(1).unwrap();
        assert!((value(&average) - 2.0 / 11.0).abs() < 1e-6);
        let before = value(&average);
        average.update(1_000_000).unwrap();
        assert!((value(&average) - 0.9 * before).abs() < 1e-6);
    }
}
