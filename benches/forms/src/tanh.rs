//! tanh x.

use crate::polynomial::polynomial;
use crate::{Form, exp, form};

pub(crate) static FORMS: [Form; 4] = [
    form!(Tanh, "e ÷ (e + 2), e = e²ˣ − 1", true, [1.92e-7, 1.90e-7], shipped),
    form!(Tanh, "the same by the public `expm1`", true, [1.92e-7, 1.90e-7], general),
    form!(
        Tanh,
        "rational, 9th over 8th degree, clamped at ±9",
        false,
        [3.75e-7, 2.36e-7],
        rational
    ),
    form!(Tanh, "rational, 13th over 6th degree, clamped at ±9", false, [4.69e-7, 2.90e-7], eigen),
];

/// By an `expm1` that holds for every argument.
#[inline(always)]
fn general(x: f32) -> f32 {
    let size = x.abs();
    let e = flowlet::elementary::expm1(2.0 * if size > 10.0 { 10.0 } else { size });
    let y = e / (e + 2.0);
    let y = if size > 9.02 { 1.0 } else { y };
    let y = if x.is_nan() { x } else { y.copysign(x) };
    if y.is_nan() { f32::from_bits(0x7fc0_0000) } else { y }
}

/// The runtime's. `expm1` of 0 … 20 needs no bounds, and from 9.02 on the quotient rounds to 1.
#[inline(always)]
fn shipped(x: f32) -> f32 {
    let size = x.abs();
    let e = exp::expm1(2.0 * if size > 10.0 { 10.0 } else { size });
    (e / (e + 2.0)).copysign(x)
}

#[inline(always)]
fn rational(x: f32) -> f32 {
    let (p, q) = fraction(x);
    p / q
}

/// Returns numerator and denominator of tanh x, with x clamped at ±9.
#[inline(always)]
pub(crate) fn fraction(x: f32) -> (f32, f32) {
    let y = if x < -9.0 { -9.0 } else { x };
    let y = if y > 9.0 { 9.0 } else { y };
    let s = y * y;
    (y * polynomial(s, NUMERATOR), polynomial(s, DENOMINATOR))
}

const NUMERATOR: [f32; 5] = [1.0, 1.338_103_9e-1, 3.495_603_3e-3, 2.060_930_3e-5, 1.335_491_3e-8];
const DENOMINATOR: [f32; 5] = [1.0, 4.671_435_4e-1, 2.587_704_2e-2, 3.285_658_3e-4, 7.776_672_5e-7];

/// The coefficients are those of Eigen (`ptanh_float`) and XLA. As there, inputs below 0.0004 in size are
/// returned unchanged.
#[inline(always)]
fn eigen(x: f32) -> f32 {
    let y = if x < -9.0 { -9.0 } else { x };
    let y = if y > 9.0 { 9.0 } else { y };
    let s = y * y;
    let quotient = y * polynomial(s, EIGEN_NUMERATOR) / polynomial(s, EIGEN_DENOMINATOR);
    if x.abs() < 0.0004 { x } else { quotient }
}

const EIGEN_NUMERATOR: [f32; 7] = [
    4.893_524_6e-3,
    6.372_619_3e-4,
    1.485_722_4e-5,
    5.122_297e-8,
    -8.604_672e-11,
    2.000_188e-13,
    -2.760_768_5e-16,
];
const EIGEN_DENOMINATOR: [f32; 4] = [4.893_525e-3, 2.268_434_6e-3, 1.185_347_1e-4, 1.198_258_4e-6];
