//! Conversions between the user's units and flow units.

use super::arithmetic::{half_of, saturate, saturate_16};
use super::sums::Unit;

/// The units of the data. `N` holds `[D]` integers of 32 bits, `S` `[D]` shifts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DataUnits<N, S> {
    pub(crate) mean: N,
    pub(crate) scale: N,
    pub(crate) shift: S,
    pub(crate) inverse: N,
    pub(crate) inverse_shift: S,
}

/// The units of the conditions: `[C]` each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConditionUnits<N, S> {
    pub(crate) mean: N,
    pub(crate) scale: N,
    pub(crate) shift: S,
}

/// `(x · factor) >> shift`, rounded half up.
#[inline(always)]
fn scaled(x: i32, factor: i32, shift: i8) -> i64 {
    let shift = (shift & 63) as u32;
    (i64::from(x) * i64::from(factor) + half_of(shift)) >> shift
}

impl DataUnits<&[i32], &[i8]> {
    /// Converts from flow units to data units, in place: `((x · scale) >> shift) + mean`.
    pub(crate) fn to_data(self, x: &mut [i32]) {
        let units = self.mean.iter().zip(self.scale).zip(self.shift);
        for (x, ((&mean, &scale), &shift)) in x.iter_mut().zip(units) {
            *x = saturate(scaled(*x, scale, shift) + i64::from(mean));
        }
    }

    /// Converts from data units to flow units, in place: `((x − mean) · inverse) >> inverse_shift`.
    pub(crate) fn to_flow(self, x: &mut [i32]) {
        let units = self.mean.iter().zip(self.inverse).zip(self.inverse_shift);
        for (x, ((&mean, &inverse), &shift)) in x.iter_mut().zip(units) {
            *x = saturate(scaled(saturate(i64::from(*x) - i64::from(mean)), inverse, shift));
        }
    }
}

impl ConditionUnits<&[i32], &[i8]> {
    /// Writes the conditions as the first layer takes them: `((c − mean) · scale) >> shift`.
    pub(crate) fn standardize(self, c: &[i32], out: &mut [Unit]) {
        let units = self.mean.iter().zip(self.scale).zip(self.shift);
        for ((out, &c), ((&mean, &scale), &shift)) in out.iter_mut().zip(c).zip(units) {
            let c = scaled(saturate(i64::from(c) - i64::from(mean)), scale, shift);
            *out = saturate_16(saturate(c)) as Unit;
        }
    }
}
