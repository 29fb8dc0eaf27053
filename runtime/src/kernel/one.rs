//! The product for one sample.

use super::Term;
use crate::activation::{Identity, sealed::Pointwise};
use crate::panel::{BLOCK, REST};
use crate::vectors::{Vectors, with_vectors};

/// Sets every `out[o]` to `start[o]`, plus `first`'s term if there is one, plus `inputs[i] · columns[i][o]`
/// for `i` in order. `start` is as long as `out`. `columns` (`[inputs.len()][out.len()]`) is laid out in
/// [panels](crate::panel).
pub(crate) fn product(
    out: &mut [f32],
    start: &[f32],
    first: Option<Term<'_>>,
    columns: &[f32],
    inputs: &[f32],
) {
    with_vectors!(vectors => Product::new(out, start, columns).write::<_, Identity>(vectors, first, inputs));
}

/// The part of a product that is still to be computed: the outputs from number `at` on, and their panels of
/// weights.
pub(crate) struct Product<'a> {
    pub(super) out: &'a mut [f32],
    pub(super) start: &'a [f32],
    pub(super) at: usize,
    pub(super) columns: &'a [f32],
}

impl<'a> Product<'a> {
    /// The whole product. The arguments are those of [`product`].
    #[inline(always)]
    pub(crate) fn new(out: &'a mut [f32], start: &'a [f32], columns: &'a [f32]) -> Self {
        debug_assert_eq!(out.len(), start.len(), "one initial sum for each output");
        Self { out, start, at: 0, columns }
    }

    /// Computes [`product`] with these vectors, then applies `A` to each output.
    #[inline(always)]
    pub(crate) fn write<M: Vectors, A: Pointwise>(
        mut self,
        vectors: M,
        first: Option<Term<'_>>,
        inputs: &[f32],
    ) {
        debug_assert_eq!(
            self.columns.len(),
            self.out.len() * inputs.len(),
            "one weight for each pair of input and output"
        );
        debug_assert!(first.is_none_or(|(column, _)| column.len() == self.out.len()));
        if M::WIDE {
            self.pairs::<M, A>(vectors, first, inputs);
            if self.out.is_empty() {
                return;
            }
        }
        let Self { out, start, at, columns } = self;
        let mut rest = Product { out: &mut *out, start, at, columns };
        rest.panels::<BLOCK>(first, inputs);
        if REST > 1 {
            rest.panels::<REST>(first, inputs);
        }
        if M::WIDE {
            rest.singles(vectors, first, inputs);
        } else {
            rest.panels::<1>(first, inputs);
        }
        A::apply_to_slice(vectors, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel;

    /// The product, one output at a time, in the contract's order.
    fn reference(out: &mut [f32], columns: &[f32], inputs: &[f32]) {
        let width = out.len();
        for (o, sum) in out.iter_mut().enumerate() {
            for (i, input) in inputs.iter().enumerate() {
                *sum += columns[i * width + o] * input;
            }
        }
    }

    /// Converts weights from `[input][output]` to panels.
    fn pack(columns: &[f32], outputs: usize) -> std::vec::Vec<f32> {
        let (mut packed, mut first) = (std::vec::Vec::new(), 0);
        while first < outputs {
            let width = panel::width(outputs, first);
            let parts = columns.chunks_exact(outputs).map(|column| &column[first..first + width]);
            packed.extend(parts.flatten());
            first += width;
        }
        packed
    }

    #[test]
    fn every_block_width_adds_in_the_contracts_order() {
        let mut state = 1u32;
        let mut draw = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        for width in [1, 2, 7, 8, 9, 15, 31, 32, 33, 40, 41, 64, 97, 130] {
            for inputs in [0, 1, 3, 64, 130] {
                let columns: [f32; 130 * 130] = core::array::from_fn(|_| draw());
                let inputs_: [f32; 130] = core::array::from_fn(|_| draw());
                let start: [f32; 130] = core::array::from_fn(|_| draw());
                let (mut found, mut expected) = (start, start);
                let (columns, inputs_) = (&columns[..width * inputs], &inputs_[..inputs]);
                // Passes the first input as the first term, as the network does with the time.
                let (first, columns_, rest) = match inputs_ {
                    [] => (None, columns, inputs_),
                    [input, rest @ ..] => {
                        (Some((&columns[..width], *input)), &columns[width..], rest)
                    }
                };
                let packed = pack(columns_, width);
                reference(&mut expected[..width], columns, inputs_);
                let check = |found: [f32; 130]| {
                    let (found, expected) = (found.map(f32::to_bits), expected.map(f32::to_bits));
                    assert_eq!(found, expected, "{width}×{inputs}");
                };
                product(&mut found[..width], &start[..width], first, &packed, rest);
                check(found);
                #[cfg(feature = "std")]
                crate::vectors::for_each_vector_set!(vectors => {
                    let mut found = start;
                    let product = Product::new(&mut found[..width], &start[..width], &packed);
                    product.write::<_, Identity>(vectors, first, rest);
                    check(found);
                });
            }
        }
    }
}
