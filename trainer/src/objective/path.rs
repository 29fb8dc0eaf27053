//! The linear probability path from noise to data, which training samples.

use candle_core::{Result, Tensor};

/// Points on the path, which are the network's inputs, and the velocities there, its targets.
#[derive(Clone, Debug)]
pub struct Supervision {
    /// Times, `[B, 1]`.
    pub t: Tensor,
    /// Points at these times, `[B, D]`.
    pub x_t: Tensor,
    /// Velocities there, `[B, D]`.
    pub velocity: Tensor,
}

/// Returns the points of the straight lines from `x_0` to `x_1` (`[B, D]` each) at the times `t`
/// (`[B, 1]`): `x_t = (1 − t)·x_0 + t·x_1`, with the velocity `x_1 − x_0`.
///
/// Source: Lipman et al., "Flow Matching for Generative Modeling" (2023), equations 20 to 23 with
/// σ_min = 0.
///
/// # Errors
///
/// Returns candle's error if the shapes do not match.
pub fn linear(x_0: &Tensor, x_1: &Tensor, t: &Tensor) -> Result<Supervision> {
    let noise = x_0.broadcast_mul(&t.affine(-1.0, 1.0)?)?;
    let data = x_1.broadcast_mul(t)?;
    Ok(Supervision { t: t.clone(), x_t: (noise + data)?, velocity: (x_1 - x_0)? })
}
