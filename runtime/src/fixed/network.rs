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
use super::arithmetic::{STATE_BITS, half_of, saturate, saturate_16};
use super::panel::PANEL;
use super::parts::Slices;
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
    saturate_16(((i64::from(t) + half_of(16)) >> 16) as i32)
}

/// A coordinate as it enters the first layer, with `bits` fraction bits.
#[inline(always)]
pub(crate) fn point_input(x: i32, bits: i8) -> i16 {
    let shift = STATE_BITS.wrapping_sub(bits as u32) & 31;
    saturate_16(saturate((i64::from(x) + half_of(shift)) >> shift))
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
    pub(crate) fn prefix(&self, c: &[i32], inputs: &mut [i16], out: &mut [i32]) {
        self.parts.condition_units.standardize(c, inputs);
        product::<i16>(self.parts.bias, None, self.parts.condition, inputs, |at, sums| {
            for (out, &sum) in out.iter_mut().skip(at).zip(sums) {
                *out = sum;
            }
        });
    }

    /// Writes the velocity at `t` and `x` (`[D]`, flow units) to `v` (`[D]`). `prefix` (`[H]`) is the output of
    /// [`Self::prefix`]. `inputs` is a buffer of `[D]`, `units` are two of `[H]`.
    #[inline(always)]
    pub(crate) fn velocity(
        &self,
        kind: ActivationKind,
        prefix: &[i32],
        at: (i32, &[i32]),
        v: &mut [i32],
        inputs: &mut [i16],
        units: [&mut [i16]; 2],
    ) {
        #[cfg(feature = "std")]
        self.vector_velocity(kind, prefix, at, v, inputs, units);
        #[cfg(not(feature = "std"))]
        self.plain_velocity(kind, prefix, at, v, inputs, units);
    }

    /// [`Self::velocity`] without vectors.
    #[inline(always)]
    pub(crate) fn plain_velocity(
        &self,
        kind: ActivationKind,
        prefix: &[i32],
        (t, x): (i32, &[i32]),
        v: &mut [i32],
        inputs: &mut [i16],
        [mut units, mut next]: [&mut [i16]; 2],
    ) {
        let parts = &self.parts;
        for (input, &x) in inputs.iter_mut().zip(x) {
            *input = point_input(x, parts.formats.point);
        }
        let time = Some((parts.time, time_input(t)));
        let bits = Rounding::to(parts.formats.first);
        product::<i16>(prefix, time, parts.state, inputs, |at, sums| {
            write_units(kind, units, at, sums, parts.shift, bits);
        });
        for Layer { bias, shift, weights, bits } in self.layers() {
            product::<W>(bias, None, weights, units, |at, sums| {
                write_units(kind, next, at, sums, shift, bits);
            });
            core::mem::swap(&mut units, &mut next);
        }
        product::<i16>(parts.last_bias, None, parts.last, units, |at, sums| {
            let shifts = parts.last_shift.get(at..).unwrap_or_default();
            for ((v, &sum), &shift) in v.iter_mut().skip(at).zip(sums).zip(shifts) {
                *v = velocity(sum, shift);
            }
        });
    }
}

/// Writes the units from number `at` on.
#[inline(always)]
fn write_units(
    kind: ActivationKind,
    units: &mut [i16],
    at: usize,
    sums: &[i32],
    shifts: &[i8],
    bits: Rounding,
) {
    let (Some(units), Some(shifts)) = (units.get_mut(at..), shifts.get(at..)) else { return };
    for ((y, &sum), &shift) in units.iter_mut().zip(sums).zip(shifts) {
        *y = unit(kind, sum, shift, bits);
    }
}

/// Computes `start + first + weights · inputs` for each output, and calls `write` with the number of an output and the
/// sums from there on. `weights` (`[start.len()][inputs.len()]`) is laid out in [panels](super::panel). `first` is a
/// column and its input.
#[inline(always)]
fn product<W: Weight>(
    start: &[i32],
    first: Option<(&[i16], i16)>,
    weights: &[W::Element],
    inputs: &[i16],
    mut write: impl FnMut(usize, &[i32]),
) {
    let row = W::row(inputs.len());
    let (mut at, mut weights) = (0, weights);
    while let Some(sums) = start.get(at..).and_then(<[i32]>::first_chunk::<PANEL>) {
        let Some((panel, rest)) = weights.split_at_checked(PANEL * row) else { return };
        let mut sums = *sums;
        add_first(&mut sums, first, at);
        W::add(&mut sums, panel, inputs);
        write(at, &sums);
        (at, weights) = (at + PANEL, rest);
    }
    while let Some(sum) = start.get(at..).and_then(<[i32]>::first_chunk::<1>) {
        let Some((panel, rest)) = weights.split_at_checked(row) else { return };
        let mut sums = *sum;
        add_first(&mut sums, first, at);
        W::add(&mut sums, panel, inputs);
        write(at, &sums);
        (at, weights) = (at + 1, rest);
    }
}

/// Adds the first term of the outputs from number `at` on.
#[inline(always)]
fn add_first<const P: usize>(sums: &mut [i32; P], first: Option<(&[i16], i16)>, at: usize) {
    if let Some((column, input)) = first
        && let Some(weights) = column.get(at..)
    {
        for (sum, &weight) in sums.iter_mut().zip(weights) {
            *sum = sum.wrapping_add(i32::from(weight) * i32::from(input));
        }
    }
}
