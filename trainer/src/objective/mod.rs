//! What training makes small, as a function of a network and a batch.

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
    /// The velocity of the straight path from `x_0` to `x_1`, at the batch's times (flow matching).
    Velocity,
    /// The way from `x_0` to `x_1` in the steps of the solver that will be embedded (distillation of
    /// the endpoint).
    Endpoint(Steps),
}

/// A solver's method and grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    /// The method.
    pub kind: SolverKind,
    /// The times before each step and after the last, `[N + 1]`.
    pub times: Vec<f32>,
}

/// A batch on a network's device.
#[derive(Clone, Debug)]
pub struct Tensors {
    /// `[B, D]`
    pub x_0: Tensor,
    /// `[B, D]`
    pub x_1: Tensor,
    /// `[B, C]`
    pub c: Tensor,
    /// `[B, 1]`; none for an objective that has times of its own.
    pub t: Option<Tensor>,
}

impl Tensors {
    /// A batch copied to `device`.
    ///
    /// # Errors
    ///
    /// candle's, when the device has no room.
    pub fn new(batch: &Batch, device: &Device) -> Result<Self> {
        let t = match &batch.t[..] {
            [] => None,
            t => Some(Tensor::from_slice(t, (t.len(), 1), device)?),
        };
        Ok(Self {
            x_0: tensor(&batch.x_0, device)?,
            x_1: tensor(&batch.x_1, device)?,
            c: tensor(&batch.c, device)?,
            t,
        })
    }
}

impl Objective {
    /// The loss of a batch: a scalar, the mean squared error over all coordinates.
    ///
    /// # Errors
    ///
    /// candle's, on shapes that do not match.
    pub fn loss(&self, network: &Network, batch: &Tensors) -> Result<Tensor> {
        let Tensors { x_0, x_1, c, t } = batch;
        Ok(match (self, t) {
            (Self::Velocity, Some(t)) => {
                let path = linear(x_0, x_1, t)?;
                mean_squared_error(&network.velocity(&path.t, &path.x_t, c)?, &path.velocity)?
            }
            (Self::Velocity, None) => anyhow::bail!("the velocity is learned at times"),
            (Self::Endpoint(steps), _) => {
                mean_squared_error(&endpoint(network, steps, x_0, c)?, x_1)?
            }
        })
    }
}

/// Where the solver leads from `x_0` (`[B, D]`) under `c` (`[B, C]`, flow units), with gradients.
///
/// # Errors
///
/// candle's, on shapes that do not match.
pub fn endpoint(network: &Network, steps: &Steps, x_0: &Tensor, c: &Tensor) -> Result<Tensor> {
    let field = Field { network, c };
    let points = textbook::path(&field, steps.kind, &steps.times, x_0.clone())?;
    points.into_iter().next_back().context("a path has an end")
}

/// A network's velocities with gradients.
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
