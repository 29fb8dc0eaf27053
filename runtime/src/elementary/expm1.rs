//! The exponential function less one.

use super::exp::{power_of_two, split};
use crate::nan::canonical;

/// eˣ − 1, for all x: worst relative error 1.3e-7 over all inputs.
///
/// `expm1(±0)` is ±0, `expm1(−∞)` −1, `expm1(∞)` ∞, and NaN gives the NaN `0x7fc00000`. Inputs
/// below 2⁻⁶⁰ in size are returned as they are.
#[inline]
pub fn expm1(x: f32) -> f32 {
    let (n, p) = split(x);
    // 2ⁿ⁻¹, as n may be 128: 2ⁿ·(p + 1) − 1 is 2·(s·p + (s − ½)).
    let s = power_of_two(n - 1);
    let y = 2.0 * (s * p + (s - 0.5));
    let y = if x < -18.0 { -1.0 } else { y };
    let y = if x > 88.722_83 { f32::INFINITY } else { y };
    let y = if x.abs() < 8.7e-19 { x } else { y };
    canonical(if x.is_nan() { x } else { y })
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

    #[test]
    fn special_values() {
        assert_eq!(expm1(0.0).to_bits(), 0);
        assert_eq!(expm1(-0.0).to_bits(), (-0.0_f32).to_bits());
        assert_eq!(expm1(f32::INFINITY), f32::INFINITY);
        assert_eq!(expm1(f32::NEG_INFINITY), -1.0);
        assert_eq!(expm1(f32::from_bits(0xffff_ffff)).to_bits(), 0x7fc0_0000);
    }
}
