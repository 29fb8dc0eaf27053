//! How weights are stored, which depends on the target. It affects no output bit.

use crate::registers::CORTEX_M0;

/// A weight of 16 bits as it is stored. A core that multiplies the halves of words loads two as a word.
#[cfg(all(target_abi = "eabihf", target_os = "none"))]
pub(crate) type Half = [u8; 2];
#[cfg(not(all(target_abi = "eabihf", target_os = "none")))]
pub(crate) type Half = i16;

/// Aligns weights or units as words, which instructions that load several words at once need.
#[derive(Clone, Copy)]
#[repr(align(4))]
pub struct Words<T>(pub(crate) T);

/// A weight of 0 in an empty model.
#[cfg(all(target_abi = "eabihf", target_os = "none"))]
pub(crate) const ZERO: Half = [0; 2];
#[cfg(not(all(target_abi = "eabihf", target_os = "none")))]
pub(crate) const ZERO: Half = 0;

/// Stores a weight. A Cortex-M0 loads a halfword without its sign: there weights have an offset, and are at least 0.
#[cfg(all(target_abi = "eabihf", target_os = "none"))]
pub(crate) const fn stored_16(weight: i16) -> Half {
    weight.to_le_bytes()
}
#[cfg(not(all(target_abi = "eabihf", target_os = "none")))]
pub(crate) const fn stored_16(weight: i16) -> Half {
    if CORTEX_M0 { weight ^ i16::MIN } else { weight }
}

/// The inverse of [`stored_16`].
#[cfg(all(target_abi = "eabihf", target_os = "none"))]
pub(crate) const fn weight_16(stored: Half) -> i16 {
    i16::from_le_bytes(stored)
}
#[cfg(not(all(target_abi = "eabihf", target_os = "none")))]
pub(crate) const fn weight_16(stored: Half) -> i16 {
    stored_16(stored)
}

/// [`stored_16`] for a weight of 8 bits. The function is its own inverse.
pub(crate) const fn stored_8(weight: i8) -> i8 {
    if CORTEX_M0 { weight ^ i8::MIN } else { weight }
}

/// Whether weights of four bits are stored as numbers from 0 to 15. The vectors take them as they are in the file.
pub(crate) const UNSIGNED_4: bool = cfg!(not(feature = "std"));

/// Two weights of four bits as they are stored. The function is its own inverse.
pub(crate) const fn stored_4(weights: u8) -> u8 {
    if UNSIGNED_4 { weights ^ 0x88 } else { weights }
}

/// The two weights of a byte, from −8 to 7, the low four bits first.
#[inline(always)]
pub(crate) const fn nibbles(byte: u8) -> [i32; 2] {
    let byte = byte as i8 as i32;
    [(byte << 28) >> 28, byte >> 4]
}
