//! The tanh form of the Gaussian error linear unit.

use super::activation;
use crate::elementary::exp_within;

/// ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), as PyTorch's `GELU(approximate="tanh")`.
///
/// Worst error 1.3e-7·|x| over all inputs. Returns 0 below −9 and x above 9.
/// ±0 gives ±0, −∞ gives 0, ∞ gives ∞.
#[derive(Clone, Copy, Debug, Default)]
pub struct GeluTanh;

activation!(GeluTanh, gelu_tanh);

#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    /// √(8/π), the factor of 2u in ½·(1 + tanh u) = 1 ÷ (1 + e^(−2u)).
    const FACTOR: f32 = 1.595_769;
    let y = if x > 9.0 { 9.0 } else { x };
    let y = if y < -9.0 { -9.0 } else { y };
    let twice = FACTOR * (y + 0.044_715 * (y * y * y));
    // |twice| is at most 67, within the bounds of `exp_within`.
    let activated = x / (1.0 + exp_within(-twice));
    let activated = if x > 9.0 { x } else { activated };
    if x < -9.0 { 0.0 } else { activated }
}
