//! The forward pass for [`LANES`] samples side by side, with explicit vectors.
//!
//! Units come in pairs, `[pairs][LANES][2]`: an instruction multiplies the two units of each sample by two weights and adds
//! the products. The pairs of a layer's outputs are those of the next layer's inputs.

use std::vec;
use std::vec::Vec;

use fearless_simd::{Bytes, SimdFrom, i16x32, i32x16};

use super::activation::{Rounding, unit};
use super::network::{self, Network, Scratch, point_input, time_input, velocity};
use super::panel::{PANEL, pairs};
use super::pointwise::{Pairs, load, other_units, table, units};
use super::vectors::{Integers, Lines, with_integers};
use crate::activation::ActivationKind;
use crate::lanes::LANES;

/// Two units of each sample. Aligned to a cache line, since a vector that lies in two lines takes twice as long to load.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Pair([i16; 2 * LANES]);

impl Pair {
    pub(crate) const ZERO: Self = Self([0; 2 * LANES]);
}

/// The initial value of each output's sum.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// The same values for all samples, `[outputs]`.
    Same(&'a [i32]),
    /// Other values for each sample, `[outputs]`.
    Each(&'a [[i32; LANES]]),
}

/// The buffers of a forward pass.
pub(crate) struct Buffers<'a> {
    /// The point and the time as they enter the first layer, `⌊D ÷ 2⌋ + 1` pairs or more.
    pub(crate) inputs: &'a mut [Pair],
    /// The hidden units of two layers, `⌈H ÷ 2⌉` pairs or more each.
    pub(crate) units: [&'a mut [Pair]; 2],
}

/// The initial sums of a layer, its weights, and its inputs.
#[derive(Clone, Copy)]
struct Layer<'a> {
    outputs: usize,
    start: Start<'a>,
    /// The first layer's column for the time, whose input is the odd one of the last pair.
    time: Option<&'a [i16]>,
    /// `[outputs][count]` in panels.
    weights: &'a [i16],
    /// `⌈count ÷ 2⌉` pairs; with the time `⌊count ÷ 2⌋ + 1`.
    inputs: &'a [Pair],
    count: usize,
}

impl Network<'_, i16> {
    /// [`Self::velocity`] for samples side by side. `prefix` is the first layer's initial sums.
    pub(crate) fn lane_velocity(
        &self,
        kind: ActivationKind,
        prefix: Start<'_>,
        (t, x): (i32, &[[i32; LANES]]),
        v: &mut [[i32; LANES]],
        buffers: &mut Buffers<'_>,
    ) {
        with_integers!(
            vectors => self.lane_velocity_with(vectors, kind, prefix, (t, x), v, buffers),
            otherwise self.plain_lane_velocity(kind, prefix, (t, x), v, buffers)
        );
    }

    /// [`Self::lane_velocity`] with these vectors.
    #[inline(always)]
    fn lane_velocity_with<S: Integers>(
        &self,
        vectors: S,
        kind: ActivationKind,
        prefix: Start<'_>,
        (t, x): (i32, &[[i32; LANES]]),
        v: &mut [[i32; LANES]],
        buffers: &mut Buffers<'_>,
    ) {
        let parts = &self.parts;
        let Buffers { inputs, units: [units, next] } = buffers;
        let (mut units, mut next) = (&mut **units, &mut **next);
        write_inputs(inputs, (t, x), parts.formats.point);
        let width = parts.bias.len();
        let layer = Layer {
            outputs: width,
            start: prefix,
            time: Some(parts.time),
            weights: parts.state,
            inputs: inputs.get(..x.len() / 2 + 1).unwrap_or_default(),
            count: x.len(),
        };
        let bits = Rounding::to(parts.formats.first);
        layer.run(vectors, Hidden { kind, table: table(kind), units, shifts: parts.shift, bits });
        for network::Layer { bias, shift, weights, bits } in self.layers() {
            let start = Start::Same(bias);
            let (inputs, count) = (units.get(..width.div_ceil(2)).unwrap_or_default(), width);
            let layer = Layer { outputs: width, start, time: None, weights, inputs, count };
            layer.run(
                vectors,
                Hidden { kind, table: table(kind), units: next, shifts: shift, bits },
            );
            core::mem::swap(&mut units, &mut next);
        }
        let layer = Layer {
            outputs: v.len(),
            start: Start::Same(parts.last_bias),
            time: None,
            weights: parts.last,
            inputs: units.get(..width.div_ceil(2)).unwrap_or_default(),
            count: width,
        };
        layer.run(vectors, Last { v, shifts: parts.last_shift });
    }

    /// [`Self::lane_velocity`] without vectors.
    fn plain_lane_velocity(
        &self,
        kind: ActivationKind,
        prefix: Start<'_>,
        (t, x): (i32, &[[i32; LANES]]),
        v: &mut [[i32; LANES]],
        _: &mut Buffers<'_>,
    ) {
        let (data, width) = (x.len(), self.parts.bias.len());
        let [mut start, mut sums] = [vec![0; width], vec![0; width]];
        let [mut units, mut next] = [vec![0; width], vec![0; width]];
        let (mut inputs, mut velocity) = (vec![0; data], vec![0; data]);
        for l in 0..LANES {
            let x: Vec<_> = x.iter().map(|lanes| lanes[l]).collect();
            match prefix {
                Start::Same(values) => start.copy_from_slice(values),
                Start::Each(values) => {
                    for (start, values) in start.iter_mut().zip(values) {
                        *start = values[l];
                    }
                }
            }
            let scratch = Scratch {
                inputs: &mut inputs,
                sums: &mut sums,
                units: &mut units,
                next: &mut next,
            };
            self.plain_velocity(kind, &start, (t, &x), &mut velocity, scratch);
            for (lanes, &v) in v.iter_mut().zip(&velocity) {
                lanes[l] = v;
            }
        }
    }
}

/// Writes a point, with `bits` fraction bits, and the time as they enter the first layer. The time is the odd number of
/// the last pair.
#[inline(always)]
fn write_inputs(inputs: &mut [Pair], (t, x): (i32, &[[i32; LANES]]), bits: i8) {
    if let Some(pair) = inputs.get_mut(x.len() / 2) {
        for input in pair.0.iter_mut().skip(1).step_by(2) {
            *input = time_input(t);
        }
    }
    for (d, x) in x.iter().enumerate() {
        let Some(pair) = inputs.get_mut(d / 2) else { return };
        for (input, &x) in pair.0.iter_mut().skip(d % 2).step_by(2).zip(x) {
            *input = point_input(x, bits);
        }
    }
}

/// What becomes of a layer's sums.
trait Finish<S: Integers> {
    /// Takes the sums of `N` outputs, from number `at` on. `N` is 1 or even, and `at` a multiple of it.
    fn finish<const N: usize>(&mut self, vectors: S, at: usize, sums: [i32x16<S>; N]);
}

/// Hidden units.
struct Hidden<'a> {
    kind: ActivationKind,
    table: Option<&'static Lines>,
    units: &'a mut [Pair],
    shifts: &'a [i8],
    bits: Rounding,
}

impl<S: Integers> Finish<S> for Hidden<'_> {
    #[inline(always)]
    fn finish<const N: usize>(&mut self, vectors: S, at: usize, sums: [i32x16<S>; N]) {
        let Some(shifts) = self.shifts.get(at..).and_then(<[i8]>::first_chunk::<N>) else { return };
        let Some(pairs) = self.units.get_mut(at / 2..) else { return };
        if N == 1 {
            return self.plain(at, sums);
        }
        let Some(table) = self.table else {
            return write_other_units(vectors, self.kind, pairs, (&sums, shifts), self.bits);
        };
        if self.bits.shift == 0 {
            write_units::<S, N, false>(vectors, table, pairs, (sums, shifts), self.bits);
        } else {
            write_units::<S, N, true>(vectors, table, pairs, (sums, shifts), self.bits);
        }
    }
}

/// Writes the units of `N` sums, rounded if `ROUNDS`.
#[inline(always)]
fn write_units<S: Integers, const N: usize, const ROUNDS: bool>(
    vectors: S,
    table: &Lines,
    pairs: &mut [Pair],
    (sums, shifts): ([i32x16<S>; N], &[i8; N]),
    bits: Rounding,
) {
    let Some(pairs) = pairs.get_mut(..N / 2) else { return };
    // Counted, so that the compiler unrolls it and leaves the sums in registers.
    for (k, pair) in (0..N / 2).zip(pairs) {
        let shifted = |k: usize| vectors.shr_i32x16(sums[k], (shifts[k] & 31) as u32);
        let z = [shifted(2 * k), shifted(2 * k + 1)];
        pair.0 = units::<S, Pairs, ROUNDS>(vectors, table, z, bits).into();
    }
}

/// [`write_units`] for an activation without a table of 64 segments. A function of its own for each set of vectors,
/// since there are many of those activations.
fn write_other_units<S: Integers>(
    vectors: S,
    kind: ActivationKind,
    pairs: &mut [Pair],
    (sums, shifts): (&[i32x16<S>], &[i8]),
    bits: Rounding,
) {
    vectors.vectorize(
        #[inline(always)]
        || {
            let sums = sums.as_chunks::<2>().0.iter().zip(shifts.as_chunks::<2>().0);
            for (pair, (sums, shifts)) in pairs.iter_mut().zip(sums) {
                let shifted = |k: usize| vectors.shr_i32x16(sums[k], (shifts[k] & 31) as u32);
                let z = [shifted(0), shifted(1)];
                pair.0 = other_units::<S, Pairs>(vectors, kind, z, bits).into();
            }
        },
    );
}

impl Hidden<'_> {
    /// [`Finish::finish`] sample by sample.
    #[inline(always)]
    fn plain<S: Integers, const N: usize>(&mut self, at: usize, sums: [i32x16<S>; N]) {
        for (k, sums) in (at..).zip(sums) {
            let (Some(pair), Some(&shift)) = (self.units.get_mut(k / 2), self.shifts.get(k)) else {
                return;
            };
            let sums: [i32; LANES] = sums.into();
            for (y, sum) in pair.0.iter_mut().skip(k % 2).step_by(2).zip(sums) {
                *y = unit(self.kind, sum, shift, self.bits);
            }
        }
    }
}

/// Velocities.
struct Last<'a> {
    v: &'a mut [[i32; LANES]],
    shifts: &'a [i8],
}

impl<S: Integers> Finish<S> for Last<'_> {
    #[inline(always)]
    fn finish<const N: usize>(&mut self, _: S, at: usize, sums: [i32x16<S>; N]) {
        let (Some(v), Some(shifts)) = (self.v.get_mut(at..), self.shifts.get(at..)) else { return };
        for ((v, sums), &shift) in v.iter_mut().zip(sums).zip(shifts) {
            let sums: [i32; LANES] = sums.into();
            *v = sums.map(|sum| velocity(sum, shift));
        }
    }
}

impl Layer<'_> {
    /// Computes the sums, some outputs at a time, and finishes them.
    #[inline(always)]
    fn run<S: Integers>(self, vectors: S, mut finish: impl Finish<S>) {
        let (mut at, mut weights) = (0, self.weights);
        while at + PANEL <= self.outputs {
            let Some((panel, rest)) = weights.split_at_checked(PANEL * self.count) else { return };
            // Enough sums side by side to use each input several times, and few enough for the registers.
            match S::TILE {
                16 if PANEL == 16 => self.tiles::<S, PANEL, 16>(vectors, at, panel, &mut finish),
                8.. if PANEL >= 8 => self.tiles::<S, PANEL, 8>(vectors, at, panel, &mut finish),
                4.. => self.tiles::<S, PANEL, 4>(vectors, at, panel, &mut finish),
                _ => self.tiles::<S, PANEL, 2>(vectors, at, panel, &mut finish),
            }
            (at, weights) = (at + PANEL, rest);
        }
        while at < self.outputs {
            let Some((panel, rest)) = weights.split_at_checked(self.count) else { return };
            self.tiles::<S, 1, 1>(vectors, at, panel, &mut finish);
            (at, weights) = (at + 1, rest);
        }
    }

    /// The outputs of a panel, `N` at a time.
    #[inline(always)]
    fn tiles<S: Integers, const P: usize, const N: usize>(
        &self,
        vectors: S,
        at: usize,
        panel: &[i16],
        finish: &mut impl Finish<S>,
    ) {
        let (weights, rest) = pairs::<_, P>(panel, self.count / 2);
        let Some((inputs, last)) = self.inputs.split_at_checked(weights.len()) else { return };
        for tile in 0..P / N {
            let at = at + tile * N;
            let Some(mut sums) = self.begin::<S, N>(vectors, at) else { return };
            for (weights, input) in weights.iter().zip(inputs) {
                let Some(weights) = weights.as_chunks::<N>().0.get(tile) else { return };
                add_pairs(vectors, &mut sums, weights, input);
            }
            if let Some(input) = last.first() {
                // An odd last input, paired with the time, or with a weight of 0.
                let odd = rest.as_chunks::<N>().0.get(tile).copied().unwrap_or([0; N]);
                let mut weights = odd.map(|weight| [weight, 0]);
                if let Some(column) = self.time {
                    let Some(column) = part::<_, N>(column, at) else { return };
                    for (pair, &weight) in weights.iter_mut().zip(column) {
                        pair[1] = weight;
                    }
                }
                add_pairs(vectors, &mut sums, &weights, input);
            }
            finish.finish(vectors, at, sums);
        }
    }

    /// The initial sums of `N` outputs.
    #[inline(always)]
    fn begin<S: Integers, const N: usize>(&self, vectors: S, at: usize) -> Option<[i32x16<S>; N]> {
        let mut sums = [vectors.splat_i32x16(0); N];
        match self.start {
            Start::Same(values) => {
                for (sum, &value) in sums.iter_mut().zip(part::<_, N>(values, at)?) {
                    *sum = vectors.splat_i32x16(value);
                }
            }
            Start::Each(values) => {
                for (sum, values) in sums.iter_mut().zip(part::<_, N>(values, at)?) {
                    *sum = load(vectors, values);
                }
            }
        }
        Some(sums)
    }
}

/// The `N` values from number `at` on.
#[inline(always)]
fn part<T, const N: usize>(values: &[T], at: usize) -> Option<&[T; N]> {
    values.get(at..)?.first_chunk()
}

/// Adds the products of a pair of inputs to the sums.
#[inline(always)]
fn add_pairs<S: Integers, const N: usize>(
    vectors: S,
    sums: &mut [i32x16<S>; N],
    weights: &[[i16; 2]; N],
    input: &Pair,
) {
    let input = i16x32::simd_from(vectors, input.0);
    for (sum, &[even, odd]) in sums.iter_mut().zip(weights) {
        let pair = i32::from(even) & 0xffff | i32::from(odd) << 16;
        let weights: i16x32<S> = Bytes::bitcast(vectors.splat_i32x16(pair));
        *sum = vectors.add_pair_products(*sum, input, weights);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::parts::{Formats, Parts};
    use crate::network::Dims;

    /// A network of random weights, small enough for the bound.
    fn random(dims: Dims, mut draw: impl FnMut(i64) -> i64) -> Owned {
        let mut parts = Parts::zero(dims);
        let inputs = 1 + dims.data + dims.condition + dims.width;
        let largest = (1 << 16) / inputs as i64 / 2;
        for numbers in [&mut parts.time, &mut parts.state, &mut parts.condition, &mut parts.last] {
            numbers.fill_with(|| draw(largest.min(32_767)) as i16);
        }
        for numbers in [&mut parts.bias, &mut parts.hidden_bias, &mut parts.last_bias] {
            numbers.fill_with(|| draw(1 << 24) as i32);
        }
        for numbers in [&mut parts.shift, &mut parts.hidden_shift] {
            numbers.fill_with(|| 12 + (draw(4) as i8).abs());
        }
        parts.last_shift.fill_with(|| draw(9) as i8);
        for (k, bits) in parts.hidden_bits.iter_mut().enumerate() {
            *bits = if k == 0 { 7 } else { 11 };
        }
        parts.formats = Formats { point: 12, first: 11, data: 16, condition: 16, offset: 1 };
        let count = dims.hidden_layers * dims.width * dims.width;
        let hidden = (0..count).map(|_| draw(largest.min(32_767)) as i16).collect();
        Owned { parts, hidden }
    }

    struct Owned {
        parts: Parts<Vec<i32>, Vec<i16>, Vec<i8>, Formats>,
        hidden: Vec<i16>,
    }

    #[test]
    fn each_set_of_vectors_gives_the_bits_of_the_plain_loops() {
        let mut state = 1u64;
        let mut draw = move |limit: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as i64 % (2 * limit + 1) - limit
        };
        for (data, width, hidden_layers) in
            [(1, 64, 1), (2, 33, 2), (3, 16, 0), (5, 97, 1), (16, 80, 2), (17, 1, 1), (4, 130, 1)]
        {
            let dims = Dims { data, condition: 0, width, hidden_layers };
            let Owned { parts, hidden } = random(dims, &mut draw);
            let network = Network::<i16> { parts: parts.as_slices(), hidden: &hidden };
            for &kind in ActivationKind::ALL {
                let x: Vec<[i32; LANES]> = (0..data)
                    .map(|_| core::array::from_fn(|_| draw(1 << 23) as i32 * 256))
                    .collect();
                let t = draw(1 << 29) as i32 + (1 << 29);
                let mut expected = vec![[0; LANES]; data];
                let prefix = &parts.bias;
                for l in 0..LANES {
                    let x: Vec<_> = x.iter().map(|lanes| lanes[l]).collect();
                    let (mut v, mut inputs) = (vec![0; data], vec![0; data]);
                    let [units, next] = &mut [vec![0; width], vec![0; width]];
                    let (inputs, sums) = (&mut inputs, &mut vec![0; width]);
                    let scratch = Scratch { inputs, sums, units, next };
                    network.plain_velocity(kind, prefix, (t, &x), &mut v, scratch);
                    for (lanes, v) in expected.iter_mut().zip(v) {
                        lanes[l] = v;
                    }
                }
                let each: Vec<_> = prefix.iter().map(|&sum| [sum; LANES]).collect();
                crate::vectors::for_each_vector_set!(vectors => {
                    for start in [Start::Same(prefix), Start::Each(&each)] {
                        let [mut units, mut next] = [const { Pair::ZERO }; 2].map(|p| vec![p; width]);
                        let mut inputs = vec![Pair::ZERO; data + 1];
                        let mut buffers =
                            Buffers { inputs: &mut inputs, units: [&mut units, &mut next] };
                        let mut v = vec![[0; LANES]; data];
                        network.lane_velocity_with(
                            vectors, kind, start, (t, &x), &mut v, &mut buffers,
                        );
                        assert_eq!(v, expected, "{kind} {dims:?} {}", core::any::type_name_of_val(&vectors));
                    }
                    for l in 0..LANES {
                        let x: Vec<_> = x.iter().map(|lanes| lanes[l]).collect();
                        let (mut v, mut inputs) = (vec![0; data], vec![0; data]);
                        let [units, next] = &mut [vec![0; width], vec![0; width]];
                        network.velocity_with(
                            vectors, kind, prefix, (t, &x), &mut v, (&mut inputs, [units, next]),
                        );
                        let expected: Vec<_> = expected.iter().map(|lanes| lanes[l]).collect();
                        assert_eq!(v, expected, "{kind} {dims:?} {}", core::any::type_name_of_val(&vectors));
                    }
                });
            }
        }
    }
}
