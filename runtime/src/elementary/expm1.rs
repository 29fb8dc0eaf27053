//! The exponential function minus one.

use super::exp::{power_of_two, split};
use crate::nan::canonical;

/// eˣ − 1 for all x. Worst relative error 1.3e-7 over all inputs.
///
/// `expm1(±0)` is ±0, `expm1(−∞)` is −1, `expm1(∞)` is ∞, and NaN gives the NaN `0x7fc00000`. Inputs with |x|
/// below 8.7e-19 (about 2⁻⁶⁰) are returned unchanged.
#[inline]
pub fn expm1(x: f32) -> f32 {
    // Keeps n in range. The selections below replace the result beyond these bounds.
    let bounded = if x < -104.0 { -104.0 } else { x };
    let y = expm1_within(if bounded > 89.0 { 89.0 } else { bounded });
    let y = if x < -18.0 { -1.0 } else { y };
    let y = if x > 88.722_83 { f32::INFINITY } else { y };
    let y = if x.abs() < TINY { x } else { y };
    canonical(if x.is_nan() { x } else { y })
}

/// For |x| below this bound, eˣ − 1 rounds to x.
pub(crate) const TINY: f32 = 8.7e-19;

/// eˣ − 1 for −18 ≤ x ≤ 88, with the bits of [`expm1`] and half its instructions where |x| ≥ 2⁻¹²⁵. Below
/// that the last bit may be lost, and −0 gives +0.
///
/// NaN gives a NaN with unspecified bits. The result for other arguments is unspecified.
#[inline(always)]
pub(crate) fn expm1_within(x: f32) -> f32 {
    let (n, p) = split(x);
    // s = 2ⁿ⁻¹, because n may be 128: 2ⁿ·(p + 1) − 1 = 2·(s·p + (s − ½)).
    let s = power_of_two(n.wrapping_sub(1));
    2.0 * (s * p + (s - 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::sweep;

    const DOCUMENTED: f64 = 1.3e-7;

    #[test]
    fn error_is_as_documented() {
        let worst = sweep::relative(sweep::sample(), expm1, libm::expm1);
        assert!(worst <= DOCUMENTED, "{worst:e}");
    }

    #[test]
    #[ignore = "all 2³² inputs: minutes in release"]
    fn error_over_all_inputs_is_as_documented() {
        let worst = sweep::relative(sweep::all(), expm1, libm::expm1);
        std::println!("expm1: {worst:e}");
        assert!(worst <= DOCUMENTED);
    }

    fn check_within(inputs: impl Iterator<Item = f32>) {
        let inputs =
            inputs.filter(|x| (-18.0..=88.0).contains(x) && x.abs() >= 2.0 * f32::MIN_POSITIVE);
        for x in inputs {
            assert_eq!(expm1_within(x).to_bits(), expm1(x).to_bits(), "{x:e}");
        }
    }

    #[test]
    fn expm1_within_has_the_bits_of_expm1() {
        check_within(sweep::sample().chain([-18.0, 88.0]));
        assert!(expm1_within(f32::NAN).is_nan());
        assert!(expm1_within(f32::from_bits(0xffff_ffff)).is_nan());
    }

    #[test]
    #[ignore = "all 2³² inputs: half a minute in release"]
    fn expm1_within_has_the_bits_of_expm1_for_all_inputs() {
        check_within(sweep::all());
    }

    #[test]
    fn special_values() {
        assert_eq!(expm1(0.0).to_bits(), 0);
        assert_eq!(expm1(-0.0).to_bits(), (-0.0_f32).to_bits());
        assert_eq!(expm1(f32::INFINITY), f32::INFINITY);
        assert_eq!(expm1(f32::NEG_INFINITY), -1.0);
        assert_eq!(expm1(f32::from_bits(0xffff_ffff)).to_bits(), 0x7fc0_0000);
    }
}
