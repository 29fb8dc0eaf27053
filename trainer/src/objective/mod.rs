//! Objectives: the loss of a network on a batch.

mod field;
pub mod gradient;
mod loss;
mod path;
mod tape;
#[cfg(test)]
mod tests;

use anyhow::{Context, Result, bail, ensure};
use flowlet::SolverKind;

use self::field::Field;
use self::loss::mean_squared_error;
use self::path::linear;
use crate::coupling::batches::Batch;
use crate::data::Matrix;
use crate::network::{Network, Packed, Shape};
use crate::solve::textbook;

/// What a network learns.
#[derive(Clone, Debug)]
pub enum Objective {
    /// Flow matching: the velocity of the straight path from `x_0` to `x_1`, at the batch's times.
    Velocity,
    /// Endpoint distillation: the solver's endpoint from `x_0` should be `x_1`. The solver is the one that
    /// will run on the target device, with its few steps.
    Endpoint(Steps),
}

/// A solver's method and time grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    /// The method.
    pub kind: SolverKind,
    /// The times before the first step and after each step, `[N + 1]`.
    pub times: Vec<f32>,
}

impl Objective {
    /// Returns the loss of a batch: the mean squared error over all coordinates.
    ///
    /// # Errors
    ///
    /// When the batch does not fit the network, or has no times for [`Self::Velocity`].
    pub fn loss(&self, network: &Network, batch: &Batch) -> Result<f64> {
        self.check(network.shape(), batch)?;
        let Batch { x_0, x_1, c, t } = batch;
        Ok(match self {
            Self::Velocity => {
                let path = linear(x_0, x_1, t);
                let field = Field { packed: &Packed::of(network), c };
                let predicted = field.velocities(|row| t[row], path.x_t.values());
                mean_squared_error(&predicted, path.velocity.values())
            }
            Self::Endpoint(steps) => {
                let reached = endpoint(network, steps, x_0, c)?;
                mean_squared_error(reached.values(), x_1.values())
            }
        })
    }

    /// Checks the sizes of a batch.
    fn check(&self, shape: Shape, batch: &Batch) -> Result<()> {
        let Batch { x_0, x_1, c, t } = batch;
        let rows = x_0.rows();
        let sizes = |matrix: &Matrix| [matrix.rows(), matrix.columns()];
        let (data, conditions) = ([rows, shape.data_dim], [rows, shape.condition_dim]);
        for (name, matrix, expected) in
            [("x_0", x_0, data), ("x_1", x_1, data), ("c", c, conditions)]
        {
            let found = sizes(matrix);
            ensure!(found == expected, "{name} of a batch: expected {expected:?}, found {found:?}");
        }
        match self {
            Self::Velocity if t.len() != rows => {
                bail!("flow matching needs a time for each of {rows} rows, found {}", t.len())
            }
            _ => Ok(()),
        }
    }
}

/// Integrates from `x_0` (`[B, D]`) with conditions `c` (`[B, C]`, flow units) and returns the endpoints,
/// `[B, D]`.
///
/// # Errors
///
/// Returns the first error of the solver.
pub fn endpoint(network: &Network, steps: &Steps, x_0: &Matrix, c: &Matrix) -> Result<Matrix> {
    let field = Field { packed: &Packed::of(network), c };
    let points = textbook::path(&field, steps.kind, &steps.times, x_0.values().to_vec())?;
    let last = points.into_iter().next_back().context("the path has no points")?;
    Ok(Matrix::new(last, x_0.rows(), x_0.columns()))
}
