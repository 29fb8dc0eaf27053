//! Conversions between the user's units and the flow's.

use crate::lanes::Number;
use crate::nan::canonical;

/// A mean and a scale for each coordinate: user's units = flow units · scale + mean.
///
/// A scale of 0 is a constant coordinate's: its flow units are 0, whatever the user's. All scales of a model that
/// nothing was read into are 0, so that its bytes are all zero and its velocity is 0 under any condition.
///
/// `T` holds the `[K]` numbers: a slice of a model's, or a vector of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units<T> {
    pub(crate) mean: T,
    pub(crate) scale: T,
}

impl Units<&[f32]> {
    /// From flow units to the user's, in place: `x · scale + mean`.
    pub(crate) fn to_user(self, x: &mut [f32]) {
        for ((x, &mean), &scale) in x.iter_mut().zip(self.mean).zip(self.scale) {
            *x = canonical(*x * scale + mean);
        }
    }

    /// From the user's units to the flow's, in place: `(x − mean) ÷ scale`, and 0 where the scale is 0.
    pub(crate) fn to_flow(self, x: &mut [f32]) {
        for ((x, &mean), &scale) in x.iter_mut().zip(self.mean).zip(self.scale) {
            *x = canonical(flow_units(*x, mean, scale));
        }
    }

    /// [`Self::to_flow`] of conditions, of one sample (`[C]`) or of samples side by side (`[C]` lanes). A NaN
    /// keeps its bits: it ends in a velocity, whose NaN is the canonical one.
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
