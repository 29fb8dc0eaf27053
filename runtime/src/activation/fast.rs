//! Approximate activations that use micromath's exponential function (feature `micromath`).
//!
//! They are as deterministic as the exact ones. They use `micromath::F32`, because `F32Ext` gives other bits
//! when `std` is linked. A model that was trained with an exact activation can run with the fast one:
//! `Mlp<1, 0, 64, 1, FastGelu>` reads the same file, and has another fingerprint.

use micromath::F32;

use super::activation;

/// [`Gelu`](super::Gelu), computed by its tanh form with micromath's exponential function.
///
/// Worst absolute error 5.1e-4 for −87 ≤ x ≤ 87. NaN gives the NaN `0x7fc00000`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FastGelu;

/// [`GeluTanh`](super::GeluTanh) with micromath's exponential function. It has the bits of [`FastGelu`].
///
/// Worst absolute error 3.3e-4 for −87 ≤ x ≤ 87. NaN gives the NaN `0x7fc00000`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FastGeluTanh;

/// [`Silu`](super::Silu) with micromath's exponential function.
///
/// Worst absolute error 5.3e-4 for −87 ≤ x ≤ 87. NaN gives the NaN `0x7fc00000`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FastSilu;

/// [`Selu`](super::Selu) with micromath's exponential function.
///
/// Worst absolute error 2.1e-3 for −87 ≤ x ≤ 87. NaN gives the NaN `0x7fc00000`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FastSelu;

/// [`Tanh`](super::Tanh) with micromath's exponential function.
///
/// Worst absolute error 3.4e-4 for −87 ≤ x ≤ 87. NaN gives the NaN `0x7fc00000`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FastTanh;

activation!(FastGelu, Gelu, true, "fast_gelu", gelu);
activation!(FastGeluTanh, GeluTanh, true, "fast_gelu_tanh", gelu);
activation!(FastSilu, Silu, true, "fast_silu", silu);
activation!(FastSelu, Selu, true, "fast_selu", selu);
activation!(FastTanh, Tanh, true, "fast_tanh", tanh);

/// micromath's eˣ, with x clamped to ±87: beyond that, its exponent arithmetic is wrong.
#[inline(always)]
fn exp(x: f32) -> f32 {
    let x = if x < -87.0 { -87.0 } else { x };
    F32(if x > 87.0 { 87.0 } else { x }).exp().0
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    /// The factor of the exact [`GeluTanh`](super::GeluTanh).
    const FACTOR: f32 = 1.595_769;
    if x < -9.0 {
        return 0.0;
    }
    if x > 9.0 {
        return x;
    }
    finish(x, x / (1.0 + exp(-(FACTOR * (x + 0.044_715 * (x * x * x))))))
}

#[inline(always)]
fn silu(x: f32) -> f32 {
    // Where the exponential function is clamped, the quotient is small but not zero.
    if x < -80.0 { 0.0 } else { finish(x, x / (1.0 + exp(-x))) }
}

#[inline(always)]
fn selu(x: f32) -> f32 {
    const SCALE: f32 = 1.050_701;
    const SCALE_ALPHA: f32 = 1.758_099_3;
    if x > 0.0 { SCALE * x } else { finish(x, SCALE_ALPHA * (exp(x) - 1.0)) }
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    let e = exp(2.0 * x.abs());
    finish(x, (1.0 - 2.0 / (e + 1.0)).copysign(x))
}

/// Returns NaN if `x` is NaN, else `y`. micromath's functions do not return NaN for NaN.
#[inline(always)]
fn finish(x: f32, y: f32) -> f32 {
    if x.is_nan() { x } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Digest;
    use crate::activation::tests::reference;
    use crate::activation::{Activation, ActivationKind};
    use crate::elementary::sweep;

    struct Case {
        kind: ActivationKind,
        apply: fn(f32) -> f32,
        apply_slice: fn(&mut [f32]),
        /// The worst absolute error from −87 to 87.
        error: f64,
        /// The digest of the results for `sweep::sample`.
        digest: u64,
    }

    const ALL: [Case; 5] = [
        case::<FastGelu>(5.1e-4, 0x87d1_77cb_12af_5d07),
        case::<FastGeluTanh>(3.3e-4, 0x87d1_77cb_12af_5d07),
        case::<FastSilu>(5.3e-4, 0x2832_2720_82c5_aa29),
        case::<FastSelu>(2.1e-3, 0xfd34_f0b9_e025_bb93),
        case::<FastTanh>(3.4e-4, 0x6b67_e1d6_468b_d696),
    ];

    const fn case<A: Activation>(error: f64, digest: u64) -> Case {
        Case { kind: A::KIND, apply: A::apply, apply_slice: A::apply_slice, error, digest }
    }

    fn worst(
        kind: ActivationKind,
        apply: fn(f32) -> f32,
        inputs: impl Iterator<Item = f32>,
    ) -> f64 {
        sweep::absolute(inputs.filter(|x| x.abs() <= 87.0), apply, |x| reference(kind, x))
    }

    #[test]
    fn errors_are_as_documented() {
        for Case { kind, apply, error, .. } in ALL {
            let worst = worst(kind, apply, sweep::sample());
            assert!(worst <= error, "{kind}: {worst:e}");
        }
    }

    #[test]
    #[ignore = "all 2³² inputs: minutes in release"]
    fn errors_over_all_inputs_are_as_documented() {
        for Case { kind, apply, error, .. } in ALL {
            let worst = worst(kind, apply, sweep::all());
            std::println!("{kind}, micromath: {worst:e}");
            assert!(worst <= error);
        }
    }

    #[test]
    fn a_sweep_has_known_bits() {
        let digests = ALL.map(|case| {
            let mut digest = Digest::new();
            sweep::sample().for_each(|x| digest.update(&[(case.apply)(x)]));
            digest.value()
        });
        assert_eq!(digests, ALL.map(|case| case.digest), "{digests:#018x?}");
    }

    #[test]
    fn special_values_of_numbers_and_slices() {
        for Case { kind, apply, apply_slice, .. } in ALL {
            for x in [0.0, -0.0, 1.5, -1.5, 100.0, -100.0, f32::INFINITY, f32::NEG_INFINITY] {
                let (found, expected) = (apply(x), reference(kind, f64::from(x)));
                let expected = if expected.is_nan() { 0.0 } else { expected as f32 };
                let near = found == expected || (found - expected).abs() < 1e-3;
                assert!(near, "{kind}({x}) is {found}, expected {expected}");
                let mut slice = [x; 3];
                apply_slice(&mut slice);
                assert_eq!(slice.map(f32::to_bits), [found.to_bits(); 3], "{kind}({x})");
            }
            assert_eq!(apply(f32::from_bits(0xffc0_0001)).to_bits(), 0x7fc0_0000, "{kind}");
            let subnormal =
                sweep::sample().filter(|x| x.abs() > 1e-30).find(|&x| apply(x).is_subnormal());
            assert_eq!(subnormal, None, "{kind}");
        }
    }
}
