//! A network's velocities at the points of a batch, without gradients.

use anyhow::Result;

use crate::data::Matrix;
use crate::network::{Packed, outputs};
use crate::solve::textbook::Space;

/// The velocity field of a network under conditions `c` (`[B, C]`, flow units). A point of [`Space`] holds
/// the whole batch, `[B, D]`.
pub(super) struct Field<'a> {
    pub(super) packed: &'a Packed,
    pub(super) c: &'a Matrix,
}

impl Field<'_> {
    /// Returns the velocities at `x` (`[B, D]`), at the time `t(row)` of each row.
    pub(super) fn velocities(&self, t: impl Fn(usize) -> f32 + Send + Sync, x: &[f32]) -> Vec<f32> {
        let data = self.packed.shape().data_dim;
        outputs(self.packed, self.c.rows(), |row, inputs| {
            write_inputs(inputs, t(row), &x[row * data..][..data], self.c.row(row));
        })
    }
}

/// Writes a row of the network's inputs, `[1 + D + C]`.
pub(super) fn write_inputs(inputs: &mut [f32], t: f32, x: &[f32], c: &[f32]) {
    inputs[0] = t;
    inputs[1..][..x.len()].copy_from_slice(x);
    inputs[1 + x.len()..].copy_from_slice(c);
}

/// Returns `x` plus the sum of the velocities, each times its factor.
pub(super) fn moved<'a>(x: &[f32], by: impl Iterator<Item = (f32, &'a [f32])>) -> Vec<f32> {
    let mut x = x.to_vec();
    for (factor, v) in by {
        for (x, v) in x.iter_mut().zip(v) {
            *x += v * factor;
        }
    }
    x
}

impl Space for Field<'_> {
    type Point = Vec<f32>;

    fn velocity(&self, t: f64, x: &Vec<f32>) -> Result<Vec<f32>> {
        Ok(self.velocities(|_| t as f32, x))
    }

    fn moved(&self, x: &Vec<f32>, by: &[(f64, &Vec<f32>)]) -> Result<Vec<f32>> {
        Ok(moved(x, by.iter().map(|(factor, v)| (*factor as f32, &v[..]))))
    }
}
