//! A model's fingerprint, which two programs compare before they rely on each other's bits.

use super::{Dims, Weights};
use crate::digest::Digest;
use crate::panel;

/// The version of this crate's numeric contract. Each change of output bits is a new version.
pub const CONTRACT: u32 = 2;

impl Weights<&[f32]> {
    /// The [`Digest`] of the contract's version, the activation's name, the sizes D, C, H and L, and all
    /// parts in the order below.
    pub(crate) const fn fingerprint(&self, activation: &str, dims: Dims) -> u64 {
        let mut digest = Digest::new();
        digest.update_bytes(&CONTRACT.to_le_bytes());
        digest.update_bytes(activation.as_bytes());
        let Dims { data, condition, width, hidden_layers } = dims;
        let sizes = [data, condition, width, hidden_layers];
        let mut i = 0;
        while i < sizes.len() {
            digest.update_bytes(&(sizes[i] as u64).to_le_bytes());
            i += 1;
        }
        digest.update(self.bias);
        update_columns(&mut digest, self.condition, width);
        digest.update(self.time);
        update_columns(&mut digest, self.state, width);
        let (mut bias, mut columns) = (self.hidden.bias, self.hidden.columns);
        while let (Some((layer_bias, rest)), Some((layer, rest_columns))) =
            (bias.split_at_checked(width), columns.split_at_checked(width * width))
        {
            if layer_bias.is_empty() {
                break;
            }
            digest.update(layer_bias);
            update_columns(&mut digest, layer, width);
            (bias, columns) = (rest, rest_columns);
        }
        digest.update(self.last.bias);
        update_columns(&mut digest, self.last.columns, data);
        digest.update(self.data_units.mean);
        digest.update(self.data_units.scale);
        digest.update(self.condition_units.mean);
        digest.update(self.condition_units.scale);
        digest.value()
    }
}

/// Adds a matrix that is laid out in [panels](panel), in the order `[input][output]`, because the panels
/// depend on the target.
const fn update_columns(digest: &mut Digest, columns: &[f32], outputs: usize) {
    let Some(inputs) = columns.len().checked_div(outputs) else { return };
    let mut input = 0;
    while input < inputs {
        let mut first = 0;
        while first < outputs {
            let width = panel::width(outputs, first);
            if let Some((_, weights)) = columns.split_at_checked(first * inputs + input * width)
                && let Some((weights, _)) = weights.split_at_checked(width)
            {
                digest.update(weights);
            }
            first += width;
        }
        input += 1;
    }
}
