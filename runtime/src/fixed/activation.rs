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

use super::arithmetic::limit_16;
use super::tables::{ELU, GELU, GELU_TANH, Line, MISH_NEGATIVE, MISH_POSITIVE, SELU, SILU, TANH};
use crate::activation::ActivationKind;

/// The fraction bits of an activation's argument and value.
pub(crate) const UNIT_BITS: u32 = 11;

/// The fraction bits of a table's values and slopes.
const LINE_BITS: u32 = 14;

/// SELU's slope for positive arguments, with 30 fraction bits.
const SELU_SLOPE: i64 = 1_128_181_595;

/// Returns `G(z)` from a table with segments of 2<sup>`BITS`</sup> arguments.
macro_rules! remainder {
    ($table:ident, $bits:literal, $z:expr) => {
        remainder::<$bits, _>(line_segments!($table, $bits), $z)
    };
}

/// The segments of a table, in a `static` of their own.
macro_rules! line_segments {
    ($table:ident, $bits:literal) => {{
        static SEGMENTS: [Segment; $table.len()] = segments(&$table, $bits);
        &SEGMENTS
    }};
}

/// The 64 lines of an activation that is `max(z, 0) − G(z)`, each as a word with the value in its low half.
#[cfg(all(feature = "assembly", target_abi = "eabihf", target_os = "none"))]
#[inline(always)]
pub(crate) fn lines_of(kind: ActivationKind) -> Option<&'static [u32; 64]> {
    static GELU_LINES: [u32; 64] = words(&GELU);
    static GELU_TANH_LINES: [u32; 64] = words(&GELU_TANH);
    match kind {
        ActivationKind::Gelu => Some(&GELU_LINES),
        ActivationKind::GeluTanh => Some(&GELU_TANH_LINES),
        _ => None,
    }
}

/// The 64 segments of 2⁷ arguments of an activation that is `max(z, 0) − G(z)`. A Cortex-M0 has no instruction that
/// multiplies the halves of a word, so it takes no lines.
#[cfg(all(
    feature = "assembly",
    target_arch = "arm",
    target_os = "none",
    not(target_has_atomic = "32")
))]
#[inline(always)]
pub(crate) fn segments_of(kind: ActivationKind) -> Option<&'static [Segment; 64]> {
    match kind {
        ActivationKind::Gelu => Some(line_segments!(GELU, 7)),
        ActivationKind::GeluTanh => Some(line_segments!(GELU_TANH, 7)),
        _ => None,
    }
}

/// Lines as words.
#[cfg(all(feature = "assembly", target_abi = "eabihf", target_os = "none"))]
const fn words(table: &[Line; 64]) -> [u32; 64] {
    let mut words = [0; 64];
    let mut k = 0;
    while k < 64 {
        let (value, slope) = table[k];
        words[k] = value as u16 as u32 | (slope as u16 as u32) << 16;
        k += 1;
    }
    words
}

/// Returns an activation of an argument with 11 fraction bits, at most 2³⁰ in magnitude. The value has 11 fraction bits
/// too, and is within 1 unit of the exact function.
#[inline(always)]
pub fn activation(kind: ActivationKind, z: i32) -> i32 {
    let positive = z & !(z >> 31);
    match kind {
        ActivationKind::Relu => positive,
        ActivationKind::Gelu => positive - remainder!(GELU, 7, z),
        ActivationKind::GeluTanh => positive - remainder!(GELU_TANH, 7, z),
        ActivationKind::Silu => positive - remainder!(SILU, 7, z),
        ActivationKind::Tanh => {
            let value = remainder!(TANH, 7, z);
            if z < 0 { -value } else { value }
        }
        ActivationKind::Elu if z < 0 => -remainder!(ELU, 6, z),
        ActivationKind::Elu => z,
        ActivationKind::Selu if z < 0 => -remainder!(SELU, 6, z),
        ActivationKind::Selu => selu_line(z),
        ActivationKind::Mish if z < 0 => -remainder!(MISH_NEGATIVE, 7, z),
        ActivationKind::Mish => z - remainder!(MISH_POSITIVE, 7, z),
    }
}

/// SELU of a positive argument.
#[inline(always)]
pub(crate) fn selu_line(z: i32) -> i32 {
    ((i64::from(z) * SELU_SLOPE + (1 << 29)) >> 30) as i32
}

/// A segment as a line over all of |z|: what it is at |z| = 0 and its slope, both with 25 fraction bits. That saves the
/// instructions that split |z| and take the two numbers of a [`Line`] apart.
pub(crate) type Segment = [i32; 2];

/// The segments of a table, of 2<sup>`bits`</sup> arguments each.
const fn segments<const N: usize>(table: &[Line; N], bits: u32) -> [Segment; N] {
    let mut segments = [[0; 2]; N];
    let mut k = 0;
    while k < N {
        let (value, slope) = (table[k].0 as i32, table[k].1 as i32);
        segments[k] = [(value << UNIT_BITS) - slope * ((k as i32) << bits), slope];
        k += 1;
    }
    segments
}

/// Returns `G(z)` from segments of 2<sup>`BITS`</sup> arguments.
#[inline(always)]
fn remainder<const BITS: u32, const N: usize>(segments: &[Segment; N], z: i32) -> i32 {
    let u = z.unsigned_abs().min(((N as u32) << BITS) - 1);
    let [start, slope] = segments[(u >> BITS) as usize];
    (start + slope * u as i32) >> LINE_BITS
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
        let rounded = (value + self.half) >> self.shift;
        limit_16(rounded)
    }
}
