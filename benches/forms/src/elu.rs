//! x above 0 and eˣ − 1 below.

use crate::tanh::fraction;
use crate::{Form, exp, form};

pub(crate) static FORMS: [Form; 3] = [
    form!(Elu, "eˣ − 1", true, [1.0e-7, 8.7e-8], shipped),
    form!(Elu, "the same by the public `expm1`", true, [1.0e-7, 8.7e-8], general),
    form!(
        Elu,
        "eˣ − 1 as 2p ÷ (q − p), p ÷ q a rational tanh(½x)",
        false,
        [2.72e-7, 2.68e-7],
        rational
    ),
];

/// The runtime's. From −18 down eˣ − 1 rounds to −1 by itself.
#[inline(always)]
pub(crate) fn shipped(x: f32) -> f32 {
    if x > -8.7e-19 { x } else { exp::expm1(if x < -18.0 { -18.0 } else { x }) }
}

/// By an `expm1` that holds for every argument.
#[inline(always)]
fn general(x: f32) -> f32 {
    let y = flowlet::elementary::expm1(x);
    if x > 0.0 { x } else { y }
}

/// eˣ − 1 = 2t ÷ (1 − t), t = tanh(½x): one division, and nothing is lost near 0.
#[inline(always)]
fn rational(x: f32) -> f32 {
    let (p, q) = fraction(0.5 * x);
    let y = 2.0 * p / (q - p);
    if x > 0.0 { x } else { y }
}
