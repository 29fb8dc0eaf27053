//! Conversions between fixed-point formats, and to and from `f32`.
//!
//! A number has `bits` fraction bits if it stands for itself times 2⁻ᵇⁱᵗˢ. Every conversion rounds once, half up, and
//! saturates. None uses a float operation but [`to_f32`].

use super::arithmetic::saturate;

/// The fraction bits of Q16.16 and Q48.16.
const Q_BITS: i32 = 16;

/// Converts a number with `bits` fraction bits, such as a coordinate in [data units](super::MlpOf::data_bits), to Q16.16.
///
/// ```
/// use flowlet::fixed;
///
/// // 1.5 with 20 fraction bits.
/// assert_eq!(fixed::to_q16(3 << 19, 20), 3 << 15);
/// assert_eq!(fixed::from_q16(3 << 15, 20), 3 << 19);
/// ```
pub const fn to_q16(x: i32, bits: i32) -> i32 {
    saturate(rescaled(x as i64, bits, Q_BITS))
}

/// Converts a number from Q16.16 to `bits` fraction bits, such as a condition in
/// [the user's units](super::MlpOf::condition_bits).
pub const fn from_q16(x: i32, bits: i32) -> i32 {
    saturate(rescaled(x as i64, Q_BITS, bits))
}

/// [`to_q16`] to Q48.16.
pub const fn to_q48(x: i32, bits: i32) -> i64 {
    rescaled(x as i64, bits, Q_BITS)
}

/// [`from_q16`] from Q48.16.
pub const fn from_q48(x: i64, bits: i32) -> i32 {
    saturate(rescaled(x, Q_BITS, bits))
}

/// Converts a number with `bits` fraction bits (−64 to 64) to the nearest `f32`. Numbers of at most 24 bits are exact.
///
/// # Panics
///
/// Panics if `bits` is out of range.
pub const fn to_f32(x: i32, bits: i32) -> f32 {
    assert!(-64 <= bits && bits <= 64, "a format has -64 to 64 fraction bits");
    x as f32 * f32::from_bits(((127 - bits) as u32) << 23)
}

/// Converts an `f32` to `bits` fraction bits. A NaN becomes 0.
pub const fn from_f32(x: f32, bits: i32) -> i32 {
    let word = x.to_bits();
    let exponent = ((word >> 23) & 0xff) as i32;
    let fraction = (word & 0x7f_ffff) as i64;
    if exponent == 0xff && fraction != 0 {
        return 0;
    }
    // The value is size · 2^(scale − 150).
    let (size, scale) = if exponent == 0 { (fraction, 1) } else { (fraction | 1 << 23, exponent) };
    let signed = if word >> 31 == 0 { size } else { -size };
    saturate(rescaled(signed, 150 - scale, bits))
}

/// Changes the fraction bits of a number.
const fn rescaled(x: i64, from: i32, to: i32) -> i64 {
    let right = from.saturating_sub(to);
    if right > 63 {
        // Less than a half, but −2⁶³ may be a half exactly, which is rounded up to 0.
        0
    } else if right > 0 {
        // Floor, plus the highest bit that the shift drops: no sum overflows.
        (x >> right) + ((x >> (right - 1)) & 1)
    } else {
        let left = right.unsigned_abs();
        if x == 0 {
            0
        } else if left < x.unsigned_abs().leading_zeros() {
            x << left
        } else if x > 0 {
            i64::MAX
        } else {
            i64::MIN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_round_half_up_and_saturate() {
        assert_eq!([1, 2, 3, -1, -2, -3].map(|x| to_q16(x, 17)), [1, 1, 2, 0, -1, -1]);
        assert_eq!(to_q16(5, 16), 5);
        assert_eq!([5, -5].map(|x| to_q16(x, 10)), [320, -320]);
        assert_eq!([i32::MAX, i32::MIN].map(|x| to_q16(x, 15)), [i32::MAX, i32::MIN]);
        assert_eq!([i32::MAX, i32::MIN].map(|x| to_q48(x, -64)), [i64::MAX, i64::MIN]);
        assert_eq!(to_q48(i32::MIN, 15), -1 << 32);
        assert_eq!(from_q48(i64::MAX, 20), i32::MAX);
        assert_eq!([i64::MIN, i64::MAX].map(|x| from_q48(x, -64)), [0, 0]);
        assert_eq!(from_q48(1 << 40, -8), 1 << 16);
        assert_eq!([i32::MIN, i32::MAX].map(|x| to_q16(x, 64)), [0, 0]);
    }

    #[test]
    fn floats_become_the_nearest_number_and_back() {
        for bits in [-64, -20, 0, 11, 20, 64] {
            for x in [0, 1, -1, 3, -12_345_678, (1 << 24) - 1, i32::MIN] {
                assert_eq!(from_f32(to_f32(x, bits), bits), x, "{x} with {bits} fraction bits");
            }
        }
        assert_eq!(to_f32(i32::MAX, 20), 2048.0);
        assert_eq!([0.5, -0.5, 1.5, -1.5, 0.49].map(|x| from_f32(x, 0)), [1, 0, 2, -1, 0]);
        let ends = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN_POSITIVE, 1e-45];
        assert_eq!(ends.map(|x| from_f32(x, 64)), [i32::MAX, i32::MIN, 0, i32::MAX, 0, 0]);
        let mut word = 1u32;
        for _ in 0..100_000 {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (x, bits) = (f32::from_bits(word), (word % 41) as i32 - 10);
            if x.is_nan() {
                continue;
            }
            let exact = (f64::from(x) * 2f64.powi(bits) + 0.5).floor();
            assert_eq!(from_f32(x, bits), exact as i32, "{x} with {bits} fraction bits");
        }
    }
}
