//! The quantile function of the standard normal distribution, which turns random bits into Gaussian noise.

use super::polynomial::polynomial;

/// Φ⁻¹((bits + ½) ÷ 2³²) for all `bits`. Worst relative error 6.0e-7 over all 2³² values.
///
/// It is exactly odd about the middle: `normal_quantile(!bits)` is `−normal_quantile(bits)`. It is monotone
/// except for rounding: from one `bits` to the next it decreases by at most five units in the last place.
/// Results are finite, never zero, and at most 6.34 in magnitude.
pub fn normal_quantile(bits: u32) -> f32 {
    let upper = bits >> 31 != 0;
    // The tail probability is q = (rank + ½) ÷ 2³², and its distance from ½ is (2³¹ − rank − ½) ÷ 2³².
    let rank = if upper { !bits } else { bits };
    let from_middle = (0x7fff_ffff - rank) as f32 + 0.5;
    let size = if from_middle <= 0.425 * TWO_32 {
        let y = from_middle / TWO_32;
        let r = 0.180_625 - y * y;
        y * (polynomial(r, CENTRE_NUMERATOR) / polynomial(r, CENTRE_DENOMINATOR))
    } else {
        let l = -ln((rank as f32 + 0.5) / TWO_32);
        polynomial(l, TAIL_NUMERATOR) / polynomial(l, TAIL_DENOMINATOR)
    };
    if upper { size } else { -size }
}

const TWO_32: f32 = 4_294_967_296.0;

/// The rational fit of |Φ⁻¹| ÷ y in 0.425² − y², for y = ½ − q ≤ 0.425. Relative error of the fit 4.6e-8. In
/// this variable, from Wichura (1988), the terms of each polynomial have one sign.
const CENTRE_NUMERATOR: [f32; 4] = [3.387_132_6, 50.434_03, 159.289_17, 59.108_036];
const CENTRE_DENOMINATOR: [f32; 4] = [1.0, 17.895_098, 78.756_966, 67.186_32];

/// The rational fit of |Φ⁻¹| in −ln q, for q ≤ 0.075. Relative error of the fit 1.2e-8.
const TAIL_NUMERATOR: [f32; 6] =
    [-1.406_732_2, 0.677_503, 1.765_703_3, 0.303_565_95, 0.008_991_812, 2.453_427_4e-5];
const TAIL_DENOMINATOR: [f32; 5] = [1.0, 2.216_799, 0.719_867_9, 0.047_475_398, 5.015_218e-4];

/// The natural logarithm of a normal number between 0 and 1.
fn ln(x: f32) -> f32 {
    // A mantissa between √½ and √2 avoids cancellation where the logarithm is near 0.
    const SQRT_HALF: u32 = 0x3f35_04f3;
    let shifted = x.to_bits().wrapping_sub(SQRT_HALF);
    let exponent = (shifted as i32) >> 23;
    let mantissa = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(SQRT_HALF));
    let z = mantissa - 1.0;
    exponent as f32 * core::f32::consts::LN_2 + z * polynomial(z, LN)
}

/// The polynomial for ln(1 + z) ÷ z with √½ ≤ 1 + z ≤ √2. Relative error of the fit 2.6e-8.
const LN: [f32; 9] = [
    1.0,
    -0.499_999_88,
    0.333_341_87,
    -0.250_020_74,
    0.199_568_32,
    -0.165_624_13,
    0.149_523_03,
    -0.143_667_18,
    0.087_221_004,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The relative error against Newton's method on Φ in f64. It starts at the value under test, whose error
    /// is about 1e-6, so two steps reach the precision of f64.
    fn relative_error(bits: u32) -> f64 {
        let found = f64::from(normal_quantile(bits).abs());
        let rank = if bits >> 31 != 0 { !bits } else { bits };
        let q = (f64::from(rank) + 0.5) / 4_294_967_296.0;
        let mut x = found;
        for _ in 0..2 {
            let density = libm::exp(-0.5 * x * x) / 2.506_628_274_631_000_5;
            x += (0.5 * libm::erfc(x * core::f64::consts::FRAC_1_SQRT_2) - q) / density;
        }
        (found - x).abs() / x
    }

    #[test]
    fn error_is_as_documented() {
        let tails = (0..2000).chain((0..200).map(|k| 322_122_547 + k));
        let all = tails.chain((0..u32::MAX / 4001).map(|k| k * 4001));
        // Near the middle the reference loses too many digits to the cancellation in ½ − q.
        let worst = all
            .filter(|bits| bits.abs_diff(1 << 31) > 1 << 10)
            .map(relative_error)
            .fold(0.0, |worst, error| if error <= worst { worst } else { error });
        assert!(worst <= 6.0e-7, "{worst:e}");
    }

    #[test]
    fn it_is_exactly_odd_about_the_middle() {
        for bits in (0..u32::MAX / 65_521).map(|k| k * 65_521) {
            assert_eq!(normal_quantile(!bits).to_bits(), (-normal_quantile(bits)).to_bits());
        }
    }

    /// The largest decrease from one `bits` to the next, in units in the last place.
    fn largest_drop(bits: impl Iterator<Item = u32>) -> u32 {
        bits.map(|bits| (normal_quantile(bits), normal_quantile(bits + 1)))
            .filter(|(x, next)| next < x)
            .map(|(x, next)| x.to_bits().abs_diff(next.to_bits()))
            .max()
            .unwrap_or(0)
    }

    #[test]
    fn it_is_monotone_except_for_rounding() {
        let blocks = (0..1000).flat_map(|k| (0..1000).map(move |j| k * 4_294_967 + j));
        // Where the two fits meet, at y = 0.425.
        let seams = (0..2000).flat_map(|j| [322_121_547 + j, !(322_121_547 + j)]);
        // The largest decrease over all inputs, found by the test below.
        let largest = [9_947_346];
        assert_eq!(largest_drop(blocks.chain(seams).chain(largest)), 5);
    }

    #[test]
    #[ignore = "all 2³² inputs: half a minute in release"]
    fn it_is_monotone_except_for_rounding_over_all_inputs() {
        assert_eq!(largest_drop(0..u32::MAX), 5);
    }

    #[test]
    fn the_values_at_the_end_and_in_the_middle_are_known() {
        assert!((normal_quantile(0) + 6.337_9).abs() < 1e-3, "{}", normal_quantile(0));
        assert!(
            (normal_quantile(1 << 31) - 2.918e-10).abs() < 1e-12,
            "{}",
            normal_quantile(1 << 31)
        );
    }
}
