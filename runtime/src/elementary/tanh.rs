//! The hyperbolic tangent.

use super::expm1::expm1_within;
use crate::nan::canonical;

/// tanh x for all x. Worst relative error 2.0e-7 over all inputs. Exactly odd.
///
/// `tanh(±0)` is ±0, `tanh(±∞)` is ±1, and NaN gives the NaN `0x7fc00000`.
#[inline]
pub fn tanh(x: f32) -> f32 {
    canonical(tanh_with_any_nan(x))
}

/// [`tanh`], except that NaN gives a NaN with unspecified bits.
#[inline(always)]
pub(crate) fn tanh_with_any_nan(x: f32) -> f32 {
    let size = x.abs();
    // Above 9.02 the quotient rounds to 1, so the bound does not change the result.
    let e = expm1_within(2.0 * if size > 10.0 { 10.0 } else { size });
    (e / (e + 2.0)).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elementary::sweep;

    const DOCUMENTED: f64 = 2.0e-7;

    #[test]
    fn error_is_as_documented() {
        let worst = sweep::relative(sweep::sample(), tanh, libm::tanh);
        assert!(worst <= DOCUMENTED, "{worst:e}");
    }

    #[test]
    #[ignore = "all 2³² inputs: minutes in release"]
    fn error_over_all_inputs_is_as_documented() {
        let worst = sweep::relative(sweep::all(), tanh, libm::tanh);
        std::println!("tanh: {worst:e}");
        assert!(worst <= DOCUMENTED);
    }

    #[test]
    fn special_values() {
        for (x, y) in [(0.0, 0.0), (f32::INFINITY, 1.0), (12.0, 1.0)] {
            assert_eq!(tanh(x).to_bits(), f32::to_bits(y));
            assert_eq!(tanh(-x).to_bits(), f32::to_bits(-y));
        }
        assert_eq!(tanh(f32::from_bits(0xffff_ffff)).to_bits(), 0x7fc0_0000);
    }
}
