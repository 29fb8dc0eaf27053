//! The exponential function.

use super::polynomial::polynomial;
use crate::nan::canonical;

/// eˣ, for all x: worst relative error 8.9e-8 (0.95 ulp) over all inputs whose result is normal.
///
/// Zero below −87.33 (where the result would be subnormal), ∞ above 88.72; `exp(±0)` is 1,
/// `exp(−∞)` 0, `exp(∞)` ∞, and NaN gives the NaN `0x7fc00000`.
#[inline]
pub fn exp(x: f32) -> f32 {
    // Beyond these bounds n would not be small, and the choices below decide.
    let bounded = if x < -104.0 { -104.0 } else { x };
    let (n, p) = split(if bounded > 89.0 { 89.0 } else { bounded });
    // 2ⁿ in two factors: n may be 128, one more than an exponent can be.
    let half = n >> 1;
    let y = (1.0 + p) * power_of_two(half) * power_of_two(n - half);
    let y = if x < LOWEST { 0.0 } else { y };
    let y = if x > HIGHEST { f32::INFINITY } else { y };
    canonical(if x.is_nan() { x } else { y })
}

/// The smallest x with a normal eˣ, −126·ln 2 rounded up.
const LOWEST: f32 = -87.336_54;

/// The largest x with a finite eˣ.
const HIGHEST: f32 = 88.722_83;

/// The bits of [`exp`] for −87 ≤ x ≤ 88, at half its instructions: there 2ⁿ is one normal factor.
///
/// A NaN stays one, of whatever bits. Any number may come out for other arguments.
#[inline(always)]
pub(crate) fn exp_within(x: f32) -> f32 {
    let (n, p) = split(x);
    (1.0 + p) * power_of_two(n)
}

/// `(n, e^r − 1)` with x = n·ln 2 + r, |r| ≤ ½·ln 2, for −104 ≤ x ≤ 89.
///
/// Cody and Waite's reduction with ln 2 in two parts: the first has so few bits that n times it is
/// exact.
#[inline(always)]
pub(super) fn split(x: f32) -> (i32, f32) {
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Adding it leaves the nearest integer in the last bits of the sum.
    const SHIFT: f32 = 12_582_912.0;
    let shifted = x * core::f32::consts::LOG2_E + SHIFT;
    let n = (shifted.to_bits() as i32).wrapping_sub(SHIFT.to_bits() as i32);
    let integer = shifted - SHIFT;
    let r = x - integer * LN_2_HIGH - integer * LN_2_LOW;
    let tail = polynomial(r, [0.5, 0.166_665_76, 0.041_666_374, 0.008_363_235, 0.001_394_121]);
    (n, r + r * r * tail)
}

/// 2ⁿ for −126 ≤ n ≤ 127; any number for another n.
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
    fn within_its_bounds_the_short_form_has_the_same_bits() {
        check_within(sweep::sample().chain([-87.0, 88.0]));
        assert!(exp_within(f32::NAN).is_nan() && exp_within(f32::from_bits(0xffff_ffff)).is_nan());
    }

    #[test]
    #[ignore = "all 2³² inputs: half a minute in release"]
    fn within_its_bounds_the_short_form_has_the_same_bits_for_all_inputs() {
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
