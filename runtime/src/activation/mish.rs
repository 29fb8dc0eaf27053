//! Mish, a smooth unit near SiLU.

use super::activation;
use crate::elementary::exp_within;

/// x·tanh(ln(1 + eˣ)), as PyTorch's `Mish()` (Misra 2020).
///
/// With u = eˣ and n = u·(u + 2) that is x·n ÷ (n + 2): no logarithm, and no cancellation. Worst relative
/// error 3.1e-7 over all inputs down to −87. 0 below that; ±0 gives ±0, −∞ gives 0, ∞ gives ∞.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mish;

activation!(Mish, mish);

#[inline(always)]
fn mish(x: f32) -> f32 {
    // From 9 on the quotient rounds to 1, so that the bound changes nothing.
    let u = exp_within(if x > 20.0 { 20.0 } else { x });
    let n = u * (u + 2.0);
    let y = x * (n / (n + 2.0));
    if x < -87.0 { 0.0 } else { y }
}
