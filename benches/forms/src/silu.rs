//! x ÷ (1 + e⁻ˣ).

use crate::tanh::fraction;
use crate::{Form, exp, form};

pub(crate) static FORMS: [Form; 3] = [
    form!(Silu, "x ÷ (1 + e⁻ˣ)", true, [1.76e-7, 1.20e-7], shipped),
    form!(Silu, "the same by the public `exp`", true, [1.76e-7, 1.20e-7], general),
    form!(Silu, "½x·(1 + rational tanh(½x))", false, [f64::INFINITY, 2.42e-7], rational),
];

/// By an `exp` that holds for every argument.
#[inline(always)]
fn general(x: f32) -> f32 {
    let y = x / (1.0 + flowlet::elementary::exp(-x));
    let y = if y.is_nan() { f32::from_bits(0x7fc0_0000) } else { y };
    if x < -88.0 { 0.0 } else { y }
}

/// The runtime's. Between −88 and 87 e⁻ˣ is a normal number that one power of two makes; above, 1 is
/// added to nothing.
#[inline(always)]
fn shipped(x: f32) -> f32 {
    let c = if x > 87.0 { 87.0 } else { x };
    let y = x / (1.0 + exp::exp(-c));
    if x < -88.0 { 0.0 } else { y }
}

/// In the left tail the result is x times the rounding error of 1 + tanh, so only the error relative to |x| is
/// bounded.
#[inline(always)]
fn rational(x: f32) -> f32 {
    let (p, q) = fraction(0.5 * x);
    let y = 0.5 * x * (1.0 + p / q);
    if x < -18.0 { 0.0 } else { y }
}
