//! Panels in plain loops over arrays: where a register holds one number or four, and for the outputs that are
//! left over where it holds more.

use super::{Product, Term, part};

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
            // Four inputs at a time: otherwise the loop's own instructions are a ninth of all where a register
            // holds one number. For a single output it would be more code and no faster.
            if W > 1 {
                let (row_fours, row_rest) = rows.as_chunks::<4>();
                let (fours, rest) = inputs.as_chunks::<4>();
                for (rows, inputs) in row_fours.iter().zip(fours) {
                    for (weights, &input) in rows.iter().zip(inputs) {
                        add(&mut sums, weights, input);
                    }
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

/// Adds one input's term to every sum.
#[inline(always)]
fn add<const W: usize>(sums: &mut [f32; W], weights: &[f32; W], input: f32) {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        *sum += weight * input;
    }
}
