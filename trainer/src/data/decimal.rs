//! Plain decimals: digits, perhaps with a minus before and a point among them. Most cells of most tables are such.

/// The most digits of a plain decimal: they fit a `u64`.
const MOST_DIGITS: usize = 19;

/// The powers of ten up to 10¹⁹, which are exact.
const POWERS: [f64; MOST_DIGITS + 1] = {
    let mut powers = [1.0; MOST_DIGITS + 1];
    let mut k = 1;
    while k < powers.len() {
        powers[k] = powers[k - 1] * 10.0;
        k += 1;
    }
    powers
};

/// The bits of an `f64` that an `f32` lacks.
const LOST: u64 = (1 << 29) - 1;

/// What these bits are halfway between two `f32`s.
const MIDDLE: u64 = 1 << 28;

/// Returns the `f32` that `text` is, as `str::parse` does, and faster for plain decimals.
pub(super) fn parse_f32(text: &str) -> Option<f32> {
    decimal(text).or_else(|| text.parse().ok())
}

/// Returns the `f32` nearest to `text`, as `str::parse` does, if `text` is a plain decimal. `None`: parse it.
fn decimal(text: &str) -> Option<f32> {
    let (value, length) = leading_decimal(text.as_bytes())?;
    (length == text.len()).then_some(value)
}

/// Returns the `f32` nearest to the plain decimal that `text` starts with, and the length of that decimal.
///
/// The digits as an `f64`, divided by a power of ten, are less than three units of the last place off. So the nearest `f32`
/// is certain, unless the middle between two `f32`s is within three units: then `None`.
#[inline]
pub(super) fn leading_decimal(text: &[u8]) -> Option<(f32, usize)> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let (number, whole) = digits(0, unsigned);
    let (number, places, point) = match unsigned[whole..] {
        [b'.', ref fraction @ ..] => {
            let (number, places) = digits(number, fraction);
            (number, places, 1)
        }
        _ => (number, 0, 0),
    };
    if !(1..=MOST_DIGITS).contains(&(whole + places)) {
        return None;
    }
    let wide = number as f64 / POWERS[places];
    let distance = (wide.to_bits() & LOST).abs_diff(MIDDLE);
    let near = wide as f32;
    let signed = if unsigned.len() < text.len() { -near } else { near };
    let length = text.len() - unsigned.len() + whole + point + places;
    (distance > 3).then_some((signed, length))
}

/// Appends the digits at the start of `text` to `number`. Returns it, and their count.
#[inline]
fn digits(mut number: u64, text: &[u8]) -> (u64, usize) {
    const TENS: [u64; 9] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];
    let mut count = 0;
    while let Some(&eight) = text[count..].first_chunk() {
        let (value, found) = up_to_eight(eight);
        number = number.wrapping_mul(TENS[found]).wrapping_add(value);
        count += found;
        if found < 8 {
            return (number, count);
        }
    }
    for byte in text[count..].iter().take_while(|byte| byte.is_ascii_digit()) {
        number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        count += 1;
    }
    (number, count)
}

/// Returns the number of the digits at the start of `text`, and their count, without a branch: all bytes at once, then
/// pairs, fours and eights of digits.
#[inline]
fn up_to_eight(text: [u8; 8]) -> (u64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // A digit becomes its value, and any other byte more than 9.
    let bytes = u64::from_le_bytes(text) ^ (EACH * 0x30);
    // The high bit of a byte above 9. Only such a byte carries, and only into later ones; the first of them counts.
    let others = (bytes.wrapping_add(EACH * 0x76) | bytes) & (EACH * 0x80);
    let count = others.trailing_zeros() / 8;
    // The last digit goes to the last byte; zeros come before the first.
    let digits = bytes.checked_shl(64 - 8 * count).unwrap_or(0);
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100) + (pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let eight = (fours.wrapping_mul(10_000) + (fours >> 32)) & 0xffff_ffff;
    (eight, count as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::random::{Stream, generator};
    use rand::RngExt;

    #[test]
    fn each_value_is_that_of_the_standard_library() {
        let mut random = generator(1, Stream::Weights);
        let mut parsed = 0;
        for _ in 0..300_000 {
            let digits = random.random_range(1..=20);
            let mut text: String = (0..digits).map(|_| random.random_range('0'..='9')).collect();
            if random.random_bool(0.8) {
                text.insert(random.random_range(0..=text.len()), '.');
            }
            if random.random_bool(0.3) {
                text.insert(0, '-');
            }
            if let Some(value) = decimal(&text) {
                parsed += 1;
                assert_eq!(value.to_bits(), text.parse::<f32>().unwrap().to_bits(), "{text}");
            }
        }
        assert!(parsed > 200_000, "{parsed}");
    }

    /// The middle of two floats, and what lies a little beside it.
    #[test]
    fn close_decisions_are_left_to_the_standard_library() {
        for k in 0..1_000_u32 {
            let (below, above) = (f32::from_bits(0x4b00_0000 + k), f32::from_bits(0x4b00_0001 + k));
            let middle = (f64::from(below) + f64::from(above)) / 2.0;
            for end in ["", "0", "00000000", "000000001"] {
                let text = format!("{middle:.1}{end}");
                let own = decimal(&text);
                assert!(own.is_none_or(|own| own == text.parse::<f32>().unwrap()), "{text}");
            }
        }
    }

    #[test]
    fn other_text_is_left_to_the_standard_library() {
        for text in [
            "", "-", ".", "-.", "+1", "1e3", "1.2.3", "nan", "inf", " 1", "1 ", "1,5", "--1", "1-",
            "１",
        ] {
            assert_eq!(decimal(text), None, "{text}");
        }
        for (text, value) in [("0", 0.0), ("5.", 5.0), (".5", 0.5), ("-12.25", -12.25)] {
            assert_eq!(decimal(text), Some(value));
        }
        assert!(decimal("-0").unwrap().is_sign_negative());
    }
}
