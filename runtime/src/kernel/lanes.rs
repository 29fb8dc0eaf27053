//! The product for [`LANES`] samples side by side.

use super::{Start, Term, part};
use crate::lanes::LANES;
use crate::panel::{BLOCK, REST};
use crate::vectors::{Vectors, with_vectors};

/// Inputs in a block where a tile has few outputs. A panel's tiles share a block: 16 KiB of weights and 8 KiB of
/// inputs, which stay in the L1 cache, where the whole panel of a wide layer would not.
const INPUTS: usize = 128;

/// Computes [`product`](super::product) in every lane. Sets `out[o]` to value `o` of `start`, plus `first`'s
/// term if there is one, plus `inputs[i] · columns[i][o]` for `i` in order. `columns`
/// (`[inputs.len()][out.len()]`) is laid out in [panels](crate::panel).
pub(crate) fn lane_product(
    out: &mut [[f32; LANES]],
    start: Start<'_, [f32; LANES]>,
    first: Option<Term<'_>>,
    columns: &[f32],
    inputs: &[[f32; LANES]],
) {
    with_vectors!(vectors => LaneProduct { vectors, start, first, inputs }.write(out, columns));
}

/// The arguments of [`lane_product`] without `out` and `columns`.
struct LaneProduct<'a, M> {
    vectors: M,
    start: Start<'a, [f32; LANES]>,
    first: Option<Term<'a>>,
    inputs: &'a [[f32; LANES]],
}

impl<M: Vectors> LaneProduct<'_, M> {
    #[inline(always)]
    fn write(&self, out: &mut [[f32; LANES]], columns: &[f32]) {
        // Enough sums side by side to hide an addition's latency, and few enough for the registers. Where a vector is two
        // registers of sixteen, twelve of them hold sums: with eight, loads and broadcasts take a tenth of the time.
        match M::WIDTH {
            16 => self.outputs::<16, REST, 1>(out, columns),
            8 => self.outputs::<6, 4, { BLOCK % 6 }>(out, columns),
            _ if cfg!(target_arch = "aarch64") => self.outputs::<4, 4, 1>(out, columns),
            _ => self.outputs::<2, 2, 1>(out, columns),
        }
    }

    /// Computes all outputs, `N` side by side in full panels and `R` side by side in narrower ones. `T` outputs are left
    /// over in a full panel that `N` does not divide.
    #[inline(always)]
    fn outputs<const N: usize, const R: usize, const T: usize>(
        &self,
        out: &mut [[f32; LANES]],
        columns: &[f32],
    ) {
        let (done, columns) = self.panels::<BLOCK, N, T>(out, 0, columns);
        let (done, columns) =
            if REST > 1 { self.panels::<REST, R, 1>(out, done, columns) } else { (done, columns) };
        self.panels::<1, 1, 1>(out, done, columns);
    }

    /// Computes the outputs from `at` on that fill panels of `W` outputs, in tiles of `N` outputs and then of `T`.
    /// Returns the output after them, and the columns from there on.
    #[inline(always)]
    fn panels<'c, const W: usize, const N: usize, const T: usize>(
        &self,
        out: &mut [[f32; LANES]],
        mut at: usize,
        mut columns: &'c [f32],
    ) -> (usize, &'c [f32]) {
        while at + W <= out.len() {
            let Some((panel, rest)) = columns.split_at_checked(W * self.inputs.len()) else {
                break;
            };
            let rows = panel.as_chunks::<W>().0;
            let few = W / N > 2;
            let length = if few { INPUTS.min(rows.len()) } else { rows.len() };
            let (first, rest_rows) = rows.split_at_checked(length).unwrap_or((rows, &[]));
            self.tiles::<W, N, T>(out, at, first, self.inputs, false);
            if few {
                let inputs = self.inputs.get(length..).unwrap_or_default();
                for (rows, inputs) in rest_rows.chunks(INPUTS).zip(inputs.chunks(INPUTS)) {
                    self.tiles::<W, N, T>(out, at, rows, inputs, true);
                }
            }
            at += W;
            columns = rest;
        }
        (at, columns)
    }

    /// Computes all tiles of a panel whose first output is `at`.
    #[inline(always)]
    fn tiles<const W: usize, const N: usize, const T: usize>(
        &self,
        out: &mut [[f32; LANES]],
        at: usize,
        rows: &[[f32; W]],
        inputs: &[[f32; LANES]],
        continues: bool,
    ) {
        let mut column = 0;
        while column + N <= W {
            self.tile::<W, N>(out, at + column, rows, inputs, column, continues);
            column += N;
        }
        if !W.is_multiple_of(N) {
            self.tile::<W, T>(out, at + column, rows, inputs, column, continues);
        }
    }

    /// Adds `inputs[i] · rows[i][column..column + N]` for `i` in order to the `N` outputs from `at` on. The sums begin
    /// with the initial sums and the first term, or they continue the sums in `out`.
    #[inline(always)]
    fn tile<const W: usize, const N: usize>(
        &self,
        out: &mut [[f32; LANES]],
        at: usize,
        rows: &[[f32; W]],
        inputs: &[[f32; LANES]],
        column: usize,
        continues: bool,
    ) {
        let vectors = self.vectors;
        let Some(out) = out.get_mut(at..).and_then(|out| out.first_chunk_mut::<N>()) else {
            return;
        };
        let mut sums = [vectors.splat(0.0); N];
        if continues {
            for (sum, out) in sums.iter_mut().zip(&*out) {
                *sum = vectors.load(out);
            }
        } else {
            match self.start {
                Start::Same(start) => {
                    let Some(start) = part::<_, N>(start, at) else { return };
                    for (sum, &start) in sums.iter_mut().zip(start) {
                        *sum = vectors.splat(start);
                    }
                }
                Start::Each(start) => {
                    let Some(start) = part::<_, N>(start, at) else { return };
                    for (sum, start) in sums.iter_mut().zip(start) {
                        *sum = vectors.load(start);
                    }
                }
            }
            if let Some((weights, input)) = self.first {
                let Some(weights) = part::<_, N>(weights, at) else { return };
                add(vectors, &mut sums, weights, vectors.splat(input));
            }
        }
        for (row, input) in rows.iter().zip(inputs) {
            let Some(weights) = part::<_, N>(row, column) else { return };
            add(vectors, &mut sums, weights, vectors.load(input));
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            vectors.store(sum, out);
        }
    }
}

/// Adds one input's term to every sum. This is a function because closures are not always inlined.
#[inline(always)]
fn add<M: Vectors, const N: usize>(
    vectors: M,
    sums: &mut [M::V; N],
    weights: &[f32; N],
    input: M::V,
) {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        *sum = *sum + vectors.splat(weight) * input;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::product;
    use std::vec::Vec;

    /// A product of random numbers for all lanes, which is compared with the kernel for one sample.
    struct Case {
        outputs: usize,
        start: Vec<f32>,
        each: Vec<[f32; LANES]>,
        first: Vec<f32>,
        columns: Vec<f32>,
        inputs: Vec<[f32; LANES]>,
    }

    impl Case {
        fn new(outputs: usize, inputs: usize) -> Self {
            let mut state = 1u32;
            let mut draw = || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            };
            Self {
                outputs,
                start: (0..outputs).map(|_| draw()).collect(),
                each: (0..outputs).map(|_| core::array::from_fn(|_| draw())).collect(),
                first: (0..outputs).map(|_| draw()).collect(),
                columns: (0..outputs * inputs).map(|_| draw()).collect(),
                inputs: (0..inputs).map(|_| core::array::from_fn(|_| draw())).collect(),
            }
        }

        fn check(
            &self,
            write: impl Fn(&mut [[f32; LANES]], Start<'_, [f32; LANES]>, Option<Term<'_>>),
        ) {
            for (own, timed) in [(false, false), (false, true), (true, false), (true, true)] {
                let start = if own { Start::Each(&self.each) } else { Start::Same(&self.start) };
                let first = timed.then_some((&self.first[..], 0.3));
                let mut found = std::vec![[0.0; LANES]; self.outputs];
                write(&mut found, start, first);
                for lane in 0..LANES {
                    let of = |lanes: &[[f32; LANES]]| -> Vec<f32> {
                        lanes.iter().map(|lanes| lanes[lane]).collect()
                    };
                    let start = if own { of(&self.each) } else { self.start.clone() };
                    let mut expected = std::vec![0.0; self.outputs];
                    product(&mut expected, &start, first, &self.columns, &of(&self.inputs));
                    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&of(&found)), bits(&expected), "{} outputs", self.outputs);
                }
            }
        }
    }

    fn cases() -> impl Iterator<Item = Case> {
        [1, 2, 7, 8, 9, 31, 32, 33, 40, 41, 64, 97]
            .into_iter()
            // More inputs than one block has, and than two.
            .flat_map(|outputs| [0, 1, 3, 64, 130, 300].map(|inputs| Case::new(outputs, inputs)))
    }

    #[test]
    fn every_lane_has_the_bits_of_a_single_sample() {
        for case in cases() {
            case.check(|out, start, first| {
                lane_product(out, start, first, &case.columns, &case.inputs)
            });
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn every_set_of_vectors_gives_the_same_bits() {
        for case in cases() {
            crate::vectors::for_each_vector_set!(vectors => case.check(|out, start, first| {
                let product = LaneProduct { vectors, start, first, inputs: &case.inputs };
                vectors.vectorize(
                    #[inline(always)]
                    || product.write(out, &case.columns),
                );
            }));
        }
    }
}
