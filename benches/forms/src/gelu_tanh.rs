//! ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))).

use crate::polynomial::polynomial;
use crate::tanh::fraction;
use crate::{Form, exp, form};

pub(crate) static FORMS: [Form; 4] = [
    form!(GeluTanh, "x ÷ (1 + e⁻²ᵘ)", true, [f64::INFINITY, 1.3e-7], shipped),
    form!(GeluTanh, "the same by the public `exp`", true, [f64::INFINITY, 1.3e-7], general),
    form!(GeluTanh, "½x·(1 + rational tanh)", false, [f64::INFINITY, 2.45e-7], rational),
    form!(
        GeluTanh,
        "½x + x²·P₁₅(x² − 12.5), cut at x² = 25",
        false,
        [f64::INFINITY, 1.87e-7],
        polynomial_in_square
    ),
];

/// √(8/π)
const FACTOR: f32 = 1.595_769;

/// By an `exp` that holds for every argument.
#[inline(always)]
fn general(x: f32) -> f32 {
    let activated = x / (1.0 + flowlet::elementary::exp(-twice(x)));
    let activated = if x > 9.0 { x } else { activated };
    let activated = if activated.is_nan() { f32::from_bits(0x7fc0_0000) } else { activated };
    if x < -9.0 { 0.0 } else { activated }
}

/// The runtime's. 2u is at most 67 in size, so that `exp` needs no bounds.
#[inline(always)]
fn shipped(x: f32) -> f32 {
    let activated = x / (1.0 + exp::exp(-twice(x)));
    let activated = if x > 9.0 { x } else { activated };
    if x < -9.0 { 0.0 } else { activated }
}

#[inline(always)]
fn twice(x: f32) -> f32 {
    let y = if x > 9.0 { 9.0 } else { x };
    let y = if y < -9.0 { -9.0 } else { y };
    FACTOR * (y + 0.044_715 * (y * y * y))
}

#[inline(always)]
fn rational(x: f32) -> f32 {
    let u = 0.5 * FACTOR * (x + 0.044_715 * (x * x * x));
    let (p, q) = fraction(u);
    let y = 0.5 * x * (1.0 + p / q);
    if x < -9.0 { 0.0 } else { y }
}

/// The method of Gelu's shipped form.
#[inline(always)]
fn polynomial_in_square(x: f32) -> f32 {
    let square = x * x;
    if square >= 25.0 {
        return if x > 0.0 { x } else { 0.0 };
    }
    0.5 * x + square * polynomial(square - 12.5, NEAR)
}

const NEAR: [f32; 16] = [
    1.413_785_4e-1,
    -5.629_275_5e-3,
    3.305_855e-4,
    -2.075_455_3e-5,
    1.286_424_4e-6,
    -7.565_001_4e-8,
    4.097_45e-9,
    -2.108_060_1e-10,
    1.190_814_9e-11,
    -5.772_938e-13,
    5.157_447e-15,
    -2.166_580_7e-17,
    1.612_548_6e-16,
    -8.760_264e-18,
    -2.301_645_8e-19,
    1.721_760_3e-20,
];
