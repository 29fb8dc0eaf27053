//! Panels of sums in an array: where a register holds one number or four, and for the outputs that are left
//! over where it holds more.

use super::{Product, Term, part};
use crate::registers::{FLOAT_UNIT, RISC_V, VECTORS};

/// How many inputs' terms are added in one round of a loop over inputs, in panels of several outputs. Of four, a
/// RISC-V's compiler would load all weights first, and spill.
const INPUTS: usize = if RISC_V { 2 } else { 4 };

/// Whether each of the sums and each of a round's inputs has a statement of its own: at `s` and `z` the compiler
/// does not unroll a loop over them, and would keep the sums in memory. With vectors it takes a whole loop for a
/// vector; and where each operation is a call, the statements would be much code and hardly faster.
const WRITTEN_OUT: bool = FLOAT_UNIT && !VECTORS;

impl Product<'_> {
    /// Computes as many panels of `W` outputs as are left.
    #[inline(always)]
    pub(super) fn panels<const W: usize>(&mut self, first: Option<Term<'_>>, inputs: &[f32]) {
        let (blocks, out) = core::mem::take(&mut self.out).as_chunks_mut::<W>();
        let (starts, start) = self.start.as_chunks::<W>();
        (self.out, self.start) = (out, start);
        for (block, start) in blocks.iter_mut().zip(starts) {
            let Some((panel, columns)) = self.columns.split_at_checked(W * inputs.len()) else {
                return;
            };
            let mut sums = *start;
            if let Some((column, input)) = first {
                let Some(weights) = part::<_, W>(column, self.at) else { return };
                add(&mut sums, weights, input);
            }
            let (mut rows, mut inputs) = (panel.as_chunks::<W>().0, inputs);
            // Several inputs in a round: otherwise the loop's own instructions are a ninth of all where a register
            // holds one number. For a single output it would be more code and no faster.
            if W > 1 {
                let (row_rounds, row_rest) = rows.as_chunks::<INPUTS>();
                let (rounds, rest) = inputs.as_chunks::<INPUTS>();
                for (rows, inputs) in row_rounds.iter().zip(rounds) {
                    add_all(&mut sums, rows, inputs);
                }
                (rows, inputs) = (row_rest, rest);
            }
            for (weights, &input) in rows.iter().zip(inputs) {
                add(&mut sums, weights, input);
            }
            *block = sums;
            self.columns = columns;
            self.at += W;
        }
    }
}

/// Evaluates a statement for each `$k` below `$count`, which is at most 16.
macro_rules! for_each_below {
    ($count:ident, $k:ident => $statement:expr) => {
        for_each_below!(@ $count, $k => $statement; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)
    };
    (@ $count:ident, $k:ident => $statement:expr; $($number:literal)*) => {
        $(if $number < $count {
            const $k: usize = $number;
            $statement;
        })*
    };
}

/// Adds the terms of some inputs to every sum, input after input.
#[inline(always)]
fn add_all<const W: usize, const N: usize>(
    sums: &mut [f32; W],
    rows: &[[f32; W]; N],
    inputs: &[f32; N],
) {
    if WRITTEN_OUT {
        for_each_below!(N, INPUT => add(sums, &rows[INPUT], inputs[INPUT]));
    } else {
        for (weights, &input) in rows.iter().zip(inputs) {
            add(sums, weights, input);
        }
    }
}

/// Adds one input's term to every sum.
#[inline(always)]
fn add<const W: usize>(sums: &mut [f32; W], weights: &[f32; W], input: f32) {
    const { assert!(W <= 16 || !WRITTEN_OUT, "as many sums as have a statement") };
    if WRITTEN_OUT {
        for_each_below!(W, OUTPUT => sums[OUTPUT] += weights[OUTPUT] * input);
    } else {
        for (sum, &weight) in sums.iter_mut().zip(weights) {
            *sum += weight * input;
        }
    }
}
