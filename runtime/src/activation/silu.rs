//! The sigmoid linear unit.

use super::activation;
use crate::elementary::exp_within;

/// x ÷ (1 + e⁻ˣ), as PyTorch's `SiLU()`; also called swish.
///
/// Worst relative error 1.8e-7 for x ≥ −88. Returns 0 below −88. ±0 gives ±0, −∞ gives 0, ∞ gives ∞.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silu;

activation!(Silu, silu);

#[inline(always)]
fn silu(x: f32) -> f32 {
    // Above 17, 1 + e⁻ˣ rounds to 1, so the bound does not change the result.
    let bounded = if x > 87.0 { 87.0 } else { x };
    let y = x / (1.0 + exp_within(-bounded));
    if x < -88.0 { 0.0 } else { y }
}
