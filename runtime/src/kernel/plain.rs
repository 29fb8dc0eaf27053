//! Panels as plain loops over arrays. Used where a register holds one or four numbers, and elsewhere for the
//! outputs that are left over from wide vectors.

use super::{Product, Term, part};
use crate::registers::{FLOAT_UNIT, RISC_V, VECTORS};

/// The number of inputs per iteration of the loop over inputs, in panels of several outputs. With four, the
/// RISC-V compiler would load all weights first, and spill.
const INPUTS: usize = if RISC_V { 2 } else { 4 };

/// Whether the loops over sums and over an iteration's inputs are unrolled by hand. At `s` and `z` the
/// compiler does not unroll them, and would keep the sums in memory. Not with vectors, where the compiler
/// turns a whole loop into a vector. Not without an FPU, where each operation is a call: unrolling would add
/// much code and little speed.
const UNROLLED: bool = FLOAT_UNIT && !VECTORS;

impl Product<'_> {
    /// Computes all remaining outputs that fill panels of `W` outputs.
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
            // Several inputs per iteration: where a register holds one number, the loop's own instructions
            // would otherwise be a ninth of all. For a single output this would only add code.
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

/// Repeats a statement for each constant `$k` below `$count`, which is at most 16.
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

/// Adds the terms of `N` inputs to every sum, in the order of the inputs.
#[inline(always)]
fn add_all<const W: usize, const N: usize>(
    sums: &mut [f32; W],
    rows: &[[f32; W]; N],
    inputs: &[f32; N],
) {
    if UNROLLED {
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
    const { assert!(W <= 16 || !UNROLLED, "at most 16 sums are unrolled") };
    if UNROLLED {
        for_each_below!(W, OUTPUT => sums[OUTPUT] += weights[OUTPUT] * input);
    } else {
        for (sum, &weight) in sums.iter_mut().zip(weights) {
            *sum += weight * input;
        }
    }
}
