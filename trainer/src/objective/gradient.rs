//! The gradient of an objective's loss.

use std::cell::RefCell;

use anyhow::{Context, Result};

use super::loss::{mean_squared_error, mean_squared_error_gradient};
use super::path::linear;
use super::tape::{Recorded, Tape};
use super::{Objective, Steps};
use crate::coupling::batches::Batch;
use crate::network::{Network, Packed, Passes, Shape};
use crate::solve::textbook;

/// Computes the gradients of an objective's losses. The memory serves one batch after the other.
#[derive(Debug)]
pub struct Gradient {
    objective: Objective,
    packed: Packed,
    tape: Tape,
    values: Vec<f32>,
}

impl Gradient {
    /// For networks of `shape`.
    pub fn new(objective: Objective, shape: Shape) -> Self {
        // The points of later steps depend on the weights.
        let inputs = matches!(objective, Objective::Endpoint(_));
        Self {
            objective,
            packed: Packed::new(shape, Passes::Both { inputs }),
            tape: Tape::default(),
            values: vec![0.0; shape.parameters()],
        }
    }

    /// Computes the gradient for a batch, and returns the loss.
    ///
    /// # Errors
    ///
    /// As [`Objective::loss`].
    ///
    /// # Panics
    ///
    /// Panics if the network has another shape.
    pub fn compute(&mut self, network: &Network, batch: &Batch) -> Result<f64> {
        self.objective.check(network.shape(), batch)?;
        self.packed.fill(network);
        self.tape.clear();
        let Batch { x_0, x_1, c, t } = batch;
        match &self.objective {
            Objective::Velocity => {
                let path = linear(x_0, x_1, t);
                let x = self.tape.give(path.x_t.values().to_vec());
                let v = self.tape.velocity(&self.packed, |row| t[row], x, c);
                Ok(self.backward(v, path.velocity.values()))
            }
            Objective::Endpoint(Steps { kind, times }) => {
                let x = self.tape.give(x_0.values().to_vec());
                let field =
                    Recorded { packed: &self.packed, c, tape: RefCell::new(&mut self.tape) };
                let points = textbook::path(&field, *kind, times, x)?;
                let last = points.into_iter().next_back().context("the path has no points")?;
                Ok(self.backward(last, x_1.values()))
            }
        }
    }

    /// Compares the value `last` with `expected`, computes the gradient of the weights, and returns the loss.
    fn backward(&mut self, last: usize, expected: &[f32]) -> f64 {
        let predicted = self.tape.numbers(last);
        let loss = mean_squared_error(predicted, expected);
        let gradient = mean_squared_error_gradient(predicted, expected);
        self.tape.backward(&self.packed, last, gradient, &mut self.values);
        loss
    }

    /// The gradient for the last batch, of each weight in the order of [`Network::weights`].
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}
