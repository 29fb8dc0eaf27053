//! The forward pass of one sample, with vectors of outputs.
//!
//! The weights of a panel for a pair of inputs fill a vector. An instruction multiplies them by the pair and adds the
//! products.

use fearless_simd::{Bytes, i16x32, i32x16};

use super::activation::{Rounding, unit};
use super::network::{Layer, Network, Scratch, point_input, time_input, velocity};
use super::panel::PANEL;
use super::pointwise::{Sequence, load, table, units};
use super::sums::Start;
use super::vectors::{Integers, Lines, with_integers};
use super::weight::Weight;
use crate::activation::ActivationKind;

/// The outputs of a panel as vectors hold them.
const LANES: usize = 16;

impl<W: Weight> Network<'_, W> {
    /// [`Self::plain_velocity`] with vectors, if the processor has them. The bits are the same.
    pub(crate) fn vector_velocity(
        &self,
        kind: ActivationKind,
        prefix: &[i32],
        (t, x): (i32, &[i32]),
        v: &mut [i32],
        Scratch { inputs, sums, units, next }: Scratch<'_>,
    ) {
        if PANEL != LANES {
            let scratch = Scratch { inputs, sums, units, next };
            return self.plain_velocity(kind, prefix, (t, x), v, scratch);
        }
        with_integers!(
            vectors => self.velocity_with(vectors, kind, prefix, (t, x), v, (inputs, [units, next])),
            otherwise {
                let scratch = Scratch { inputs, sums, units, next };
                self.plain_velocity(kind, prefix, (t, x), v, scratch);
            }
        );
    }

    /// [`Self::plain_velocity`] with these vectors.
    #[inline(always)]
    pub(super) fn velocity_with<S: Integers>(
        &self,
        vectors: S,
        kind: ActivationKind,
        prefix: &[i32],
        (t, x): (i32, &[i32]),
        v: &mut [i32],
        (inputs, [mut units, mut next]): (&mut [i16], [&mut [i16]; 2]),
    ) {
        let parts = &self.parts;
        for (input, &x) in inputs.iter_mut().zip(x) {
            *input = point_input(x, parts.formats.point);
        }
        let time = Some((parts.time, time_input(t)));
        let bits = Rounding::to(parts.formats.first);
        let table = table(kind);
        let hidden = Hidden { kind, table, units: &mut *units, shifts: parts.shift, bits };
        sums::<S, i16>(vectors, (prefix, time), parts.state, inputs, hidden);
        for Layer { bias, shift, weights, bits } in self.layers() {
            let hidden = Hidden { kind, table, units: &mut *next, shifts: shift, bits };
            sums::<S, W>(vectors, (bias, None), weights, units, hidden);
            core::mem::swap(&mut units, &mut next);
        }
        let last = Last { v, shifts: parts.last_shift };
        sums::<S, i16>(vectors, (parts.last_bias, None), parts.last, units, last);
    }
}

/// What becomes of a layer's sums.
trait Finish<S: Integers> {
    /// Takes the sums of `G` panels, from output `at` on.
    fn panels<const G: usize>(&mut self, vectors: S, at: usize, sums: [i32x16<S>; G]);

    /// Takes the sum of an output.
    fn one(&mut self, at: usize, sum: i32);
}

/// Hidden units.
struct Hidden<'a> {
    kind: ActivationKind,
    table: Option<&'static Lines>,
    units: &'a mut [i16],
    shifts: &'a [i8],
    bits: Rounding,
}

impl<S: Integers> Finish<S> for Hidden<'_> {
    #[inline(always)]
    fn panels<const G: usize>(&mut self, vectors: S, at: usize, sums: [i32x16<S>; G]) {
        let outputs = at..at + G * LANES;
        let (Some(y), Some(shifts)) =
            (self.units.get_mut(outputs.clone()), self.shifts.get(outputs))
        else {
            return;
        };
        let Some(table) = self.table else {
            let sums = sums.map(<[i32; LANES]>::from);
            for ((y, &sum), &shift) in y.iter_mut().zip(sums.as_flattened()).zip(shifts) {
                *y = unit(self.kind, sum, shift, self.bits);
            }
            return;
        };
        let mut z = sums;
        for (z, shifts) in z.iter_mut().zip(shifts.as_chunks::<LANES>().0) {
            let shifts = load(vectors, &shifts.map(|shift| i32::from(shift & 31)));
            *z = vectors.shrv_i32x16(*z, shifts);
        }
        if self.bits.shift == 0 {
            write_units::<S, G, false>(vectors, table, y, z, self.bits);
        } else {
            write_units::<S, G, true>(vectors, table, y, z, self.bits);
        }
    }

    #[inline(always)]
    fn one(&mut self, at: usize, sum: i32) {
        if let (Some(y), Some(&shift)) = (self.units.get_mut(at), self.shifts.get(at)) {
            *y = unit(self.kind, sum, shift, self.bits);
        }
    }
}

/// Writes the units of `G` panels' arguments, rounded if `ROUNDS`.
#[inline(always)]
fn write_units<S: Integers, const G: usize, const ROUNDS: bool>(
    vectors: S,
    table: &Lines,
    y: &mut [i16],
    z: [i32x16<S>; G],
    bits: Rounding,
) {
    let (z, single) = z.as_chunks::<2>();
    let (y, rest) = y.as_chunks_mut::<{ 2 * LANES }>();
    for (y, &z) in y.iter_mut().zip(z) {
        *y = units::<S, Sequence, ROUNDS>(vectors, table, z, bits).into();
    }
    for &z in single {
        let z = [z, vectors.splat_i32x16(0)];
        let units: [i16; 2 * LANES] = units::<S, Sequence, ROUNDS>(vectors, table, z, bits).into();
        for (y, unit) in rest.iter_mut().zip(units) {
            *y = unit;
        }
    }
}

/// Velocities.
struct Last<'a> {
    v: &'a mut [i32],
    shifts: &'a [i8],
}

impl<S: Integers> Finish<S> for Last<'_> {
    #[inline(always)]
    fn panels<const G: usize>(&mut self, _: S, at: usize, sums: [i32x16<S>; G]) {
        for (at, &sum) in (at..).zip(sums.map(<[i32; LANES]>::from).as_flattened()) {
            Finish::<S>::one(self, at, sum);
        }
    }

    #[inline(always)]
    fn one(&mut self, at: usize, sum: i32) {
        if let (Some(v), Some(&shift)) = (self.v.get_mut(at), self.shifts.get(at)) {
            *v = velocity(sum, shift);
        }
    }
}

/// The initial sums, `[outputs]`, and a column and its input.
type Initial<'a> = (&'a [i32], Option<(&'a [i16], i16)>);

/// Computes the sums of all outputs and finishes them. `weights` (`[outputs][inputs]`) is in panels.
#[inline(always)]
fn sums<S: Integers, W: Weight>(
    vectors: S,
    start: Initial<'_>,
    weights: &[W::Element],
    inputs: &[i16],
    mut finish: impl Finish<S>,
) {
    let row = W::row(inputs.len());
    let outputs = start.0.len();
    let (mut at, mut weights) = (0, weights);
    // As many panels side by side as hide the latency of an addition.
    while at + 4 * LANES <= outputs {
        let Some((panels, rest)) = weights.split_at_checked(4 * LANES * row) else { return };
        add_panels::<S, W, 4>(vectors, start, at, panels, inputs, &mut finish);
        (at, weights) = (at + 4 * LANES, rest);
    }
    while at + LANES <= outputs {
        let Some((panel, rest)) = weights.split_at_checked(LANES * row) else { return };
        add_panels::<S, W, 1>(vectors, start, at, panel, inputs, &mut finish);
        (at, weights) = (at + LANES, rest);
    }
    while at < outputs {
        let Some((panel, rest)) = weights.split_at_checked(row) else { return };
        let mut numbers = [start.0.get(at).copied().unwrap_or_default()];
        if let Some((column, input)) = start.1 {
            let weight = column.get(at).copied().unwrap_or_default();
            numbers[0] = numbers[0].wrapping_add(i32::from(weight) * i32::from(input));
        }
        let mut sum = [0];
        W::sum::<1>(&mut sum, Start { numbers: &numbers, excess: 0 }, panel, inputs);
        finish.one(at, sum[0]);
        (at, weights) = (at + 1, rest);
    }
}

/// Computes the sums of `G` panels, from output `at` on, and finishes them.
#[inline(always)]
fn add_panels<S: Integers, W: Weight, const G: usize>(
    vectors: S,
    (start, first): Initial<'_>,
    at: usize,
    panels: &[W::Element],
    inputs: &[i16],
    finish: &mut impl Finish<S>,
) {
    let outputs = at..at + G * LANES;
    let Some(start) = start.get(outputs.clone()) else { return };
    let mut sums = [vectors.splat_i32x16(0); G];
    for (sum, start) in sums.iter_mut().zip(start.as_chunks::<LANES>().0) {
        *sum = load(vectors, start);
    }
    if let Some((column, input)) = first
        && let Some(column) = column.get(outputs)
    {
        for (sum, weights) in sums.iter_mut().zip(column.as_chunks::<LANES>().0) {
            let terms = weights.map(|weight| i32::from(weight) * i32::from(input));
            *sum = vectors.add_i32x16(*sum, load(vectors, &terms));
        }
    }
    let (pairs, last) = inputs.as_chunks::<2>();
    let row = LANES * W::row(inputs.len());
    let mut groups: [&[W::Group]; G] = [&[]; G];
    let mut rests = [None; G];
    let mut panels = panels;
    for (groups, rest) in groups.iter_mut().zip(&mut rests) {
        let Some((panel, more)) = panels.split_at_checked(row) else { return };
        let Some((whole, odd)) = W::groups(panel, pairs.len()) else { return };
        (*groups, *rest, panels) = (whole, W::odd(odd), more);
    }
    for (i, &[even, odd]) in pairs.iter().enumerate() {
        let pair = splat_pair(vectors, even, odd);
        for (sum, groups) in sums.iter_mut().zip(groups) {
            let Some(group) = groups.get(i) else { return };
            *sum = vectors.add_pair_products(*sum, W::pairs(vectors, group), pair);
        }
    }
    if let &[input] = last {
        let pair = splat_pair(vectors, input, 0);
        for (sum, rest) in sums.iter_mut().zip(rests) {
            let Some(weights) = rest else { return };
            let weights = load(vectors, &weights.map(i32::from));
            *sum = vectors.add_pair_products(*sum, Bytes::bitcast(weights), pair);
        }
    }
    finish.panels(vectors, at, sums);
}

/// A pair of inputs for all outputs.
#[inline(always)]
fn splat_pair<S: Integers>(vectors: S, even: i16, odd: i16) -> i16x32<S> {
    Bytes::bitcast(vectors.splat_i32x16(i32::from(even) & 0xffff | i32::from(odd) << 16))
}
