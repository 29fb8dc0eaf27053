//! Objectives: the loss of a network on a batch.

pub mod loss;
pub mod path;

use anyhow::{Context, Result};
use candle_core::{Device, Tensor};
use flowlet::SolverKind;

use crate::coupling::batches::Batch;
use crate::network::Network;
use crate::network::storage::tensor;
use crate::objective::loss::mean_squared_error;
use crate::objective::path::linear;
use crate::solve::textbook::{self, Space};

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

/// A batch as tensors.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// Noise, `[B, D]`.
    pub x_0: Tensor,
    /// Data, `[B, D]`.
    pub x_1: Tensor,
    /// Conditions, `[B, C]`, in flow units.
    pub c: Tensor,
    /// Times, `[B, 1]`; `None` for an objective that uses a solver's grid instead.
    pub t: Option<Tensor>,
}

impl Tensors {
    /// Returns a batch as tensors.
    ///
    /// # Errors
    ///
    /// Returns candle's error if memory does not suffice.
    pub fn new(batch: &Batch) -> Result<Self> {
        let t = match &batch.t[..] {
            [] => None,
            t => Some(Tensor::from_slice(t, (t.len(), 1), &Device::Cpu)?),
        };
        Ok(Self { x_0: tensor(&batch.x_0)?, x_1: tensor(&batch.x_1)?, c: tensor(&batch.c)?, t })
    }
}

impl Objective {
    /// Returns the loss of a batch: the mean squared error over all coordinates, a scalar.
    ///
    /// # Errors
    ///
    /// Returns candle's error if shapes do not match, and an error if [`Self::Velocity`] gets a batch
    /// without times.
    pub fn loss(&self, network: &Network, batch: &Tensors) -> Result<Tensor> {
        let Tensors { x_0, x_1, c, t } = batch;
        Ok(match (self, t) {
            (Self::Velocity, Some(t)) => {
                let path = linear(x_0, x_1, t)?;
                mean_squared_error(&network.velocity(&path.t, &path.x_t, c)?, &path.velocity)?
            }
            (Self::Velocity, None) => {
                anyhow::bail!("flow matching needs times, but the batch has none")
            }
            (Self::Endpoint(steps), _) => {
                mean_squared_error(&endpoint(network, steps, x_0, c)?, x_1)?
            }
        })
    }
}

/// Integrates from `x_0` (`[B, D]`) with conditions `c` (`[B, C]`, flow units) and returns the endpoints,
/// `[B, D]`. candle tracks gradients through all steps.
///
/// # Errors
///
/// Returns candle's error if shapes do not match.
pub fn endpoint(network: &Network, steps: &Steps, x_0: &Tensor, c: &Tensor) -> Result<Tensor> {
    let field = Field { network, c };
    let points = textbook::path(&field, steps.kind, &steps.times, x_0.clone())?;
    points.into_iter().next_back().context("the path has no points")
}

/// A network's velocity field under conditions `c` (`[B, C]`), with gradients.
struct Field<'a> {
    network: &'a Network,
    c: &'a Tensor,
}

impl Space for Field<'_> {
    type Point = Tensor;

    fn velocity(&self, t: f64, x: &Tensor) -> Result<Tensor> {
        let t = Tensor::full(t as f32, (x.dim(0)?, 1), x.device())?;
        Ok(self.network.velocity(&t, x, self.c)?)
    }

    fn moved(&self, x: &Tensor, by: &[(f64, &Tensor)]) -> Result<Tensor> {
        let step = |x: Result<Tensor>, (factor, v): &(f64, &Tensor)| Ok((x? + (*v * *factor)?)?);
        by.iter().fold(Ok(x.clone()), step)
    }
}
