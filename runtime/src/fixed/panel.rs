//! The memory layout of weights: panels, which a kernel reads from beginning to end.
//!
//! A panel holds the weights of some outputs for all inputs. Inputs come in pairs, since many processors multiply two
//! pairs of 16-bit numbers and add the products with one instruction:
//!
//! ```text
//! [pairs of inputs][outputs of the panel][2]    and for an odd last input    [outputs of the panel]
//! ```
//!
//! A matrix is split into panels of [`PANEL`] outputs, and the outputs left over into panels of one. Bytes of two
//! four-bit weights take the place of pairs.

use crate::registers::{ASSEMBLY, CORTEX_M0, VECTORS};

/// The number of outputs that are summed side by side. It affects no output bit.
pub(crate) const PANEL: usize = match VECTORS {
    true => 16,
    // The registers of a Cortex-M0 hold one sum, in what the compiler makes of the kernel, and eight in assembly.
    false if CORTEX_M0 && !ASSEMBLY => 1,
    false if ASSEMBLY && !CORTEX_M0 => 4,
    false => 8,
};

/// The first output of the panel that holds `output`, and the panel's number of outputs.
#[allow(clippy::modulo_one, reason = "a panel has one output on a Cortex-M0")]
const fn panel(outputs: usize, output: usize) -> (usize, usize) {
    let first = output - output % PANEL;
    if first + PANEL <= outputs { (first, PANEL) } else { (output, 1) }
}

/// The index of a weight in a matrix of `[outputs][inputs]`.
pub(crate) const fn index(outputs: usize, inputs: usize, output: usize, input: usize) -> usize {
    let (first, width) = panel(outputs, output);
    let (pair, at) = (input / 2, output - first);
    let start = first * inputs;
    if pair < inputs / 2 {
        start + (pair * width + at) * 2 + input % 2
    } else {
        start + pair * width * 2 + at
    }
}

/// The index of the byte that holds a four-bit weight. The weight is in its low bits if the input is even.
pub(crate) const fn byte_index(
    outputs: usize,
    inputs: usize,
    output: usize,
    input: usize,
) -> usize {
    let (first, width) = panel(outputs, output);
    first * inputs.div_ceil(2) + (input / 2) * width + (output - first)
}

/// Splits a panel of `P` outputs into `count` groups of pairs, and the weights of an odd last input.
#[cfg(feature = "std")]
#[inline(always)]
pub(crate) fn pairs<T, const P: usize>(panel: &[T], count: usize) -> (&[[[T; 2]; P]], &[T]) {
    let Some((pairs, rest)) = panel.split_at_checked(2 * P * count) else { return (&[], &[]) };
    (pairs.as_chunks::<2>().0.as_chunks::<P>().0, rest)
}
