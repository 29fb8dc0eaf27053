//! Panels with explicit vectors, used where a register holds eight numbers or more.

use super::{Product, Term, part};
use crate::activation::sealed::Pointwise;
use crate::lanes::LANES;
use crate::panel::BLOCK;
use crate::vectors::{HALF, Vectors};

/// The number of outputs in two panels.
const PAIR: usize = 2 * BLOCK;

impl Product<'_> {
    /// Computes the remaining panels in pairs, as far as there are pairs. With wide registers, one panel has
    /// too few sums to hide the latency of an addition.
    ///
    /// Uses vectors of eight numbers, even where a register holds sixteen. On a core that executes sixteen
    /// lanes in two halves (Zen 4), broadcasting an input to sixteen lanes takes as long as a multiplication.
    #[inline(always)]
    pub(super) fn pairs<M: Vectors, A: Pointwise>(
        &mut self,
        vectors: M,
        first: Option<Term<'_>>,
        inputs: &[f32],
    ) {
        let (pairs, out) = core::mem::take(&mut self.out).as_chunks_mut::<PAIR>();
        let (starts, start) = self.start.as_chunks::<PAIR>();
        (self.out, self.start) = (out, start);
        for (pair, start) in pairs.iter_mut().zip(starts) {
            let Some((panels, columns)) = self.columns.split_at_checked(PAIR * inputs.len()) else {
                return;
            };
            let (one, other) = panels.split_at(BLOCK * inputs.len());
            let (one, other) = (one.as_chunks::<BLOCK>().0, other.as_chunks::<BLOCK>().0);
            let mut sums = [[vectors.splat_half(0.0); BLOCK / HALF]; 2];
            let halves = start.as_chunks::<HALF>().0;
            for (sum, start) in sums.as_flattened_mut().iter_mut().zip(halves) {
                *sum = vectors.load_half(start);
            }
            if let Some((column, input)) = first {
                let Some(weights) = part::<_, PAIR>(column, self.at) else { return };
                add_halves(vectors, sums.as_flattened_mut(), weights, vectors.splat_half(input));
            }
            for ((one, other), &input) in one.iter().zip(other).zip(inputs) {
                let input = vectors.splat_half(input);
                add_halves(vectors, &mut sums[0], one, input);
                add_halves(vectors, &mut sums[1], other, input);
            }
            let mut units = [vectors.splat(0.0); PAIR / LANES];
            for (unit, sums) in units.iter_mut().zip(sums.as_flattened().as_chunks::<2>().0) {
                *unit = vectors.join(*sums);
            }
            A::apply_to_vectors(vectors, &mut units);
            for (out, unit) in pair.as_chunks_mut::<LANES>().0.iter_mut().zip(units) {
                vectors.store(unit, out);
            }
            self.columns = columns;
            self.at += PAIR;
        }
    }

    /// Computes the remaining outputs one by one. The additions of an output depend on each other, so
    /// [`PAIR`] products at a time are computed before they are added.
    #[inline(always)]
    pub(super) fn singles<M: Vectors>(
        &mut self,
        vectors: M,
        first: Option<Term<'_>>,
        inputs: &[f32],
    ) {
        let width = inputs.len();
        let (ahead, rest) = inputs.as_chunks::<PAIR>();
        for (out, &start) in core::mem::take(&mut self.out).iter_mut().zip(self.start) {
            let Some((column, columns)) = self.columns.split_at_checked(width) else { return };
            let mut sum = start;
            if let Some((weights, input)) = first {
                let Some(&weight) = weights.get(self.at) else { return };
                sum += weight * input;
            }
            let (weights, rest_weights) = column.as_chunks::<PAIR>();
            for (weights, inputs) in weights.iter().zip(ahead) {
                let mut products = [0.0; PAIR];
                let lanes =
                    weights.as_chunks::<LANES>().0.iter().zip(inputs.as_chunks::<LANES>().0);
                for (products, (weights, inputs)) in
                    products.as_chunks_mut::<LANES>().0.iter_mut().zip(lanes)
                {
                    vectors.store(vectors.load(weights) * vectors.load(inputs), products);
                }
                for product in products {
                    sum += product;
                }
            }
            for (weight, input) in rest_weights.iter().zip(rest) {
                sum += weight * input;
            }
            *out = sum;
            self.columns = columns;
            self.at += 1;
        }
    }
}

/// Adds one input's term to sums in half vectors. This is a function because closures are not always inlined.
#[inline(always)]
fn add_halves<M: Vectors>(vectors: M, sums: &mut [M::Half], weights: &[f32], input: M::Half) {
    for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<HALF>().0) {
        *sum = *sum + vectors.load_half(weights) * input;
    }
}
