//! Activations in whole numbers, as piecewise linear functions from tables.
//!
//! An argument and a value have [`UNIT_BITS`] fraction bits, in every model. A table describes what an activation adds
//! to a straight line, for |z| in `N` segments of 2ᵇ arguments:
//!
//! ```text
//! u = min(|z|, 2ᵇ · N − 1),   k = u >> b,   r = u mod 2ᵇ
//! G(z) = (value[k] · 2¹¹ + slope[k] · r) >> 14
//! ```
//!
//! Beyond the table's end, `G` is constant and the activation a straight line.

use super::tables::{ELU, GELU, GELU_TANH, Line, MISH_NEGATIVE, MISH_POSITIVE, SELU, SILU, TANH};
use crate::activation::ActivationKind;

/// The fraction bits of an activation's argument and value.
pub(crate) const UNIT_BITS: u32 = 11;

/// The fraction bits of a table's values and slopes.
const LINE_BITS: u32 = 14;

/// SELU's slope for positive arguments, with 30 fraction bits.
const SELU_SLOPE: i64 = 1_128_181_595;

/// Returns an activation of an argument with 11 fraction bits, at most 2³⁰ in magnitude. The value has 11 fraction bits
/// too, and is within 1 unit of the exact function.
#[inline(always)]
pub fn activation(kind: ActivationKind, z: i32) -> i32 {
    let positive = z & !(z >> 31);
    match kind {
        ActivationKind::Relu => positive,
        ActivationKind::Gelu => positive - remainder::<7, _>(&GELU, z),
        ActivationKind::GeluTanh => positive - remainder::<7, _>(&GELU_TANH, z),
        ActivationKind::Silu => positive - remainder::<7, _>(&SILU, z),
        ActivationKind::Tanh => {
            let value = remainder::<7, _>(&TANH, z);
            if z < 0 { -value } else { value }
        }
        ActivationKind::Elu if z < 0 => -remainder::<6, _>(&ELU, z),
        ActivationKind::Elu => z,
        ActivationKind::Selu if z < 0 => -remainder::<6, _>(&SELU, z),
        ActivationKind::Selu => selu_line(z),
        ActivationKind::Mish if z < 0 => -remainder::<7, _>(&MISH_NEGATIVE, z),
        ActivationKind::Mish => z - remainder::<7, _>(&MISH_POSITIVE, z),
    }
}

/// SELU of a positive argument.
#[inline(always)]
pub(crate) fn selu_line(z: i32) -> i32 {
    ((i64::from(z) * SELU_SLOPE + (1 << 29)) >> 30) as i32
}

/// Returns `G(z)` from a table with segments of 2<sup>`BITS`</sup> arguments.
#[inline(always)]
fn remainder<const BITS: u32, const N: usize>(table: &[Line; N], z: i32) -> i32 {
    let u = z.unsigned_abs().min(((N as u32) << BITS) - 1);
    let (value, slope) = table[(u >> BITS) as usize];
    let r = (u & ((1 << BITS) - 1)) as i32;
    ((i32::from(value) << UNIT_BITS) + i32::from(slope) * r) >> LINE_BITS
}

/// Returns a hidden unit with `bits` fraction bits from its sum.
#[inline(always)]
pub(crate) fn unit(kind: ActivationKind, sum: i32, shift: i8, bits: Rounding) -> i16 {
    bits.round(activation(kind, sum >> (shift & 31)))
}

/// Rounds a value of [`UNIT_BITS`] fraction bits to a layer's format.
#[derive(Clone, Copy)]
pub(crate) struct Rounding {
    /// The right shift; 0 if nothing is to be rounded.
    pub(super) shift: u32,
    /// What is added before the shift.
    pub(super) half: i32,
}

impl Rounding {
    /// To `bits` fraction bits, which a checked file keeps from 0 to [`UNIT_BITS`].
    #[inline(always)]
    pub(crate) fn to(bits: i8) -> Self {
        let shift = UNIT_BITS.wrapping_sub(bits as u32) & 15;
        Self { shift, half: (1 << shift) >> 1 }
    }

    #[inline(always)]
    fn round(self, value: i32) -> i16 {
        super::arithmetic::saturate_16((value + self.half) >> self.shift)
    }
}
