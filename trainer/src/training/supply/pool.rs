//! Rows that stay on a device, from which batches are selected.

use anyhow::Result;
use candle_core::{Device, Tensor};

use crate::data::Matrix;
use crate::network::storage::tensor;

/// Data and their conditions on a device.
#[derive(Debug)]
pub(crate) struct Pool {
    /// Data, `[N][D]`.
    x: Tensor,
    /// Conditions, `[N][C]`.
    c: Tensor,
}

impl Pool {
    /// Copies `x`, `[N][D]`, and `c`, `[N][C]`, to `device`.
    ///
    /// # Errors
    ///
    /// Returns an error if they do not fit into the device's memory.
    pub fn new(x: &Matrix, c: &Matrix, device: &Device) -> Result<Self> {
        Ok(Self { x: tensor(x, device)?, c: tensor(c, device)? })
    }

    /// Returns N and D.
    ///
    /// # Errors
    ///
    /// Returns candle's error for a tensor of another rank, which does not occur.
    pub fn dims(&self) -> Result<(usize, usize)> {
        Ok(self.x.dims2()?)
    }

    /// Returns the data, `[B][D]`, and conditions, `[B][C]`, of the rows with the numbers `rows`, `[B]` as
    /// u32. Without conditions (C = 0), the second tensor is `[N][0]`.
    ///
    /// # Errors
    ///
    /// Returns candle's errors.
    pub fn select(&self, rows: &Tensor) -> Result<[Tensor; 2]> {
        // Without conditions there is nothing to select.
        let conditional = self.c.dim(1)? > 0;
        let c = if conditional { self.c.index_select(rows, 0)? } else { self.c.clone() };
        Ok([self.x.index_select(rows, 0)?, c])
    }
}
