//! Mish, a smooth activation similar to SiLU.

use super::activation;
use crate::elementary::exp_within;

/// x·tanh(ln(1 + eˣ)), as PyTorch's `Mish()` (Misra 2020).
///
/// It is computed as x·(n ÷ (n + 2)) with u = eˣ and n = u·(u + 2), without a logarithm and without
/// cancellation. Worst relative error 3.1e-7 for x ≥ −87. Returns 0 below −87.
/// ±0 gives ±0, −∞ gives 0, ∞ gives ∞.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mish;

activation!(Mish, mish);

#[inline(always)]
fn mish(x: f32) -> f32 {
    // Above 9 the quotient rounds to 1, so the bound does not change the result.
    let u = exp_within(if x > 20.0 { 20.0 } else { x });
    let n = u * (u + 2.0);
    let y = x * (n / (n + 2.0));
    if x < -87.0 { 0.0 } else { y }
}
