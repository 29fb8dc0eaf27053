//! 1.0507·x above 0 and 1.0507·1.67326·(eˣ − 1) below.

use crate::tanh::fraction;
use crate::{Form, elu, form};

pub(crate) static FORMS: [Form; 3] = [
    form!(Selu, "by eˣ − 1", true, [1.59e-7, 2.36e-7], shipped),
    form!(Selu, "the same by the public `expm1`", true, [1.59e-7, 2.36e-7], general),
    form!(
        Selu,
        "eˣ − 1 as 2p ÷ (q − p), p ÷ q a rational tanh(½x)",
        false,
        [3.20e-7, 5.55e-7],
        rational
    ),
];

const SCALE: f32 = 1.050_701;
const SCALE_ALPHA: f32 = 1.758_099_3;

/// By an `expm1` that holds for every argument.
#[inline(always)]
fn general(x: f32) -> f32 {
    let below = SCALE_ALPHA * flowlet::elementary::expm1(x);
    let y = if x > 0.0 { SCALE * x } else { below };
    if y.is_nan() { f32::from_bits(0x7fc0_0000) } else { y }
}

/// The runtime's.
#[inline(always)]
fn shipped(x: f32) -> f32 {
    if x > 0.0 { SCALE * x } else { SCALE_ALPHA * elu::shipped(x) }
}

/// eˣ − 1 = 2t ÷ (1 − t) with t = tanh(½x): one division, and no cancellation near 0.
#[inline(always)]
fn rational(x: f32) -> f32 {
    let (p, q) = fraction(0.5 * x);
    let below = SCALE_ALPHA * (2.0 * p / (q - p));
    if x > 0.0 { SCALE * x } else { below }
}
