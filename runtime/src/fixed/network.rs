//! A network of whole numbers as slices, and its forward pass.
//!
//! ```text
//! S = b₀ + W_c·c + w_t·t + W_x·x      y = A(S >> s)      [H]
//! S = b + W·y                         y = A(S >> s)      [H], L times
//! v = (b + W·y) >> s                                     [D]
//! ```
//!
//! A sum is exact in 32 bits, whatever the inputs: a file whose weights are too large for that is refused. So the order
//! of the additions is free.

use super::activation::{Rounding, unit};
use super::arithmetic::{STATE_BITS, saturate, saturate_16};
use super::panel::PANEL;
use super::parts::Slices;
use super::sums::{Form16, Start, Unit, add_ones, sum_columns, wide};
use super::weight::Weight;
use crate::activation::ActivationKind;

/// A network.
pub(crate) struct Network<'a, W: Weight> {
    pub(crate) parts: Slices<'a>,
    /// The hidden-to-hidden layers' weights, `[L][H][H]` in panels.
    pub(crate) hidden: &'a [W::Element],
}

/// A hidden-to-hidden layer.
pub(crate) struct Layer<'a, W: Weight> {
    /// `[H]`
    pub(crate) bias: &'a [i32],
    /// `[H]`
    pub(crate) shift: &'a [i8],
    /// `[H][H]` in panels.
    pub(crate) weights: &'a [W::Element],
    /// How its units are rounded.
    pub(crate) bits: Rounding,
}

/// The time as it enters the first layer: 14 fraction bits.
#[inline(always)]
pub(crate) fn time_input(t: i32) -> i16 {
    saturate_16(shifted(t, 16))
}

/// A coordinate as it enters the first layer, with `bits` fraction bits.
#[inline(always)]
pub(crate) fn point_input(x: i32, bits: i8) -> i16 {
    saturate_16(shifted(x, STATE_BITS.wrapping_sub(bits as u32) & 31))
}

/// `x >> shift`, rounded half up: the last bit that falls off is the rounding. `shift` is at most 31.
#[inline(always)]
fn shifted(x: i32, shift: u32) -> i32 {
    if shift == 0 { x } else { (x >> shift) + ((x >> (shift - 1)) & 1) }
}

/// A velocity from its sum.
#[inline(always)]
pub(crate) fn velocity(sum: i32, shift: i8) -> i32 {
    if shift >= 0 {
        sum >> (shift & 31)
    } else {
        saturate(i64::from(sum) << (shift.unsigned_abs() & 31))
    }
}

impl<'a, W: Weight> Network<'a, W> {
    /// The hidden-to-hidden layers.
    #[inline(always)]
    pub(crate) fn layers(&self) -> impl Iterator<Item = Layer<'a, W>> + use<'a, W> {
        let Slices { hidden_bias: mut bias, hidden_shift: mut shift, hidden_bits, .. } = self.parts;
        let (mut weights, width) = (self.hidden, self.parts.bias.len());
        // `chunks_exact` would divide, and might link the panic for a division by zero.
        hidden_bits.iter().map_while(move |&bits| {
            let (layer_bias, more_bias) = bias.split_at_checked(width)?;
            let (layer_shift, more_shift) = shift.split_at_checked(width)?;
            let (layer, more) = weights.split_at_checked(width * W::row(width))?;
            (bias, shift, weights) = (more_bias, more_shift, more);
            let bits = Rounding::to(bits);
            Some(Layer { bias: layer_bias, shift: layer_shift, weights: layer, bits })
        })
    }

    /// Writes the first layer's initial sums, its bias plus its condition terms, to `out` (`[H]`). `c` (`[C]`) is in
    /// the user's units, `inputs` a buffer of `[C]`.
    #[inline(always)]
    pub(crate) fn prefix(&self, c: &[i32], inputs: &mut [Unit], out: &mut [i32]) {
        self.parts.condition_units.standardize(c, inputs);
        let offset = self.parts.formats.offset;
        product::<i16>(self.parts.bias, 0, (self.parts.condition, offset), inputs, out);
    }

    /// Writes the velocity at `t` and `x` (`[D]`, flow units) to `v` (`[D]`). `prefix` (`[H]`) is the output of
    /// [`Self::prefix`].
    #[inline(always)]
    pub(crate) fn velocity(
        &self,
        kind: ActivationKind,
        prefix: &[i32],
        at: (i32, &[i32]),
        v: &mut [i32],
        scratch: Scratch<'_>,
    ) {
        #[cfg(feature = "std")]
        self.vector_velocity(kind, prefix, at, v, scratch);
        #[cfg(not(feature = "std"))]
        self.plain_velocity(kind, prefix, at, v, scratch);
    }

    /// [`Self::velocity`] without vectors.
    #[inline(always)]
    pub(crate) fn plain_velocity(
        &self,
        kind: ActivationKind,
        prefix: &[i32],
        (t, x): (i32, &[i32]),
        v: &mut [i32],
        Scratch { inputs, sums, units, .. }: Scratch<'_>,
    ) {
        let parts = &self.parts;
        let offset = parts.formats.offset;
        for (input, &x) in inputs.iter_mut().zip(x) {
            *input = point_input(x, parts.formats.point) as Unit;
        }
        let t = time_input(t) as Unit;
        // One data dimension: the columns of the time and of the point in one pass.
        if let [x] = *inputs {
            let excess = excess_of::<i16>(wide(t).wrapping_add(wide(x)), offset);
            let start = Start { numbers: prefix, excess };
            sum_columns(sums, start, [(parts.time, t), (parts.state, x)]);
        } else {
            let excess = excess_of::<i16>(wide(t), offset);
            product::<i16>(prefix, excess, (parts.state, offset), inputs, sums);
            add_ones::<Form16>(sums, parts.time, t);
        }
        write_units(kind, units, sums, parts.shift, Rounding::to(parts.formats.first));
        for Layer { bias, shift, weights, bits } in self.layers() {
            product::<W>(bias, 0, (weights, offset), units, sums);
            write_units(kind, units, sums, shift, bits);
        }
        product::<i16>(parts.last_bias, 0, (parts.last, offset), units, v);
        for (v, &shift) in v.iter_mut().zip(parts.last_shift) {
            *v = velocity(*v, shift);
        }
    }
}

/// The buffers of an evaluation.
pub(crate) struct Scratch<'a> {
    /// The point as it enters the first layer, `[D]`.
    pub(crate) inputs: &'a mut [Unit],
    /// A layer's sums, `[H]`.
    pub(crate) sums: &'a mut [i32],
    /// A layer's units, `[H]`.
    pub(crate) units: &'a mut [Unit],
    /// The next layer's units, `[H]`, for the vectors.
    #[cfg(feature = "std")]
    pub(crate) next: &'a mut [Unit],
}

/// What the offset of weights adds to a sum: their offset times the sum of the inputs, `total`.
#[inline(always)]
fn excess_of<W: Weight>(total: i32, offset: i8) -> i32 {
    total.wrapping_mul(W::OFFSET).wrapping_mul(offset.into())
}

/// The sum of inputs.
#[inline(always)]
fn total(inputs: &[Unit]) -> i32 {
    // Four at once, which a Cortex-M0 loads with one instruction.
    let (fours, rest) = inputs.as_chunks();
    let total = fours.iter().fold(0_i32, |total, &[a, b, c, d]| {
        let [a, b, c, d] = [wide(a), wide(b), wide(c), wide(d)];
        total.wrapping_add(a).wrapping_add(b).wrapping_add(c).wrapping_add(d)
    });
    rest.iter().fold(total, |total, &x| total.wrapping_add(wide(x)))
}

/// Computes `start − excess + weights · inputs` for each output. `weights` (`[sums.len()][inputs.len()]`) is laid out in
/// [panels](super::panel), and comes with 1 where it is stored with an offset.
///
/// A function of its own, which knows no size: the compiler would inline it for each layer, and unroll its loops.
#[inline(never)]
fn product<W: Weight>(
    start: &[i32],
    excess: i32,
    (weights, offset): (&[W::Element], i8),
    inputs: &[Unit],
    sums: &mut [i32],
) {
    let total = if W::OFFSET == 0 { 0 } else { total(inputs) };
    let excess = excess.wrapping_add(excess_of::<W>(total, offset));
    let (panels, singles) = sums.split_at_mut(sums.len() - sums.as_chunks::<PANEL>().1.len());
    let Some((numbers, of_singles)) = start.split_at_checked(panels.len()) else { return };
    let Some((weights, rest)) = weights.split_at_checked(W::row(inputs.len()) * panels.len())
    else {
        return;
    };
    W::sum::<PANEL>(panels, Start { numbers, excess }, weights, inputs);
    if PANEL > 1 {
        W::sum::<1>(singles, Start { numbers: of_singles, excess }, rest, inputs);
    }
}

/// Writes a layer's units.
#[inline(never)]
fn write_units(
    kind: ActivationKind,
    units: &mut [Unit],
    sums: &[i32],
    shifts: &[i8],
    bits: Rounding,
) {
    #[cfg(all(feature = "assembly", target_abi = "eabihf", target_os = "none"))]
    if let Some(lines) = super::activation::lines_of(kind) {
        let rounding = (bits.half, bits.shift);
        return flowlet_assembly::dsp::units(lines, sums, shifts, rounding, units);
    }
    #[cfg(all(feature = "assembly", target_arch = "arm", target_os = "none"))]
    #[cfg(not(target_has_atomic = "32"))]
    if let Some(segments) = super::activation::segments_of(kind) {
        let rounding = (bits.half, bits.shift);
        return flowlet_assembly::thumb::units(segments, sums, shifts, rounding, units);
    }
    for ((y, &sum), &shift) in units.iter_mut().zip(sums).zip(shifts) {
        *y = unit(kind, sum, shift, bits) as Unit;
    }
}
