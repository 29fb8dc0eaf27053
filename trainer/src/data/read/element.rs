//! The types of a file's numbers, by their names in numpy.

use anyhow::{Result, bail};

/// numpy's NaT, a missing time.
const NOT_A_TIME: i64 = i64::MIN;

/// How a value is stored.
pub(super) struct Element {
    /// The size of a value in bytes.
    pub(super) size: usize,
    /// Returns the number that `size` bytes encode. Integers beyond 2⁵³ are rounded. A missing time, and a
    /// boolean that is neither 0 nor 1, become NaN.
    pub(super) decode: fn(&[u8]) -> f64,
}

impl Element {
    /// Returns the element for numpy's `dtype`: floats, integers, booleans, or times, which become the number
    /// of their units.
    pub(super) fn of(dtype: &str) -> Result<Self> {
        macro_rules! element {
            ($type:ty, $from:ident) => {
                Self {
                    size: size_of::<$type>(),
                    decode: |bytes| {
                        let bytes = bytes.try_into().expect("as many bytes as a value has");
                        <$type>::$from(bytes) as f64
                    },
                }
            };
        }
        macro_rules! time {
            ($from:ident) => {
                Self {
                    size: 8,
                    decode: |bytes| {
                        let bytes = bytes.try_into().expect("as many bytes as a value has");
                        match i64::$from(bytes) {
                            NOT_A_TIME => f64::NAN,
                            time => time as f64,
                        }
                    },
                }
            };
        }
        macro_rules! half {
            ($from:ident) => {
                Self {
                    size: 2,
                    decode: |bytes| half(u16::$from(bytes.try_into().expect("two bytes"))),
                }
            };
        }
        // The unit of a time follows in brackets: `<M8[us]`.
        let without_unit = match dtype.split_once('[') {
            Some((time, _)) if time.ends_with("m8") || time.ends_with("M8") => time,
            _ => dtype,
        };
        Ok(match without_unit {
            "<f2" => half!(from_le_bytes),
            ">f2" => half!(from_be_bytes),
            "<f4" => element!(f32, from_le_bytes),
            ">f4" => element!(f32, from_be_bytes),
            "<f8" => element!(f64, from_le_bytes),
            ">f8" => element!(f64, from_be_bytes),
            "|i1" | "<i1" | ">i1" => element!(i8, from_le_bytes),
            "<i2" => element!(i16, from_le_bytes),
            ">i2" => element!(i16, from_be_bytes),
            "<i4" => element!(i32, from_le_bytes),
            ">i4" => element!(i32, from_be_bytes),
            "<i8" => element!(i64, from_le_bytes),
            ">i8" => element!(i64, from_be_bytes),
            "|u1" | "<u1" | ">u1" => element!(u8, from_le_bytes),
            "<u2" => element!(u16, from_le_bytes),
            ">u2" => element!(u16, from_be_bytes),
            "<u4" => element!(u32, from_le_bytes),
            ">u4" => element!(u32, from_be_bytes),
            "<u8" => element!(u64, from_le_bytes),
            ">u8" => element!(u64, from_be_bytes),
            "<m8" | "<M8" => time!(from_le_bytes),
            ">m8" | ">M8" => time!(from_be_bytes),
            "|b1" | "<b1" | ">b1" => Self {
                size: 1,
                decode: |bytes| match bytes[0] {
                    0 => 0.0,
                    1 => 1.0,
                    _ => f64::NAN,
                },
            },
            _ => bail!(
                "expected an array of booleans, integers, times or floats of 16, 32 or 64 bits, found \
                 {dtype:?}: convert it with array.astype(numpy.float32)"
            ),
        })
    }
}

/// Returns the value of a 16-bit float.
pub(super) fn half(bits: u16) -> f64 {
    let [sign, exponent, fraction] = [bits >> 15, (bits >> 10) & 0x1f, bits & 0x3ff].map(i32::from);
    let magnitude = match exponent {
        0 => f64::from(fraction) * 2.0_f64.powi(-24),
        0x1f if fraction == 0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => f64::from(0x400 | fraction) * 2.0_f64.powi(exponent - 25),
    };
    if sign == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_have_their_values() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x3c00, 1.0),
            (0xc100, -2.5),
            (0x7bff, 65504.0),
            (0x0001, 5.960_464_477_539_063e-8),
            (0x0400, 6.103_515_625e-5),
            (0x2e66, 0.099_975_585_937_5),
            (0x7c00, f64::INFINITY),
            (0xfc00, f64::NEG_INFINITY),
        ] {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert!(half(0x7e00).is_nan());
    }
}
