//! How weights lie in memory: in panels, each the columns of some outputs side by side, input after
//! input, so that the kernel reads a panel from its beginning to its end.
//!
//! A matrix of `outputs` outputs is cut into panels of [`BLOCK`] outputs, what is left into panels of
//! [`REST`], and what is left then into single ones. The panel that begins at output `first` begins
//! at weight `first · inputs`: the panels before it hold as many.

use crate::registers::{RISC_V, VECTORS};

/// How many outputs are accumulated side by side. This number changes no bit: each output's sum is its own.
///
/// With vectors, eight of four lanes, so that enough additions are on their way to hide the latency of one.
/// Where a register holds one number, as many as leave registers for the weights: of 32, a RISC-V's compiler
/// fills so many with weights that sixteen sums would spill.
pub(crate) const BLOCK: usize = match VECTORS {
    true => 32,
    false if RISC_V => 8,
    false => 16,
};

/// Outputs side by side in what a whole block does not fit into. Without vectors a third kernel would
/// be a fifth of a sampler's code, for widths that are no multiple of 16.
pub(crate) const REST: usize = if VECTORS { 8 } else { 1 };

/// How many outputs the panel has that begins at output `first` of `outputs`.
pub(crate) const fn width(outputs: usize, first: usize) -> usize {
    match outputs - first {
        BLOCK.. => BLOCK,
        REST.. => REST,
        _ => 1,
    }
}
