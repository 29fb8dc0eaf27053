//! The matrix product over lanes of samples.

use super::LANES;
use crate::kernel::Term;
use crate::panel::{BLOCK, REST};
use crate::vectors::{Vectors, with_vectors};

/// What an output's sum begins with.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// The same for all samples, `[outputs]`.
    Same(&'a [f32]),
    /// Each sample's own, `[outputs]` of lanes.
    Each(&'a [[f32; LANES]]),
}

/// As [`kernel::affine`](crate::kernel::affine) in every lane: sets `out[o]` to `start`'s `o`, plus
/// `first`'s term if there is one, plus `inputs[i] · columns[i][o]` for `i` in order, each product and
/// each sum rounded. `columns` (`[inputs.len()][out.len()]`) lies in [panels](crate::panel).
pub(crate) fn affine(
    out: &mut [[f32; LANES]],
    start: Start<'_>,
    first: Option<Term<'_>>,
    columns: &[f32],
    inputs: &[[f32; LANES]],
) {
    with_vectors!(vectors => Product { vectors, start, first, inputs }.write(out, columns));
}

/// All of a product but its columns.
struct Product<'a, M> {
    vectors: M,
    start: Start<'a>,
    first: Option<Term<'a>>,
    inputs: &'a [[f32; LANES]],
}

impl<M: Vectors> Product<'_, M> {
    #[inline(always)]
    fn write(&self, out: &mut [[f32; LANES]], columns: &[f32]) {
        // As many sums side by side as registers hold, and the additions' latency asks for.
        match M::WIDTH {
            16 => self.outputs::<16, REST>(out, columns),
            8 => self.outputs::<4, 4>(out, columns),
            _ if cfg!(target_arch = "aarch64") => self.outputs::<4, 4>(out, columns),
            _ => self.outputs::<2, 2>(out, columns),
        }
    }

    /// `N` outputs side by side, of the smaller panels `R`.
    #[inline(always)]
    fn outputs<const N: usize, const R: usize>(&self, out: &mut [[f32; LANES]], columns: &[f32]) {
        let (done, columns) = self.panels::<BLOCK, N>(out, 0, columns);
        let (done, columns) =
            if REST > 1 { self.panels::<REST, R>(out, done, columns) } else { (done, columns) };
        self.panels::<1, 1>(out, done, columns);
    }

    /// Does as many panels of `W` outputs as there are from output `at` on; where the next begins, and
    /// its columns.
    #[inline(always)]
    fn panels<'c, const W: usize, const N: usize>(
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
            let mut column = 0;
            while column + N <= W {
                self.tile::<W, N>(out, at + column, rows, column);
                column += N;
            }
            at += W;
            columns = rest;
        }
        (at, columns)
    }

    /// `N` outputs from `at` on: the columns of a panel's `rows` from `column` on.
    #[inline(always)]
    fn tile<const W: usize, const N: usize>(
        &self,
        out: &mut [[f32; LANES]],
        at: usize,
        rows: &[[f32; W]],
        column: usize,
    ) {
        let vectors = self.vectors;
        let Some(out) = out.get_mut(at..).and_then(|out| out.first_chunk_mut::<N>()) else {
            return;
        };
        let mut sums = [vectors.splat(0.0); N];
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
            let Some(weights) = part(weights, at) else { return };
            add(vectors, &mut sums, weights, vectors.splat(input));
        }
        for (row, input) in rows.iter().zip(self.inputs) {
            let Some(weights) = part(row, column) else { return };
            add(vectors, &mut sums, weights, vectors.load(input));
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            vectors.store(sum, out);
        }
    }
}

/// Adds one input's term to every sum. A closure would not always be inlined.
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

/// `N` values from `at` on, if there are so many.
#[inline(always)]
fn part<T, const N: usize>(values: &[T], at: usize) -> Option<&[T; N]> {
    values.get(at..)?.first_chunk()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel;
    use std::vec::Vec;

    /// `[outputs][lanes]` of random sums, and what the kernel of a single sample makes of each lane.
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

        fn check(&self, write: impl Fn(&mut [[f32; LANES]], Start<'_>, Option<Term<'_>>)) {
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
                    kernel::affine(&mut expected, &start, first, &self.columns, &of(&self.inputs));
                    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&of(&found)), bits(&expected), "{} outputs", self.outputs);
                }
            }
        }
    }

    fn cases() -> impl Iterator<Item = Case> {
        [1, 2, 7, 8, 9, 31, 32, 33, 40, 41, 64, 97]
            .into_iter()
            .flat_map(|outputs| [0, 1, 3, 64].map(|inputs| Case::new(outputs, inputs)))
    }

    #[test]
    fn every_lane_gets_the_bits_of_a_single_sample() {
        for case in cases() {
            case.check(|out, start, first| affine(out, start, first, &case.columns, &case.inputs));
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn every_set_of_vectors_gives_the_same_bits() {
        for case in cases() {
            crate::vectors::under_each_set!(vectors => case.check(|out, start, first| {
                let product = Product { vectors, start, first, inputs: &case.inputs };
                vectors.vectorize(
                    #[inline(always)]
                    || product.write(out, &case.columns),
                );
            }));
        }
    }
}
