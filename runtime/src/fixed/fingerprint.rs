//! A model's fingerprint, which two programs compare before they rely on each other's bits.

use super::panel::{byte_index, index};
use super::storage::{Half, nibbles, stored_4, stored_8, weight_16};
use crate::activation::ActivationKind;
use crate::digest::Digest;
use crate::network::Dims;

/// The version of the integer contract. Each change of output bits is a new version.
pub const INTEGER_CONTRACT: u32 = 1;

/// Adds the contract's version, the activation and the sizes.
pub(crate) const fn update_sizes(digest: &mut Digest, activation: ActivationKind, dims: Dims) {
    digest.update_bytes(b"integer");
    digest.update_bytes(&INTEGER_CONTRACT.to_le_bytes());
    digest.update_bytes(activation.name().as_bytes());
    let Dims { data, condition, width, hidden_layers } = dims;
    let sizes = [data, condition, width, hidden_layers];
    let mut i = 0;
    while i < sizes.len() {
        digest.update_bytes(&(sizes[i] as u64).to_le_bytes());
        i += 1;
    }
}

/// Adds integers of 32 bits.
pub(crate) const fn update_32(digest: &mut Digest, values: &[i32]) {
    let mut i = 0;
    while i < values.len() {
        digest.update_bytes(&values[i].to_le_bytes());
        i += 1;
    }
}

/// Adds integers of 8 bits.
pub(crate) const fn update_8(digest: &mut Digest, values: &[i8]) {
    let mut i = 0;
    while i < values.len() {
        digest.update_bytes(&values[i].to_le_bytes());
        i += 1;
    }
}

/// Adds matrices of `[outputs][inputs]` in the order of the file, because the panels in memory depend on the target. Each
/// weight is added in 16 bits.
macro_rules! update_matrices {
    ($name:ident, $type:ty, $row:path, |$element:ident, $input:ident| $value:expr, $index:path) => {
        pub(crate) const fn $name(
            digest: &mut Digest,
            weights: &[$type],
            (outputs, inputs): (usize, usize),
        ) {
            let (matrix, mut start) = (outputs * $row(inputs), 0);
            while matrix > 0 && start + matrix <= weights.len() {
                let mut output = 0;
                while output < outputs {
                    let mut $input = 0;
                    while $input < inputs {
                        let $element = weights[start + $index(outputs, inputs, output, $input)];
                        let value: i16 = $value;
                        digest.update_bytes(&value.to_le_bytes());
                        $input += 1;
                    }
                    output += 1;
                }
                start += matrix;
            }
        }
    };
}

/// The elements of an output's weights, one for each input.
const fn each(inputs: usize) -> usize {
    inputs
}

/// The elements of an output's weights, one for each pair of inputs.
const fn each_pair(inputs: usize) -> usize {
    inputs.div_ceil(2)
}

update_matrices!(update_weights_16, Half, each, |weight, input| weight_16(weight), index);
update_matrices!(update_weights_8, i8, each, |weight, input| stored_8(weight) as i16, index);
update_matrices!(
    update_weights_4,
    u8,
    each_pair,
    |byte, input| nibbles(stored_4(byte))[input % 2] as i16,
    byte_index
);
