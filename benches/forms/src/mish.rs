//! x·tanh(ln(1 + eˣ)).

use crate::tanh::fraction;
use crate::{Form, exp, form};

pub(crate) static FORMS: [Form; 3] = [
    form!(Mish, "x·n ÷ (n + 2), n = eˣ·(eˣ + 2)", true, [3.1e-7, 1.5e-7], shipped),
    form!(Mish, "the same by the public `exp`", true, [3.1e-7, 1.5e-7], general),
    form!(
        Mish,
        "the same, eˣ as (q + p) ÷ (q − p), p ÷ q a rational tanh(½x)",
        false,
        [f64::INFINITY, 1.8e-7],
        rational
    ),
];

/// The runtime's. From 9 on the quotient rounds to 1.
#[inline(always)]
fn shipped(x: f32) -> f32 {
    let u = exp::exp(if x > 20.0 { 20.0 } else { x });
    let n = u * (u + 2.0);
    let y = x * (n / (n + 2.0));
    if x < -87.0 { 0.0 } else { y }
}

/// By an `exp` that holds for every argument.
#[inline(always)]
fn general(x: f32) -> f32 {
    let u = flowlet::elementary::exp(if x > 20.0 { 20.0 } else { x });
    let n = u * (u + 2.0);
    let y = x * (n / (n + 2.0));
    if x < -87.0 { 0.0 } else { y }
}

/// With eˣ = a ÷ b, n ÷ (n + 2) is a·(a + 2b) ÷ (a·(a + 2b) + 2b²): one division.
#[inline(always)]
fn rational(x: f32) -> f32 {
    let (p, q) = fraction(0.5 * x);
    let (a, b) = (q + p, q - p);
    let n = a * (a + 2.0 * b);
    let y = x * (n / (n + 2.0 * b * b));
    if x < -18.0 { 0.0 } else { y }
}
