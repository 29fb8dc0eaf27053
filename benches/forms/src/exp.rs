//! The runtime's exponential function as its activations have it, for arguments that are known to be
//! within bounds: no clamps, no choices for what overflows, one power of two.

use crate::polynomial::polynomial;

/// eˣ with the runtime's bits, for −87 ≤ x ≤ 88.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let (n, p) = split(x);
    (1.0 + p) * power_of_two(n)
}

/// eˣ − 1 with the runtime's bits, for −18 ≤ x ≤ 88 from 2⁻¹²⁵ in size on.
#[inline(always)]
pub(crate) fn expm1(x: f32) -> f32 {
    let (n, p) = split(x);
    let s = power_of_two(n.wrapping_sub(1));
    2.0 * (s * p + (s - 0.5))
}

/// `(n, e^r − 1)` with x = n·ln 2 + r, as in the runtime.
#[inline(always)]
fn split(x: f32) -> (i32, f32) {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    const SHIFT: f32 = 12_582_912.0;
    let shifted = x * core::f32::consts::LOG2_E + SHIFT;
    let n = (shifted.to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32);
    let integer = shifted - SHIFT;
    let r = x - integer * LN_2_HIGH - integer * LN_2_LOW;
    let tail = polynomial(r, [0.5, 0.166_665_76, 0.041_666_374, 0.008_363_235, 0.001_394_121]);
    (n, r + r * r * tail)
}

/// 2ⁿ for −126 ≤ n ≤ 127; anything for another n, which a NaN leads to.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}
