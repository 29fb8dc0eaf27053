//! Conversions between the user's units and flow units.

use crate::lanes::Number;
use crate::nan::canonical;

/// A mean and a scale for each coordinate: user's units = flow units · scale + mean.
///
/// With a scale of 0, every value in the user's units becomes 0 in flow units, and every value in flow units becomes the
/// mean: the column is constant. A model that no file was read into has only such scales. So all its bytes are zero, and
/// its velocity is 0 under any condition.
///
/// `T` holds `[K]` numbers: a borrowed slice, an array or a `Vec`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units<T> {
    pub(crate) mean: T,
    pub(crate) scale: T,
}

impl Units<&[f32]> {
    /// Converts from flow units to the user's units, in place: `x · scale + mean`.
    pub(crate) fn to_user(self, x: &mut [f32]) {
        for ((x, &mean), &scale) in x.iter_mut().zip(self.mean).zip(self.scale) {
            *x = canonical(*x * scale + mean);
        }
    }

    /// Converts from the user's units to flow units, in place: `(x − mean) ÷ scale`, or 0 if the
    /// scale is 0.
    pub(crate) fn to_flow(self, x: &mut [f32]) {
        for ((x, &mean), &scale) in x.iter_mut().zip(self.mean).zip(self.scale) {
            *x = canonical(flow_units(*x, mean, scale));
        }
    }

    /// [`Self::to_flow`] for the conditions of one sample (`[C]`) or of samples side by side (`[C]` lanes). A NaN
    /// keeps its bits here; the velocity that it leads to has the canonical NaN.
    #[inline(always)]
    pub(crate) fn standardize<N: Number>(self, c: &mut [N]) {
        for ((c, &mean), &scale) in c.iter_mut().zip(self.mean).zip(self.scale) {
            *c = c.map(|c| flow_units(c, mean, scale));
        }
    }
}

#[inline(always)]
fn flow_units(x: f32, mean: f32, scale: f32) -> f32 {
    if scale == 0.0 { 0.0 } else { (x - mean) / scale }
}
