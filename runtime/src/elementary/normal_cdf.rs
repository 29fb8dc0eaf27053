//! The distribution function of the standard normal distribution.

use super::polynomial::polynomial;
use crate::nan::canonical;

/// Φ(x) = ½·(1 + erf(x/√2)), for all x: worst absolute error 1.5e-7 over all inputs.
///
/// 0 below −5.5 and 1 above 5.5, where Φ is within 1.9e-8 of them; `normal_cdf(±0)` is ½, and NaN
/// gives the NaN `0x7fc00000`.
#[inline]
pub fn normal_cdf(x: f32) -> f32 {
    let y = if x < -LIMIT { -LIMIT } else { x };
    let y = if y > LIMIT { LIMIT } else { y };
    // ½ + y·P(w), P being even in y; w keeps to −1 … 1, where Horner's rule is at its best. At the
    // limits it is 0 and 1, and between them never more than 1: tested for every input.
    let w = y * y * (2.0 / (LIMIT * LIMIT)) - 1.0;
    let p = 0.5 + y * polynomial(w, COEFFICIENTS);
    canonical(if p < 0.0 { 0.0 } else { p })
}

/// Beyond it Φ is taken for 0 or 1.
const LIMIT: f32 = 5.5;

/// (Φ(x) − ½) ÷ x in w; x times the error of the fit is at most 8.3e-9.
const COEFFICIENTS: [f32; 16] = [
    1.285_519_3e-1,
    -6.417_233_5e-2,
    4.773_763e-2,
    -3.879_278_5e-2,
    3.207_026e-2,
    -2.604_826_4e-2,
    2.036_456_4e-2,
    -1.499_906_2e-2,
    1.022_783_8e-2,
    -6.819_952_3e-3,
    4.621_764e-3,
    -2.418_590_5e-3,
    7.201_194e-4,
    -5.291_737e-4,
    6.315_551e-4,
    -2.364_059_9e-4,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::sweep;

    fn reference(x: f64) -> f64 {
        0.5 * libm::erfc(-x * core::f64::consts::FRAC_1_SQRT_2)
    }

    const DOCUMENTED: f64 = 1.5e-7;

    #[test]
    fn error_is_as_documented() {
        let worst = sweep::absolute(sweep::sample(), normal_cdf, reference);
        assert!(worst <= DOCUMENTED, "{worst:e}");
    }

    #[test]
    #[ignore = "all 2³² inputs: minutes in release"]
    fn error_over_all_inputs_is_as_documented() {
        let worst = sweep::absolute(sweep::all(), normal_cdf, reference);
        std::println!("normal_cdf: {worst:e}");
        assert!(worst <= DOCUMENTED);
    }

    #[test]
    fn it_keeps_to_0_and_1_and_meets_them_at_the_limits() {
        assert_eq!(normal_cdf(-LIMIT), 0.0);
        assert_eq!(normal_cdf(LIMIT), 1.0);
        // Below 4 it is 3e-5 from 1, and the error a hundredth of that.
        for y in (4.0_f32.to_bits()..LIMIT.to_bits()).map(f32::from_bits) {
            assert!(normal_cdf(y) <= 1.0, "{y}");
        }
    }

    #[test]
    fn special_values() {
        assert_eq!(normal_cdf(0.0), 0.5);
        assert_eq!(normal_cdf(f32::NEG_INFINITY), 0.0);
        assert_eq!(normal_cdf(f32::INFINITY), 1.0);
        assert_eq!(normal_cdf(f32::from_bits(0xffff_ffff)).to_bits(), 0x7fc0_0000);
    }
}
