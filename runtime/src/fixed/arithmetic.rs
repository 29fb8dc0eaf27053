//! The operations of the integer contract on the numbers of the state.

use crate::registers::{CORTEX_M0, RISC_V};
use crate::scalar::Scalar;
use crate::scalar::sealed::Arithmetic;

/// The fraction bits of points and velocities.
pub const STATE_BITS: u32 = 20;

/// The fraction bits of times, so that 1 fits an `i32`.
pub const TIME_BITS: u32 = 30;

/// The fraction bits of a guidance weight.
pub const WEIGHT_BITS: u32 = 16;

/// The time 1, at which a path ends.
pub const ONE: i32 = 1 << TIME_BITS;

/// Limits a number to the range of an `i32`.
#[inline(always)]
pub(crate) const fn saturate(x: i64) -> i32 {
    if x > i32::MAX as i64 {
        i32::MAX
    } else if x < i32::MIN as i64 {
        i32::MIN
    } else {
        x as i32
    }
}

/// Limits a number to the range of an `i16`.
#[inline(always)]
pub(crate) const fn saturate_16(x: i32) -> i16 {
    if x > i16::MAX as i32 {
        i16::MAX
    } else if x < i16::MIN as i32 {
        i16::MIN
    } else {
        x as i16
    }
}

/// [`saturate_16`] at run time.
#[inline(always)]
pub(crate) fn limit_16(x: i32) -> i16 {
    // On cores without an instruction that saturates: one comparison for both ends.
    if !(CORTEX_M0 || RISC_V) {
        return saturate_16(x);
    }
    if i32::from(x as i16) == x { x as i16 } else { end_beyond(x) }
}

/// The end of the range of an `i16` that a number is beyond. A function of its own, so that the compiler leaves the one
/// comparison as it is.
#[cold]
#[inline(never)]
fn end_beyond(x: i32) -> i16 {
    (x >> 31) as i16 ^ i16::MAX
}

/// Half of the unit that a right shift by `shift` leaves: what makes the shift round to nearest, half up.
#[inline(always)]
pub(crate) const fn half_of(shift: u32) -> i64 {
    if shift == 0 { 0 } else { 1 << (shift - 1) }
}

/// `x + (change ÷ 2³⁰)`, rounded once, half up, and saturated. `change` is a velocity times a time.
#[inline(always)]
const fn moved(x: i32, change: i64) -> i32 {
    saturate(x as i64 + ((change + half_of(TIME_BITS)) >> TIME_BITS))
}

impl Scalar for i32 {}

/// Sums and products are exact in 64 bits; each result is rounded once, half up, and saturated.
impl Arithmetic for i32 {
    const ZERO: Self = 0;

    #[inline(always)]
    fn later(self, dt: Self) -> Self {
        self.saturating_add(dt)
    }

    #[inline(always)]
    fn half(self) -> Self {
        ((i64::from(self) + 1) >> 1) as Self
    }

    #[inline(always)]
    fn sixth(self) -> Self {
        // Positive, so that the division rounds as a shift does.
        ((i64::from(self.max(0)) + 3) / 6) as Self
    }

    /// `dt² ÷ (2 · dt_before)`, at most 1, so that the products below fit 64 bits.
    #[inline(always)]
    fn lean(self, dt_before: Self) -> Self {
        let (dt, before) = (i64::from(self.max(0)), i64::from(dt_before.max(1)));
        ((dt * dt + before) / (2 * before)).min(1 << TIME_BITS) as Self
    }

    #[inline(always)]
    fn advanced(self, v: Self, dt: Self) -> Self {
        moved(self, i64::from(v) * i64::from(dt))
    }

    #[inline(always)]
    fn advanced_by_two(self, [v_1, v_2]: [Self; 2], half: Self) -> Self {
        moved(self, (i64::from(v_1) + i64::from(v_2)) * i64::from(half))
    }

    #[inline(always)]
    fn advanced_by_four(self, v: [Self; 4], sixth: Self) -> Self {
        let [v_1, v_2, v_3, v_4] = v.map(i64::from);
        moved(self, (v_1 + 2 * v_2 + 2 * v_3 + v_4) * i64::from(sixth))
    }

    #[inline(always)]
    fn extrapolated(self, v: Self, before: Self, lean: Self, dt: Self) -> Self {
        let change = i64::from(v) - i64::from(before);
        moved(self, i64::from(v) * i64::from(dt) + change * i64::from(lean))
    }

    #[inline(always)]
    fn guided(self, u: Self, weight: Self) -> Self {
        let change = i64::from(saturate(i64::from(self) - i64::from(u)));
        let more = (change * i64::from(weight) + half_of(WEIGHT_BITS)) >> WEIGHT_BITS;
        saturate(i64::from(u) + more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_operation_overflows_at_the_ends_of_its_arguments() {
        let ends = [i32::MIN, i32::MIN + 1, -1, 0, 1, i32::MAX - 1, i32::MAX];
        let times = [1, 2, 3, ONE / 3, ONE - 1, ONE];
        for &x in &ends {
            for &v in &ends {
                for &u in &ends {
                    for &dt in &times {
                        for result in [
                            x.advanced_by_two([v, u], dt),
                            x.advanced_by_four([v, u, v, u], dt.sixth()),
                            x.extrapolated(v, u, dt.lean(1), dt),
                            x.extrapolated(v, u, dt.lean(ONE), dt),
                            x.guided(u, v),
                        ] {
                            core::hint::black_box(result);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn each_operation_rounds_once_half_up_and_saturates() {
        let half = ONE / 2;
        assert_eq!([1, -1, 3, -3].map(|v| 0.advanced(v, half)), [1, 0, 2, -1]);
        assert_eq!(10.advanced_by_two([1, 2], half), 12);
        assert_eq!(0.advanced_by_four([6, 6, 6, 6], ONE.sixth()), 6);
        assert_eq!(i32::MAX.advanced(i32::MAX, ONE), i32::MAX);
        assert_eq!(i32::MIN.advanced(i32::MIN, ONE), i32::MIN);
        assert_eq!((ONE.sixth(), 9.half(), ONE.later(ONE)), (178_956_971, 5, i32::MAX));
        // A step as long as the one before: half of dt.
        assert_eq!(ONE.lean(ONE), half);
        // x ← x + v + (v − before) ÷ 2.
        assert_eq!(0.extrapolated(10, 4, ONE.lean(ONE), ONE), 13);
        assert_eq!(20.guided(10, 3 << (WEIGHT_BITS - 1)), 25);
        assert_eq!(20.guided(10, 0), 10);
        assert_eq!(i32::MAX.guided(i32::MIN, 1 << WEIGHT_BITS), -1);
    }
}
