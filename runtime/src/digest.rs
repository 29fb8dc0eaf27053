//! A 64-bit digest of output bits.

/// The FNV-1a digest, 64 bits, over the little-endian bits of floats
/// (<http://www.isthe.com/chongo/tech/comp/fnv/>). Runs with the same output bits have the same digest.
///
/// A path's digest covers the points after each step in order, one sample after the other.
///
/// ```
/// let mut digest = flowlet::Digest::new();
/// digest.update(&[1.0, -0.0]);
/// assert_eq!(digest.value(), 0x0979_a9ee_2da1_bb98);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Digest {
    /// The digest of no data.
    pub const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Adds the bits of `values`, little-endian.
    pub const fn update(&mut self, values: &[f32]) {
        let mut i = 0;
        while i < values.len() {
            self.update_bytes(&values[i].to_bits().to_le_bytes());
            i += 1;
        }
    }

    /// Adds `bytes`.
    pub const fn update_bytes(&mut self, bytes: &[u8]) {
        let mut i = 0;
        while i < bytes.len() {
            self.0 = (self.0 ^ bytes[i] as u64).wrapping_mul(0x0000_0100_0000_01b3);
            i += 1;
        }
    }

    /// The digest of all data added so far.
    pub const fn value(self) -> u64 {
        self.0
    }
}

impl Default for Digest {
    fn default() -> Self {
        Self::new()
    }
}
