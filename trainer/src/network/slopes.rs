//! The derivatives of the network's activations.

use fearless_simd::{Level, Simd, SimdBase, SimdFrom, dispatch, f32x16};
use flowlet::{ActivationKind, elementary};

/// Multiplies each of `out` by the activation's derivative. `x` holds the activation's inputs and `y` its
/// values there; the three slices have one length.
pub(crate) fn multiply_by_slopes(kind: ActivationKind, x: &[f32], y: &[f32], out: &mut [f32]) {
    let slope = match kind {
        ActivationKind::Gelu => return multiply_by_gelu_slopes(x, out),
        ActivationKind::GeluTanh => return each(x, y, out, gelu_tanh),
        ActivationKind::Silu => return each(x, y, out, silu),
        ActivationKind::Selu => selu,
        ActivationKind::Tanh => |_: f32, y: f32| 1.0 - y * y,
        ActivationKind::Relu => |x: f32, _: f32| if x > 0.0 { 1.0 } else { 0.0 },
        ActivationKind::Elu => elu,
        ActivationKind::Mish => return each(x, y, out, mish),
        _ => unreachable!("the trainer does not know the activation {kind}"),
    };
    each(x, y, out, slope);
}

/// Multiplies each of `out` by `slope(x, y)`.
#[inline(always)]
fn each(x: &[f32], y: &[f32], out: &mut [f32], slope: impl Fn(f32, f32) -> f32) {
    dispatch!(Level::new(), _ => {
        for ((out, &x), &y) in out.iter_mut().zip(x).zip(y) {
            *out *= slope(x, y);
        }
    });
}

/// Multiplies each of `out` by the derivative of exact GELU, `Φ(x) + x·φ(x)`. Where x² is below 26 it is
/// computed as ½ + x·Q(x² − 13), with an error of at most 5e-7; beyond, it is 0 or 1, with at most 5e-6.
fn multiply_by_gelu_slopes(x: &[f32], out: &mut [f32]) {
    dispatch!(Level::new(), simd => gelu_slopes_in_blocks(simd, x, out));
}

#[inline(always)]
fn gelu_slopes_in_blocks<S: Simd>(simd: S, x: &[f32], out: &mut [f32]) {
    // `black_box` hides the coefficients and their number, so that LLVM interleaves the vectors' Horner
    // chains. Otherwise it finishes one vector before the next, and each step waits for the one before.
    let coefficients = std::hint::black_box(&GELU_SLOPE[..]);
    let ((x, x_rest), (out, out_rest)) = (x.as_chunks::<LANES>(), out.as_chunks_mut::<LANES>());
    // As many vectors side by side as the registers hold together with their sums.
    let done = if S::f32s::LEN == LANES {
        gelu_slopes::<S, 8>(simd, x, out, coefficients)
    } else {
        gelu_slopes::<S, 4>(simd, x, out, coefficients)
    };
    gelu_slopes::<S, 1>(simd, &x[done..], &mut out[done..], coefficients);
    if !x_rest.is_empty() {
        let (mut x, mut out) = ([[0.0; LANES]], [[0.0; LANES]]);
        x[0][..x_rest.len()].copy_from_slice(x_rest);
        out[0][..x_rest.len()].copy_from_slice(out_rest);
        gelu_slopes::<S, 1>(simd, &x, &mut out, coefficients);
        out_rest.copy_from_slice(&out[0][..x_rest.len()]);
    }
}

/// Processes the whole blocks of `N` vectors in `x`. Returns how many vectors these are.
#[inline(always)]
fn gelu_slopes<S: Simd, const N: usize>(
    simd: S,
    x: &[[f32; LANES]],
    out: &mut [[f32; LANES]],
    coefficients: &[f32],
) -> usize {
    let (x, out) = (x.as_chunks::<N>().0, out.as_chunks_mut::<N>().0);
    for (x, out) in x.iter().zip(&mut *out) {
        let (mut sums, mut w) = ([simd.splat_f32x16(0.0); N], [simd.splat_f32x16(0.0); N]);
        for (w, x) in w.iter_mut().zip(x) {
            let x = f32x16::simd_from(simd, *x);
            *w = x * x - 0.5 * LIMIT_SQUARED;
        }
        for &coefficient in coefficients.iter().rev() {
            let coefficient = simd.splat_f32x16(coefficient);
            for (sum, w) in sums.iter_mut().zip(&w) {
                *sum = simd.mul_add_f32x16(*sum, *w, coefficient);
            }
        }
        for ((out, x), sum) in out.iter_mut().zip(x).zip(&sums) {
            let x = f32x16::simd_from(simd, *x);
            let (zero, one) = (simd.splat_f32x16(0.0), simd.splat_f32x16(1.0));
            let near = simd.mul_add_f32x16(x, *sum, simd.splat_f32x16(0.5));
            let far = simd.select_f32x16(simd.simd_gt_f32x16(x, zero), one, zero);
            // A NaN fails this comparison, so `near` is taken, which is NaN too.
            let beyond = simd.simd_ge_f32x16(x * x, simd.splat_f32x16(LIMIT_SQUARED));
            *out = (f32x16::simd_from(simd, *out) * simd.select_f32x16(beyond, far, near)).into();
        }
    }
    N * out.len()
}

/// Numbers in a vector.
const LANES: usize = 16;

/// The x² from which on the slope is taken as 0 or 1.
const LIMIT_SQUARED: f32 = 26.0;

/// The coefficients of Q, from the constant term up: (Φ(x) + x·φ(x) − ½) ÷ x as a polynomial in x² − 13.
/// With these coefficients the fit's error times x is at most 2.1e-7.
const GELU_SLOPE: [f32; 15] = [
    0.139_231_65,
    -5.608_876e-3,
    3.754_784_4e-4,
    -3.078_453e-5,
    2.674_755e-6,
    -2.220_833_3e-7,
    1.656_455_8e-8,
    -1.086_012_5e-9,
    6.718_310_6e-11,
    -4.038_11e-12,
    1.795_879e-13,
    -4.674_67e-15,
    2.794_126_6e-16,
    -2.495_965e-17,
    7.276_958e-19,
];

/// The derivative of GELU's tanh form, x·σ(u) with `u = √(8/π)·(x + 0.044715·x³)`:
/// `σ + x·σ·(1 − σ)·u′`.
#[inline(always)]
fn gelu_tanh(x: f32, _: f32) -> f32 {
    const FACTOR: f32 = 1.595_769;
    // Beyond ±9 the slope is 0 or 1; without the clamp a large `x` would give 0·∞, which is NaN.
    let x = x.clamp(-9.0, 9.0);
    let sigmoid = sigmoid(FACTOR * (x + 0.044_715 * (x * x * x)));
    let inner = FACTOR * (1.0 + 3.0 * 0.044_715 * (x * x));
    sigmoid + x * sigmoid * (1.0 - sigmoid) * inner
}

/// The derivative of SiLU, x·σ(x): `σ + x·σ·(1 − σ)`.
#[inline(always)]
fn silu(x: f32, _: f32) -> f32 {
    let sigmoid = sigmoid(x);
    sigmoid + x * sigmoid * (1.0 - sigmoid)
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + elementary::exp(-x))
}

/// The derivative of SELU. For x ≤ 0 the value `y` is `scale·alpha·(eˣ − 1)`, so the derivative is
/// `y + scale·alpha`.
#[inline(always)]
fn selu(x: f32, y: f32) -> f32 {
    const SCALE: f32 = 1.050_701;
    const SCALE_ALPHA: f32 = 1.758_099_3;
    if x > 0.0 { SCALE } else { y + SCALE_ALPHA }
}

/// Below 0 the value is `eˣ − 1`.
#[inline(always)]
fn elu(x: f32, y: f32) -> f32 {
    if x > 0.0 { 1.0 } else { y + 1.0 }
}

/// Of x·τ(x), `τ = n ÷ (n + 2)` with `n = u·(u + 2)`, `u = eˣ`: `τ + 4x·u·(1 + u) ÷ (n + 2)²`.
#[inline(always)]
fn mish(x: f32, _: f32) -> f32 {
    // Beyond it the slope is 1.
    let x = if x > 20.0 { 20.0 } else { x };
    let u = elementary::exp(x);
    let n = u * (u + 2.0);
    let ratio = 1.0 / (n + 2.0);
    n * ratio + 4.0 * x * u * (1.0 + u) * ratio * ratio
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::activation_f64::activate_with_slope;

    #[test]
    fn slopes_are_those_of_the_definitions() {
        let x: Vec<f32> = (-80..=80).map(|k| k as f32 * 0.15 + 0.01).collect();
        for &kind in ActivationKind::ALL {
            let (mut y, mut slopes) = (x.clone(), vec![1.0; x.len()]);
            kind.apply_slice(&mut y);
            multiply_by_slopes(kind, &x, &y, &mut slopes);
            for (&x, &found) in x.iter().zip(&slopes) {
                let expected = activate_with_slope(kind, x.into()).1;
                let error = (f64::from(found) - expected).abs();
                assert!(error < 6e-6, "{kind} at {x}: {found}, expected {expected}");
            }
        }
    }
}
