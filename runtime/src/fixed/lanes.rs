//! The forward pass for [`LANES`] samples side by side, with explicit vectors.
//!
//! Units come in pairs, `[pairs][LANES][2]`: an instruction multiplies the two units of each sample by two weights and adds
//! the products. The pairs of a layer's outputs are those of the next layer's inputs.

use fearless_simd::{Bytes, SimdFrom, i16x16, i16x32, i32x16};

use super::activation::{Rounding, planes, unit};
use super::network::{Layer, Network, point_input, time_input, velocity};
use super::panel::{PANEL, index, pairs};
use super::vectors::{Integers, with_integers};
use crate::activation::ActivationKind;
use crate::lanes::LANES;

/// Two units of each sample.
pub(crate) type Pair = [i16; 2 * LANES];

/// The initial value of each output's sum.
#[derive(Clone, Copy)]
pub(crate) enum Start<'a> {
    /// The same values for all samples, `[outputs]`.
    Same(&'a [i32]),
    /// Other values for each sample, `[outputs]`.
    Each(&'a [[i32; LANES]]),
}

impl Start<'_> {
    /// The values of output `k`.
    #[inline(always)]
    fn lanes(self, k: usize) -> [i32; LANES] {
        match self {
            Self::Same(values) => [values.get(k).copied().unwrap_or_default(); LANES],
            Self::Each(values) => values.get(k).copied().unwrap_or([0; LANES]),
        }
    }
}

/// The buffers of a forward pass.
pub(crate) struct Buffers<'a> {
    /// The point as it enters the first layer, `⌈D ÷ 2⌉` pairs or more.
    pub(crate) inputs: &'a mut [Pair],
    /// The hidden units of a layer, `⌈H ÷ 2⌉` pairs or more.
    pub(crate) units: &'a mut [Pair],
    /// A layer's sums, `[H]`.
    pub(crate) sums: &'a mut [[i32; LANES]],
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
        let (parts, Buffers { inputs, units, sums }) = (&self.parts, buffers);
        for (d, x) in x.iter().enumerate() {
            let Some(pair) = inputs.get_mut(d / 2) else { return };
            for (input, &x) in pair.iter_mut().skip(d % 2).step_by(2).zip(x) {
                *input = point_input(x, parts.formats.point);
            }
        }
        let width = parts.bias.len();
        let time = Some((parts.time, time_input(t)));
        product(sums, prefix, time, parts.state, (inputs, x.len()));
        write_units(kind, units, sums, parts.shift, Rounding::to(parts.formats.first));
        for Layer { bias, shift, weights, bits } in self.layers() {
            product(sums, Start::Same(bias), None, weights, (units, width));
            write_units(kind, units, sums, shift, bits);
        }
        product(v, Start::Same(parts.last_bias), None, parts.last, (units, width));
        for (v, &shift) in v.iter_mut().zip(parts.last_shift) {
            *v = v.map(|sum| velocity(sum, shift));
        }
    }
}

/// Computes `start + first + weights · inputs` for each output and sample. `inputs` are pairs, and the number of inputs.
fn product(
    sums: &mut [[i32; LANES]],
    start: Start<'_>,
    first: Option<(&[i16], i16)>,
    weights: &[i16],
    inputs: (&[Pair], usize),
) {
    with_integers!(
        vectors => product_with(vectors, sums, start, first, weights, inputs),
        otherwise plain_product(sums, start, first, weights, inputs)
    );
}

/// [`product`] without vectors.
fn plain_product(
    sums: &mut [[i32; LANES]],
    start: Start<'_>,
    first: Option<(&[i16], i16)>,
    weights: &[i16],
    (inputs, count): (&[Pair], usize),
) {
    let outputs = sums.len();
    for (output, sums) in sums.iter_mut().enumerate() {
        let term = first
            .and_then(|(column, input)| Some(i32::from(*column.get(output)?) * i32::from(input)));
        *sums = start.lanes(output).map(|sum| sum.wrapping_add(term.unwrap_or_default()));
        for input in 0..count {
            let weight =
                weights.get(index(outputs, count, output, input)).copied().unwrap_or_default();
            let Some(pair) = inputs.get(input / 2) else { return };
            for (sum, &x) in sums.iter_mut().zip(pair.iter().skip(input % 2).step_by(2)) {
                *sum = sum.wrapping_add(i32::from(weight) * i32::from(x));
            }
        }
    }
}

/// [`product`] with these vectors.
#[inline(always)]
fn product_with<S: Integers>(
    vectors: S,
    sums: &mut [[i32; LANES]],
    start: Start<'_>,
    first: Option<(&[i16], i16)>,
    weights: &[i16],
    (inputs, count): (&[Pair], usize),
) {
    let Some(inputs) = inputs.get(..count.div_ceil(2)) else { return };
    begin(vectors, sums, start, first);
    let (panels, singles) = sums.as_chunks_mut::<PANEL>();
    let mut weights = weights;
    for sums in panels {
        let Some((panel, rest)) = weights.split_at_checked(PANEL * count) else { return };
        weights = rest;
        add_panel::<S, PANEL>(vectors, sums, panel, (inputs, count));
    }
    for sums in singles.as_chunks_mut::<1>().0 {
        let Some((panel, rest)) = weights.split_at_checked(count) else { return };
        weights = rest;
        add_panel::<S, 1>(vectors, sums, panel, (inputs, count));
    }
}

/// Sets the sums to `start + first`.
#[inline(always)]
fn begin<S: Integers>(
    vectors: S,
    sums: &mut [[i32; LANES]],
    start: Start<'_>,
    first: Option<(&[i16], i16)>,
) {
    match start {
        Start::Same(values) => {
            for (sums, &value) in sums.iter_mut().zip(values) {
                *sums = vectors.splat_i32x16(value).into();
            }
        }
        Start::Each(values) => {
            for (sums, values) in sums.iter_mut().zip(values) {
                *sums = *values;
            }
        }
    }
    let Some((column, input)) = first else { return };
    for (sums, &weight) in sums.iter_mut().zip(column) {
        let term = vectors.splat_i32x16(i32::from(weight) * i32::from(input));
        *sums = vectors.add_i32x16(i32x16::simd_from(vectors, *sums), term).into();
    }
}

/// Adds a panel's products to the sums of `P` outputs.
#[inline(always)]
fn add_panel<S: Integers, const P: usize>(
    vectors: S,
    sums: &mut [[i32; LANES]; P],
    panel: &[i16],
    (inputs, count): (&[Pair], usize),
) {
    let (weights, rest) = pairs::<_, P>(panel, count / 2);
    let (inputs, last) = inputs.split_at(weights.len());
    // Enough sums side by side to use each input several times, and few enough for the registers.
    match S::TILE {
        16 if P.is_multiple_of(16) => add_tiles::<S, P, 16>(vectors, sums, weights, inputs),
        8.. if P.is_multiple_of(8) => add_tiles::<S, P, 8>(vectors, sums, weights, inputs),
        4.. if P.is_multiple_of(4) => add_tiles::<S, P, 4>(vectors, sums, weights, inputs),
        _ if P.is_multiple_of(2) => add_tiles::<S, P, 2>(vectors, sums, weights, inputs),
        _ => add_tiles::<S, P, 1>(vectors, sums, weights, inputs),
    }
    // An odd last input: the second number of its pair is multiplied by 0.
    if let Some(weights) = rest.first_chunk::<P>() {
        add_tiles::<S, P, 1>(vectors, sums, &[weights.map(|weight| [weight, 0])], last);
    }
}

/// [`add_panel`] for pairs of inputs, `N` outputs at a time.
#[inline(always)]
fn add_tiles<S: Integers, const P: usize, const N: usize>(
    vectors: S,
    sums: &mut [[i32; LANES]; P],
    pairs: &[[[i16; 2]; P]],
    inputs: &[Pair],
) {
    for (tile, sums) in sums.as_chunks_mut::<N>().0.iter_mut().enumerate() {
        let mut totals = [vectors.splat_i32x16(0); N];
        for (total, sums) in totals.iter_mut().zip(&*sums) {
            *total = i32x16::simd_from(vectors, *sums);
        }
        for (weights, input) in pairs.iter().zip(inputs) {
            let input = i16x32::simd_from(vectors, *input);
            let Some(weights) = weights.as_chunks::<N>().0.get(tile) else { return };
            for (total, &[even, odd]) in totals.iter_mut().zip(weights) {
                let pair = i32::from(even) & 0xffff | i32::from(odd) << 16;
                let weights: i16x32<S> = Bytes::bitcast(vectors.splat_i32x16(pair));
                *total = vectors.add_pair_products(*total, input, weights);
            }
        }
        for (sums, total) in sums.iter_mut().zip(totals) {
            *sums = total.into();
        }
    }
}

/// Writes the units of a layer.
fn write_units(
    kind: ActivationKind,
    units: &mut [Pair],
    sums: &[[i32; LANES]],
    shifts: &[i8],
    bits: Rounding,
) {
    let mut done = 0;
    if let Some(planes) = planes(kind) {
        done = sums.len() & !1;
        with_integers!(
            vectors => if bits.shift == 0 {
                write_pairs::<_, false>(vectors, planes, units, sums, shifts, bits);
            } else {
                write_pairs::<_, true>(vectors, planes, units, sums, shifts, bits);
            },
            otherwise done = 0
        );
    }
    let rest = sums.iter().zip(shifts).enumerate().skip(done);
    for (k, (sums, &shift)) in rest {
        let Some(pair) = units.get_mut(k / 2) else { return };
        for (y, &sum) in pair.iter_mut().skip(k % 2).step_by(2).zip(sums) {
            *y = unit(kind, sum, shift, bits);
        }
    }
}

/// [`write_units`] for pairs of outputs and an activation with a table of 64 segments.
#[inline(always)]
fn write_pairs<S: Integers, const ROUNDS: bool>(
    vectors: S,
    planes: &[[u8; 64]; 4],
    units: &mut [Pair],
    sums: &[[i32; LANES]],
    shifts: &[i8],
    bits: Rounding,
) {
    let (sums, shifts) = (sums.as_chunks::<2>().0, shifts.as_chunks::<2>().0);
    for ((unit, [even, odd]), shifts) in units.iter_mut().zip(sums).zip(shifts) {
        let z_0 = vectors.shr_i32x16(i32x16::simd_from(vectors, *even), (shifts[0] & 31) as u32);
        let z_1 = vectors.shr_i32x16(i32x16::simd_from(vectors, *odd), (shifts[1] & 31) as u32);
        let remainder = remainder(vectors, planes, z_0, z_1);
        let y = if ROUNDS {
            bits.rounded(vectors, [z_0, z_1], remainder)
        } else {
            exact(vectors, [z_0, z_1], remainder)
        };
        let (even, odd) = vectors.split_i16x32(y);
        let (low, high) = (vectors.zip_low_i16x16(even, odd), vectors.zip_high_i16x16(even, odd));
        *unit = vectors.combine_i16x16(low, high).into();
    }
}

/// The remainders `G` of two outputs' arguments, from a table of 64 segments: first those of `z_0`, then those of `z_1`.
#[inline(always)]
fn remainder<S: Integers>(
    vectors: S,
    planes: &[[u8; 64]; 4],
    z_0: i32x16<S>,
    z_1: i32x16<S>,
) -> i16x32<S> {
    let s = vectors;
    let z = s.saturating_narrow_i32x16(z_0, z_1);
    let size = s.max_i16x32(z, s.saturating_sub_i16x32(s.splat_i16x32(0), z));
    let u = s.min_i16x32(size, s.splat_i16x32(64 * 128 - 1));
    let k = s.shr_i16x32(u, 7);
    let r = s.shl_i16x32(s.and_i16x32(u, s.splat_i16x32(127)), 5);
    let (value, slope) = s.lines(planes, k);
    // (value · 2¹¹ + slope · r) >> 14, in two steps.
    s.shr_i16x32(s.add_i16x32(value, s.high_product(slope, r)), 3)
}

/// Returns the units of two outputs where nothing is rounded: first those of `z[0]`, then those of `z[1]`.
#[inline(always)]
fn exact<S: Integers>(vectors: S, [z_0, z_1]: [i32x16<S>; 2], remainder: i16x32<S>) -> i16x32<S> {
    let z = vectors.saturating_narrow_i32x16(z_0, z_1);
    vectors.saturating_sub_i16x32(vectors.max_i16x32(z, vectors.splat_i16x32(0)), remainder)
}

impl Rounding {
    /// [`exact`], rounded to the layer's format.
    #[inline(always)]
    fn rounded<S: Integers>(
        self,
        vectors: S,
        z: [i32x16<S>; 2],
        remainder: i16x32<S>,
    ) -> i16x32<S> {
        let s = vectors;
        let (low, high) = s.split_i16x32(remainder);
        let y_0 = self.rounded_half(s, z[0], low);
        let y_1 = self.rounded_half(s, z[1], high);
        s.saturating_narrow_i32x16(y_0, y_1)
    }

    #[inline(always)]
    fn rounded_half<S: Integers>(self, s: S, z: i32x16<S>, remainder: i16x16<S>) -> i32x16<S> {
        let (low, high) = s.widen_i16x16(remainder);
        let y = s.sub_i32x16(s.max_i32x16(z, s.splat_i32x16(0)), s.combine_i32x8(low, high));
        s.shr_i32x16(s.add_i32x16(y, s.splat_i32x16(self.half)), self.shift)
    }
}
