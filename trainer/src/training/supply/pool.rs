//! Rows that stay on a device, to be drawn from there.

use anyhow::Result;
use candle_core::{Device, Tensor};

use crate::data::Matrix;
use crate::network::storage::tensor;

/// Data and their conditions on a device.
#[derive(Debug)]
pub(crate) struct Pool {
    /// `[N, D]`
    x: Tensor,
    /// `[N, C]`
    c: Tensor,
}

impl Pool {
    /// Copies `x` (`[N, D]`) and `c` (`[N, C]`) to `device`.
    ///
    /// # Errors
    ///
    /// When the device has no room.
    pub fn new(x: &Matrix, c: &Matrix, device: &Device) -> Result<Self> {
        Ok(Self { x: tensor(x, device)?, c: tensor(c, device)? })
    }

    /// N and D.
    ///
    /// # Errors
    ///
    /// None that a pool could cause.
    pub fn dims(&self) -> Result<(usize, usize)> {
        Ok(self.x.dims2()?)
    }

    /// The rows with the numbers `rows` (`[B]`, 32-bit integers), and their conditions.
    ///
    /// # Errors
    ///
    /// candle's.
    pub fn select(&self, rows: &Tensor) -> Result<[Tensor; 2]> {
        // Without conditions nobody looks at them.
        let conditional = self.c.dim(1)? > 0;
        let c = if conditional { self.c.index_select(rows, 0)? } else { self.c.clone() };
        Ok([self.x.index_select(rows, 0)?, c])
    }
}
