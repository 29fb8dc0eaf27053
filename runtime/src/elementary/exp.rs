//! The exponential function.

use super::polynomial::polynomial;
use crate::nan::canonical;

/// eˣ for all x. Worst relative error 8.9e-8 (0.95 ulp) over all inputs whose result is normal.
///
/// Returns 0 below −87.33, where the result would be subnormal, and ∞ above 88.72. `exp(±0)` is 1, `exp(−∞)`
/// is 0, `exp(∞)` is ∞, and NaN gives the NaN `0x7fc00000`.
#[inline]
pub fn exp(x: f32) -> f32 {
    // Keeps n in range. The selections below replace the result beyond these bounds.
    let bounded = if x < -104.0 { -104.0 } else { x };
    let (n, p) = split(if bounded > 89.0 { 89.0 } else { bounded });
    // 2ⁿ as two factors, because n may be 128, one more than the largest exponent.
    let half = n >> 1;
    let y = (1.0 + p) * power_of_two(half) * power_of_two(n - half);
    let y = if x < LOWEST { 0.0 } else { y };
    let y = if x > HIGHEST { f32::INFINITY } else { y };
    canonical(if x.is_nan() { x } else { y })
}

/// The smallest x for which eˣ is normal: −126·ln 2 rounded up.
const LOWEST: f32 = -87.336_54;

/// The largest x for which eˣ is finite.
const HIGHEST: f32 = 88.722_83;

/// eˣ for −87 ≤ x ≤ 88, with the bits of [`exp`] and half its instructions: 2ⁿ is one normal factor there.
///
/// NaN gives a NaN with unspecified bits. The result for other arguments is unspecified.
#[inline(always)]
pub(crate) fn exp_within(x: f32) -> f32 {
    let (n, p) = split(x);
    (1.0 + p) * power_of_two(n)
}

/// `(n, e^r − 1)` with x = n·ln 2 + r, |r| ≤ ½·ln 2, for −104 ≤ x ≤ 89.
///
/// Cody and Waite's reduction, with ln 2 in two parts. The first part has few enough bits that its product
/// with n is exact.
#[inline(always)]
pub(super) fn split(x: f32) -> (i32, f32) {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // 1.5·2²³: adding it puts the nearest integer into the last bits of the sum.
    const SHIFT: f32 = 12_582_912.0;
    let shifted = x * core::f32::consts::LOG2_E + SHIFT;
    let n = (shifted.to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32);
    let integer = shifted - SHIFT;
    let r = x - integer * LN_2_HIGH - integer * LN_2_LOW;
    let tail = polynomial(r, [0.5, 0.166_665_76, 0.041_666_374, 0.008_363_235, 0.001_394_121]);
    (n, r + r * r * tail)
}

/// 2ⁿ for −126 ≤ n ≤ 127. The result for other n is unspecified.
#[inline(always)]
pub(super) fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::sweep;

    const DOCUMENTED: f64 = 8.9e-8;

    #[test]
    fn error_is_as_documented() {
        let worst = sweep::relative(sweep::sample(), exp, libm::exp);
        assert!(worst <= DOCUMENTED, "{worst:e}");
    }

    #[test]
    #[ignore = "all 2³² inputs: minutes in release"]
    fn error_over_all_inputs_is_as_documented() {
        let worst = sweep::relative(sweep::all(), exp, libm::exp);
        std::println!("exp: {worst:e}");
        assert!(worst <= DOCUMENTED);
    }

    fn check_within(inputs: impl Iterator<Item = f32>) {
        for x in inputs.filter(|x| (-87.0..=88.0).contains(x)) {
            assert_eq!(exp_within(x).to_bits(), exp(x).to_bits(), "{x:e}");
        }
    }

    #[test]
    fn exp_within_has_the_bits_of_exp() {
        check_within(sweep::sample().chain([-87.0, 88.0]));
        assert!(exp_within(f32::NAN).is_nan() && exp_within(f32::from_bits(0xffff_ffff)).is_nan());
    }

    #[test]
    #[ignore = "all 2³² inputs: half a minute in release"]
    fn exp_within_has_the_bits_of_exp_for_all_inputs() {
        check_within(sweep::all());
    }

    #[test]
    fn special_values() {
        assert_eq!(exp(0.0).to_bits(), 1.0_f32.to_bits());
        assert_eq!(exp(-0.0).to_bits(), 1.0_f32.to_bits());
        assert_eq!(exp(f32::INFINITY), f32::INFINITY);
        assert_eq!(exp(f32::NEG_INFINITY).to_bits(), 0);
        assert_eq!(exp(f32::from_bits(0xffff_ffff)).to_bits(), 0x7fc0_0000);
        assert_eq!(exp(89.0), f32::INFINITY);
        assert!(exp(HIGHEST).is_finite());
        assert!(exp(LOWEST).is_normal());
    }
}
