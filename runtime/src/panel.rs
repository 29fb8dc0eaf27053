//! The memory layout of weights: panels, which a kernel reads from beginning to end.
//!
//! A panel holds the weights of some outputs, `[inputs][outputs of the panel]`. A matrix is split into panels
//! of [`BLOCK`] outputs. The outputs left over are split into panels of [`REST`] outputs, and then into
//! panels of one. The panel whose first output is `first` begins at weight `first · inputs`.

use crate::registers::{RISC_V, VECTORS};

/// The number of outputs that are summed side by side. It affects no output bit, since each output has its
/// own sum.
///
/// With vectors: eight registers of four lanes, enough independent additions to hide an addition's latency.
/// Without vectors: few enough to leave registers for the weights. The RISC-V compiler keeps so many weights
/// in its 32 registers that sixteen sums would spill.
pub(crate) const BLOCK: usize = match VECTORS {
    true => 32,
    false if RISC_V => 8,
    false => 16,
};

/// The number of outputs in a narrower panel, for the outputs that do not fill a block. Without vectors there
/// is no such panel: its kernel would be a fifth of a sampler's code, and only widths that are not a multiple
/// of 16 would use it.
pub(crate) const REST: usize = if VECTORS { 8 } else { 1 };

/// The number of outputs in the panel that begins at output `first` of `outputs`.
pub(crate) const fn width(outputs: usize, first: usize) -> usize {
    match outputs - first {
        BLOCK.. => BLOCK,
        REST.. => REST,
        _ => 1,
    }
}
