//! The parts of a network of whole numbers but the weights between hidden layers, whose type varies.

use super::fingerprint::{update_8, update_32, update_sizes, update_weights_16};
use super::storage::{Half, ZERO};
use super::units::{ConditionUnits, DataUnits};
use crate::activation::ActivationKind;
use crate::digest::Digest;
use crate::network::Dims;

/// The parts of a network. `N`, `H` and `B` are the storage of numbers of 32, 16 and 8 bits: slices to evaluate, mutable
/// slices to read a file into, `Vec`s on the heap. `F` is that of the formats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<N, H, B, F> {
    /// The first layer's bias, `[H]`.
    pub(crate) bias: N,
    /// The first layer's weights of the time, `[H]`.
    pub(crate) time: H,
    /// The first layer's weights of the point, `[H][D]` in panels.
    pub(crate) state: H,
    /// The first layer's weights of the conditions, `[H][C]` in panels.
    pub(crate) condition: H,
    /// The first layer's shifts, `[H]`.
    pub(crate) shift: B,
    /// The hidden-to-hidden layers' biases, `[L][H]`.
    pub(crate) hidden_bias: N,
    /// The hidden-to-hidden layers' shifts, `[L][H]`.
    pub(crate) hidden_shift: B,
    /// The fraction bits of the units of each hidden-to-hidden layer, `[L]`.
    pub(crate) hidden_bits: B,
    /// The last layer's bias, `[D]`.
    pub(crate) last_bias: N,
    /// The last layer's shifts, `[D]`.
    pub(crate) last_shift: B,
    /// The last layer's weights, `[D][H]` in panels.
    pub(crate) last: H,
    pub(crate) data_units: DataUnits<N, B>,
    pub(crate) condition_units: ConditionUnits<N, B>,
    pub(crate) formats: F,
}

/// The fraction bits of a network's inputs and outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Formats {
    /// Of the point as it enters the first layer.
    pub(crate) point: i8,
    /// Of the first layer's units.
    pub(crate) first: i8,
    /// Of the data in the user's units.
    pub(crate) data: i8,
    /// Of the conditions in the user's units.
    pub(crate) condition: i8,
    /// 1 where the stored weights have their offset; 0 in an empty model, whose weights are stored as 0.
    pub(crate) offset: i8,
}

impl Formats {
    pub(crate) const ZERO: Self = Self { point: 0, first: 0, data: 0, condition: 0, offset: 0 };
}

/// Parts to evaluate.
pub(crate) type Slices<'a> = Parts<&'a [i32], &'a [Half], &'a [i8], Formats>;

/// Parts to read a file into.
pub(crate) type SlicesMut<'a> = Parts<&'a mut [i32], &'a mut [Half], &'a mut [i8], &'a mut Formats>;

impl Slices<'_> {
    /// Adds to a fingerprint all that it covers but the weights between hidden layers.
    pub(crate) const fn update(&self, digest: &mut Digest, activation: ActivationKind, dims: Dims) {
        update_sizes(digest, activation, dims);
        let Dims { data, condition, width, .. } = dims;
        update_32(digest, self.bias);
        update_weights_16(digest, self.time, (width, 1));
        update_weights_16(digest, self.state, (width, data));
        update_weights_16(digest, self.condition, (width, condition));
        update_8(digest, self.shift);
        update_32(digest, self.hidden_bias);
        update_8(digest, self.hidden_shift);
        update_weights_16(digest, self.last, (data, width));
        update_32(digest, self.last_bias);
        update_8(digest, self.last_shift);
        let Formats { point, first, data, condition, .. } = self.formats;
        update_8(digest, &[point, first]);
        update_8(digest, self.hidden_bits);
        update_8(digest, &[data, condition]);
        let units = &self.data_units;
        update_32(digest, units.mean);
        update_32(digest, units.scale);
        update_8(digest, units.shift);
        update_32(digest, units.inverse);
        update_8(digest, units.inverse_shift);
        let units = &self.condition_units;
        update_32(digest, units.mean);
        update_32(digest, units.scale);
        update_8(digest, units.shift);
    }
}

impl SlicesMut<'_> {
    /// Sets all numbers to 0.
    pub(crate) fn clear(self) {
        let (data, condition) = (self.data_units, self.condition_units);
        for numbers in [
            self.bias,
            self.hidden_bias,
            self.last_bias,
            data.mean,
            data.scale,
            data.inverse,
            condition.mean,
            condition.scale,
        ] {
            numbers.fill(0);
        }
        for numbers in [self.time, self.state, self.condition, self.last] {
            numbers.fill(ZERO);
        }
        for numbers in [
            self.shift,
            self.hidden_shift,
            self.hidden_bits,
            self.last_shift,
            data.shift,
            data.inverse_shift,
            condition.shift,
        ] {
            numbers.fill(0);
        }
        *self.formats = Formats::ZERO;
    }
}

#[cfg(feature = "alloc")]
impl Parts<alloc::vec::Vec<i32>, alloc::vec::Vec<Half>, alloc::vec::Vec<i8>, Formats> {
    /// Parts of zeros.
    pub(crate) fn zero(Dims { data, condition, width, hidden_layers }: Dims) -> Self {
        use alloc::vec;
        Self {
            bias: vec![0; width],
            time: vec![ZERO; width],
            state: vec![ZERO; data * width],
            condition: vec![ZERO; condition * width],
            shift: vec![0; width],
            hidden_bias: vec![0; hidden_layers * width],
            hidden_shift: vec![0; hidden_layers * width],
            hidden_bits: vec![0; hidden_layers],
            last_bias: vec![0; data],
            last_shift: vec![0; data],
            last: vec![ZERO; data * width],
            data_units: DataUnits {
                mean: vec![0; data],
                scale: vec![0; data],
                shift: vec![0; data],
                inverse: vec![0; data],
                inverse_shift: vec![0; data],
            },
            condition_units: ConditionUnits {
                mean: vec![0; condition],
                scale: vec![0; condition],
                shift: vec![0; condition],
            },
            formats: Formats::ZERO,
        }
    }

    /// All parts as slices.
    pub(crate) fn as_slices(&self) -> Slices<'_> {
        let (data, condition) = (&self.data_units, &self.condition_units);
        Parts {
            bias: &self.bias,
            time: &self.time,
            state: &self.state,
            condition: &self.condition,
            shift: &self.shift,
            hidden_bias: &self.hidden_bias,
            hidden_shift: &self.hidden_shift,
            hidden_bits: &self.hidden_bits,
            last_bias: &self.last_bias,
            last_shift: &self.last_shift,
            last: &self.last,
            data_units: DataUnits {
                mean: &data.mean,
                scale: &data.scale,
                shift: &data.shift,
                inverse: &data.inverse,
                inverse_shift: &data.inverse_shift,
            },
            condition_units: ConditionUnits {
                mean: &condition.mean,
                scale: &condition.scale,
                shift: &condition.shift,
            },
            formats: self.formats,
        }
    }

    /// All parts as mutable slices.
    pub(crate) fn as_mut_slices(&mut self) -> SlicesMut<'_> {
        let (data, condition) = (&mut self.data_units, &mut self.condition_units);
        Parts {
            bias: &mut self.bias,
            time: &mut self.time,
            state: &mut self.state,
            condition: &mut self.condition,
            shift: &mut self.shift,
            hidden_bias: &mut self.hidden_bias,
            hidden_shift: &mut self.hidden_shift,
            hidden_bits: &mut self.hidden_bits,
            last_bias: &mut self.last_bias,
            last_shift: &mut self.last_shift,
            last: &mut self.last,
            data_units: DataUnits {
                mean: &mut data.mean,
                scale: &mut data.scale,
                shift: &mut data.shift,
                inverse: &mut data.inverse,
                inverse_shift: &mut data.inverse_shift,
            },
            condition_units: ConditionUnits {
                mean: &mut condition.mean,
                scale: &mut condition.scale,
                shift: &mut condition.shift,
            },
            formats: &mut self.formats,
        }
    }
}
