//! The moving average of a network's weights.

use anyhow::Result;
use candle_core::{Tensor, Var};

/// An exponential moving average of the variables of a network. It moves faster at first, so that it
/// forgets the initial weights: the decay at step n is the smaller of the one asked for and
/// (1 + n) ÷ (10 + n).
#[derive(Debug)]
pub struct Average {
    variables: Vec<Var>,
    average: Vec<Tensor>,
    decay: f64,
}

impl Average {
    /// An average that begins at what the variables are now.
    ///
    /// # Errors
    ///
    /// candle's, when the device has no room.
    pub fn new(variables: Vec<Var>, decay: f64) -> Result<Self> {
        let average = variables
            .iter()
            .map(|variable| variable.as_detached_tensor().copy())
            .collect::<candle_core::Result<_>>()?;
        Ok(Self { variables, average, decay })
    }

    /// Takes in the variables after optimiser step `n`, from 1.
    ///
    /// # Errors
    ///
    /// candle's.
    pub fn update(&mut self, n: usize) -> Result<()> {
        let decay = self.decay.min((1.0 + n as f64) / (10.0 + n as f64));
        for (average, variable) in self.average.iter_mut().zip(&self.variables) {
            // Detached: candle would otherwise keep every average that there ever was, to
            // differentiate through.
            *average = ((&*average * decay)? + (variable.as_detached_tensor() * (1.0 - decay))?)?;
        }
        Ok(())
    }

    /// The average of each variable.
    pub fn tensors(&self) -> &[Tensor] {
        &self.average
    }

    /// Goes on from these averages.
    pub fn restore(&mut self, average: Vec<Tensor>) {
        self.average = average;
    }
}
