//! One number for a model: what two programs compare before they rely on each other's bits.

use crate::digest::Digest;
use crate::panel;

/// The version of the numeric contract that this crate keeps: a change of output bits is a new one.
pub const CONTRACT: u32 = 2;

/// A fingerprint in the making: [`Digest`] over the contract's version, the activation's name, the
/// sizes D, C, H, L, and then the weights, in the order in which the parts are added.
pub(crate) struct Fingerprint(Digest);

impl Fingerprint {
    pub(crate) const fn new(activation: &str, sizes: [usize; 4]) -> Self {
        let mut digest = Digest::new();
        digest.update_bytes(&CONTRACT.to_le_bytes());
        digest.update_bytes(activation.as_bytes());
        let mut i = 0;
        while i < sizes.len() {
            digest.update_bytes(&(sizes[i] as u64).to_le_bytes());
            i += 1;
        }
        Self(digest)
    }

    pub(crate) const fn add(&mut self, weights: &[f32]) {
        self.0.update(weights);
    }

    /// Adds a matrix that lies in [panels](panel), as `[input][output]`: how it lies is the target's
    /// affair.
    pub(crate) const fn add_columns(&mut self, columns: &[f32], outputs: usize) {
        let inputs = columns.len() / outputs;
        let mut input = 0;
        while input < inputs {
            let mut first = 0;
            while first < outputs {
                let width = panel::width(outputs, first);
                let (_, weights) = columns.split_at(first * inputs + input * width);
                self.add(weights.split_at(width).0);
                first += width;
            }
            input += 1;
        }
    }

    pub(crate) const fn value(self) -> u64 {
        self.0.value()
    }
}
