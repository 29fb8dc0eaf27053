//! A model's fingerprint, which two programs compare before they rely on each other's bits.

use super::panel::{byte_index, index};
use crate::digest::Digest;

/// The version of the integer contract. Each change of output bits is a new version.
pub const INTEGER_CONTRACT: u32 = 1;

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

/// Adds matrices that are laid out in panels in the order of the file, because the panels depend on the target.
macro_rules! update_matrices {
    ($name:ident, $type:ty, $index:path, |$inputs:ident| $row:expr, |$at:ident| $input:expr) => {
        /// Adds matrices of `[outputs][inputs]` in the order of the file.
        pub(crate) const fn $name(
            digest: &mut Digest,
            weights: &[$type],
            (outputs, $inputs): (usize, usize),
        ) {
            let (row, mut start) = ($row, 0);
            while row > 0 && start + outputs * row <= weights.len() && outputs > 0 {
                let mut output = 0;
                while output < outputs {
                    let mut $at = 0;
                    while $at < row {
                        let at = start + $index(outputs, $inputs, output, $input);
                        digest.update_bytes(&weights[at].to_le_bytes());
                        $at += 1;
                    }
                    output += 1;
                }
                start += outputs * row;
            }
        }
    };
}

update_matrices!(update_weights_16, i16, index, |inputs| inputs, |at| at);
update_matrices!(update_weights_8, i8, index, |inputs| inputs, |at| at);
update_matrices!(update_weights_4, u8, byte_index, |inputs| inputs.div_ceil(2), |at| 2 * at);
