//! Samples a model with candle's own operations in f32.

use anyhow::Result;
use candle_core::{Device, Tensor};
use flowlet::SolverKind;

use crate::data::Matrix;
use crate::model::Model;
use crate::network::by_candle::ByCandle;
use crate::solve::textbook::{self, Space};

/// Returns the matrix as a tensor `[rows, columns]`.
pub(super) fn tensor(matrix: &Matrix) -> Result<Tensor> {
    let shape = (matrix.rows(), matrix.columns());
    Ok(Tensor::from_slice(matrix.values(), shape, &Device::Cpu)?)
}

/// A model that samples with candle's own operations in f32.
pub(super) struct Candle {
    pub(super) network: ByCandle,
    condition_mean: Tensor,
    condition_scale: Tensor,
}

impl Candle {
    pub(super) fn new(model: &Model) -> Result<Self> {
        let conditions = model.mlp.condition_dim();
        let read = |name: &str, absent: f32| -> Result<Tensor> {
            let values = match model.file.tensors.get(name) {
                Some(block) => block.to_f32()?,
                None => vec![absent; conditions],
            };
            Ok(Tensor::from_vec(values, conditions, &Device::Cpu)?)
        };
        Ok(Self {
            network: ByCandle::new(&model.network()?)?,
            condition_mean: read("condition.mean", 0.0)?,
            condition_scale: read("condition.scale", 1.0)?,
        })
    }

    /// Returns the conditions in flow units.
    pub(super) fn condition(&self, c: &Matrix) -> Result<Tensor> {
        let c = tensor(c)?;
        Ok(c.broadcast_sub(&self.condition_mean)?.broadcast_div(&self.condition_scale)?)
    }

    /// Returns the paths from each row of `x_0`, `[P][N + 1][D]`.
    pub(super) fn path(
        &self,
        kind: SolverKind,
        times: &[f32],
        x_0: &Matrix,
        c: &Matrix,
    ) -> Result<Vec<f32>> {
        let under = Under { network: &self.network, c: self.condition(c)? };
        let points = textbook::path(&under, kind, times, tensor(x_0)?)?;
        Ok(Tensor::stack(&points, 1)?.flatten_all()?.to_vec1()?)
    }
}

/// candle's network under conditions, one for each row.
struct Under<'a> {
    network: &'a ByCandle,
    c: Tensor,
}

impl Space for Under<'_> {
    type Point = Tensor;

    fn velocity(&self, t: f64, x: &Tensor) -> Result<Tensor> {
        let t = Tensor::full(t as f32, (x.dim(0)?, 1), &Device::Cpu)?;
        Ok(self.network.velocity(&t, x, &self.c)?)
    }

    fn moved(&self, x: &Tensor, by: &[(f64, &Tensor)]) -> Result<Tensor> {
        let mut x = x.clone();
        for &(factor, v) in by {
            x = (x + (v * factor)?)?;
        }
        Ok(x)
    }
}
