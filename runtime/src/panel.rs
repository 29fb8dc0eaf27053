//! How weights lie in memory: in panels, each the columns of some outputs side by side, input after
//! input, so that the kernel reads a panel from its beginning to its end.
//!
//! A matrix of `outputs` outputs is cut into panels of [`BLOCK`] outputs, what is left into panels of
//! [`REST`], and what is left then into single ones. The panel that begins at output `first` begins
//! at weight `first · inputs`: the panels before it hold as many.

/// Whether a register holds several numbers.
pub(crate) const VECTORS: bool =
    cfg!(any(target_feature = "sse", target_feature = "neon", target_feature = "simd128"));

/// How many outputs are accumulated side by side: eight vectors of four lanes, so that enough additions are in flight to
/// hide the latency of one; or, where a register holds one number, as many as leave registers for the weights. Lanes are
/// outputs, so this number changes no bit.
pub(crate) const BLOCK: usize = if VECTORS { 32 } else { 16 };

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
