//! The arithmetic that both front ends share: [`Mlp`](crate::Mlp) and
//! [`HeapMlp`](crate::HeapMlp) differ in where their sizes come from, not in a single operation.
//!
//! Nothing here is generic over a model, so nothing is compiled again in the crate that uses it: a
//! game's debug build calls code that was optimised here.

use crate::activation::{Linear, sealed::Pointwise};
use crate::lanes::LANES;
use crate::panel::{BLOCK, REST};
use crate::vectors::{HALF, Vectors, with_vectors};

/// A column `[outputs]` and the one number that it is multiplied by.
pub(crate) type Term<'a> = (&'a [f32], f32);

/// Sets every `out[o]` to `start[o]`, plus `first`'s term if there is one, plus `inputs[i] ·
/// columns[i][o]` for `i` in order. `start` is as long as `out`, and `columns`
/// (`[inputs.len()][outputs]`) lies in [panels](crate::panel).
///
/// For each output the terms are added one after the other, each product and each sum rounded:
/// this order is part of the numeric contract.
pub(crate) fn affine(
    out: &mut [f32],
    start: &[f32],
    first: Option<Term<'_>>,
    columns: &[f32],
    inputs: &[f32],
) {
    with_vectors!(vectors => Panels::new(out, start, columns).write::<_, Linear>(vectors, first, inputs));
}

/// The panels of a product that are still to be done: those from output `at` on.
pub(crate) struct Panels<'a> {
    out: &'a mut [f32],
    start: &'a [f32],
    at: usize,
    columns: &'a [f32],
}

/// What a pair of panels has.
const PAIR: usize = 2 * BLOCK;

impl<'a> Panels<'a> {
    /// All of them, as [`affine`] takes them.
    #[inline(always)]
    pub(crate) fn new(out: &'a mut [f32], start: &'a [f32], columns: &'a [f32]) -> Self {
        Self { out, start, at: 0, columns }
    }

    /// [`affine`] under these vectors, and `A` of each output.
    #[inline(always)]
    pub(crate) fn write<M: Vectors, A: Pointwise>(
        mut self,
        vectors: M,
        first: Option<Term<'_>>,
        inputs: &[f32],
    ) {
        if M::WIDE {
            self.accumulate_pairs::<M, A>(vectors, first, inputs);
            if self.out.is_empty() {
                return;
            }
        }
        let Self { out, start, at, columns } = self;
        let mut panels = Panels { out: &mut *out, start, at, columns };
        panels.accumulate::<BLOCK>(first, inputs);
        if REST > 1 {
            panels.accumulate::<REST>(first, inputs);
        }
        if M::WIDE {
            panels.accumulate_ones(vectors, first, inputs);
        } else {
            panels.accumulate::<1>(first, inputs);
        }
        A::of_slice(vectors, out);
    }

    /// Does as many pairs of panels as there are: where registers are wide, a panel's sums are too few to
    /// hide the latency of an addition.
    ///
    /// Eight numbers at a time, even where a register holds sixteen: on a core that works on those in two
    /// halves (Zen 4) the broadcast of an input into sixteen lanes takes as long as a multiplication.
    #[inline(always)]
    fn accumulate_pairs<M: Vectors, A: Pointwise>(
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
                let Some(weights) = part::<PAIR>(column, self.at) else { return };
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
            A::of_vectors(vectors, &mut units);
            for (out, unit) in pair.as_chunks_mut::<LANES>().0.iter_mut().zip(units) {
                vectors.store(unit, out);
            }
            self.columns = columns;
            self.at += PAIR;
        }
    }

    /// Does as many single outputs as there are. Their additions wait for each other: the multiplications
    /// are done ahead of them, some at a time.
    #[inline(always)]
    fn accumulate_ones<M: Vectors>(&mut self, vectors: M, first: Option<Term<'_>>, inputs: &[f32]) {
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

    /// Does as many panels of `W` outputs as there are.
    #[inline(always)]
    fn accumulate<const W: usize>(&mut self, first: Option<Term<'_>>, inputs: &[f32]) {
        let (blocks, out) = core::mem::take(&mut self.out).as_chunks_mut::<W>();
        let (starts, start) = self.start.as_chunks::<W>();
        (self.out, self.start) = (out, start);
        for (block, start) in blocks.iter_mut().zip(starts) {
            let Some((panel, columns)) = self.columns.split_at_checked(W * inputs.len()) else {
                return;
            };
            let mut sums = *start;
            if let Some((column, input)) = first {
                let Some(weights) = part(column, self.at) else { return };
                add(&mut sums, weights, input);
            }
            let (mut rows, mut inputs) = (panel.as_chunks::<W>().0, inputs);
            // Four inputs at a time: the loop's own instructions are a ninth of it otherwise, where a
            // register holds one number. For a single output that would be code without gain.
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

/// `W` values from `at` on, if there are so many.
#[inline(always)]
fn part<const W: usize>(values: &[f32], at: usize) -> Option<&[f32; W]> {
    values.get(at..)?.first_chunk()
}

/// Adds one input's term to sums of half a vector each. A closure would not always be inlined.
#[inline(always)]
fn add_halves<M: Vectors>(vectors: M, sums: &mut [M::Half], weights: &[f32], input: M::Half) {
    for (sum, weights) in sums.iter_mut().zip(weights.as_chunks::<HALF>().0) {
        *sum = *sum + vectors.load_half(weights) * input;
    }
}

/// Adds one input's term to every sum.
#[inline(always)]
fn add<const W: usize>(sums: &mut [f32; W], weights: &[f32; W], input: f32) {
    for (sum, &weight) in sums.iter_mut().zip(weights) {
        *sum += weight * input;
    }
}

/// Flow units of a condition, `(c − mean) ÷ scale`.
#[inline]
pub(crate) fn standardize(c: f32, mean: f32, scale: f32) -> f32 {
    (c - mean) / scale
}

/// Data units of flow coordinates, `x · scale + mean`.
pub(crate) fn to_data_units(x: &mut [f32], mean: &[f32], scale: &[f32]) {
    for ((x, &mean), &scale) in x.iter_mut().zip(mean).zip(scale) {
        *x = canonical(*x * scale + mean);
    }
}

/// Flow units of data, `(x − mean) ÷ scale`: the way back from [`to_data_units`].
pub(crate) fn to_flow_units(x: &mut [f32], mean: &[f32], scale: &[f32]) {
    for ((x, &mean), &scale) in x.iter_mut().zip(mean).zip(scale) {
        *x = canonical((*x - mean) / scale);
    }
}

/// Euler's step, `x ← x + (v · dt)`.
pub(crate) fn euler(x: &mut [f32], v: &[f32], dt: f32) {
    for (x, &v) in x.iter_mut().zip(v) {
        *x = along(*x, v, dt);
    }
}

/// `x + (v · dt)`
#[inline]
pub(crate) fn along(x: f32, v: f32, dt: f32) -> f32 {
    canonical(x + v * dt)
}

/// Half a step's length.
#[inline]
pub(crate) fn half(dt: f32) -> f32 {
    dt * 0.5
}

/// Heun's step; `h` is [`half`] its length.
pub(crate) fn heun(x: &mut [f32], v_1: &[f32], v_2: &[f32], h: f32) {
    for ((x, &v_1), &v_2) in x.iter_mut().zip(v_1).zip(v_2) {
        *x = along(*x, v_1 + v_2, h);
    }
}

/// A sixth of a step's length.
#[inline]
pub(crate) fn sixth(dt: f32) -> f32 {
    dt / 6.0
}

/// The classical Runge–Kutta step; `sixth` is that of its length.
pub(crate) fn rk4(x: &mut [f32], [v_1, v_2, v_3, v_4]: [&[f32]; 4], sixth: f32) {
    let velocities = v_1.iter().zip(v_2).zip(v_3).zip(v_4);
    for (x, (((v_1, v_2), v_3), v_4)) in x.iter_mut().zip(velocities) {
        *x = along(*x, v_1 + 2.0 * v_2 + 2.0 * v_3 + v_4, sixth);
    }
}

/// How far the two-step Adams–Bashforth method extrapolates beyond the velocity at the step's start.
#[inline]
pub(crate) fn lean(dt: f32, dt_before: f32) -> f32 {
    half(dt) / dt_before
}

/// The two-step Adams–Bashforth step.
pub(crate) fn adams_bashforth(x: &mut [f32], v: &[f32], v_before: &[f32], lean: f32, dt: f32) {
    for ((x, &v), &v_before) in x.iter_mut().zip(v).zip(v_before) {
        *x = along(*x, v + (v - v_before) * lean, dt);
    }
}

/// Velocities led away from the unconditional ones, `v ← u + ((v − u) · weight)`.
pub(crate) fn guide(v: &mut [f32], u: &[f32], weight: f32) {
    for (v, &u) in v.iter_mut().zip(u) {
        *v = canonical(u + (*v - u) * weight);
    }
}

/// [`canonical`] of each.
#[inline]
pub(crate) fn make_canonical(xs: &mut [f32]) {
    for x in xs {
        *x = canonical(*x);
    }
}

/// [`canonical`] of a number that others wait for: where it is none, as nearly always, a branch that was
/// foreseen takes no time.
#[cfg(feature = "alloc")]
#[inline(always)]
pub(crate) fn make_one_canonical(x: &mut f32) {
    #[cold]
    #[inline(never)]
    fn nan() -> f32 {
        canonical(f32::NAN)
    }
    if x.is_nan() {
        *x = nan();
    }
}

/// Any NaN becomes `0x7fc00000`: the payload that an operation gives is the CPU's own affair.
#[inline]
pub(crate) fn canonical(x: f32) -> f32 {
    if x.is_nan() { f32::from_bits(0x7fc0_0000) } else { x }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel;

    /// One output at a time, in the contract's order.
    fn reference(out: &mut [f32], columns: &[f32], inputs: &[f32]) {
        let width = out.len();
        for (o, sum) in out.iter_mut().enumerate() {
            for (i, input) in inputs.iter().enumerate() {
                *sum += columns[i * width + o] * input;
            }
        }
    }

    /// From `[input][output]` to panels.
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
                // The first apart, as time is.
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
                affine(&mut found[..width], &start[..width], first, &packed, rest);
                check(found);
                #[cfg(feature = "std")]
                crate::vectors::under_each_set!(vectors => {
                    let mut found = start;
                    let panels = Panels::new(&mut found[..width], &start[..width], &packed);
                    panels.write::<_, Linear>(vectors, first, rest);
                    check(found);
                });
            }
        }
    }
}
