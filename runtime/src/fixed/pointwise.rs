//! Activations with vectors.

use fearless_simd::{Bytes, SimdFrom, i16x32, i32x16, u16x32};

use super::activation::{Rounding, selu_line};
use super::tables::{ELU, GELU, GELU_TANH, MISH_NEGATIVE, MISH_POSITIVE, SELU, SILU, TANH};
use super::vectors::{Integers, Lines, LongLines};
use crate::activation::ActivationKind;

/// The table of an activation of 64 segments, or `None` if it has another form.
#[inline(always)]
pub(super) fn table(kind: ActivationKind) -> Option<&'static Lines> {
    static GELU_LINES: Lines = Lines::new(&GELU);
    static GELU_TANH_LINES: Lines = Lines::new(&GELU_TANH);
    match kind {
        ActivationKind::Gelu => Some(&GELU_LINES),
        ActivationKind::GeluTanh => Some(&GELU_TANH_LINES),
        _ => None,
    }
}

/// How two vectors of 32-bit numbers share one of 16 bits.
pub(super) trait Order {
    /// Limits the numbers to 16 bits.
    fn pack<S: Integers>(vectors: S, z: [i32x16<S>; 2]) -> i16x32<S>;

    /// The inverse of [`Self::pack`].
    fn unpack<S: Integers>(vectors: S, y: i16x32<S>) -> [i32x16<S>; 2];
}

/// The two numbers of each sample side by side.
pub(super) struct Pairs;

impl Order for Pairs {
    #[inline(always)]
    fn pack<S: Integers>(vectors: S, [even, odd]: [i32x16<S>; 2]) -> i16x32<S> {
        vectors.paired(even, odd)
    }

    #[inline(always)]
    fn unpack<S: Integers>(vectors: S, y: i16x32<S>) -> [i32x16<S>; 2] {
        let both: i32x16<S> = Bytes::bitcast(y);
        [vectors.shr_i32x16(vectors.shl_i32x16(both, 16), 16), vectors.shr_i32x16(both, 16)]
    }
}

/// First the numbers of one vector, then those of the other.
pub(super) struct Sequence;

impl Order for Sequence {
    #[inline(always)]
    fn pack<S: Integers>(vectors: S, [first, second]: [i32x16<S>; 2]) -> i16x32<S> {
        vectors.saturating_narrow_i32x16(first, second)
    }

    #[inline(always)]
    fn unpack<S: Integers>(vectors: S, y: i16x32<S>) -> [i32x16<S>; 2] {
        let (first, second) = vectors.split_i16x32(y);
        [first, second].map(|half| {
            let (low, high) = vectors.widen_i16x16(half);
            vectors.combine_i32x8(low, high)
        })
    }
}

/// Returns the units of the arguments `z`, rounded to the layer's format if `ROUNDS`.
#[inline(always)]
pub(super) fn units<S: Integers, O: Order, const ROUNDS: bool>(
    vectors: S,
    table: &Lines,
    z: [i32x16<S>; 2],
    bits: Rounding,
) -> i16x32<S> {
    let s = vectors;
    let packed = O::pack(s, z);
    let remainder = remainder(s, table, packed);
    if !ROUNDS {
        // 16 bits are enough.
        return s.saturating_sub_i16x32(s.max_i16x32(packed, s.splat_i16x32(0)), remainder);
    }
    let [g_0, g_1] = O::unpack(s, remainder);
    let half = s.splat_i32x16(bits.half);
    let rounded = |z, g| {
        let y = s.sub_i32x16(s.max_i32x16(z, s.splat_i32x16(0)), g);
        s.shr_i32x16(s.add_i32x16(y, half), bits.shift)
    };
    O::pack(s, [rounded(z[0], g_0), rounded(z[1], g_1)])
}

/// What an activation subtracts from `max(z, 0)`.
#[inline(always)]
fn remainder<S: Integers>(vectors: S, table: &Lines, z: i16x32<S>) -> i16x32<S> {
    let [k, r] = segment::<S, 7>(vectors, z, 64);
    let (value, slope) = vectors.lines(table, k);
    line(vectors, value, slope, r)
}

/// The remainder `G` from a table of more than 64 segments of 2<sup>`BITS`</sup> arguments.
#[inline(always)]
fn long_remainder<S: Integers, const BITS: u32, const PARTS: usize>(
    vectors: S,
    table: &LongLines<PARTS>,
    z: i16x32<S>,
) -> i16x32<S> {
    let [k, r] = segment::<S, BITS>(vectors, z, table.count);
    let (value, slope) = vectors.long_lines(table, k);
    line(vectors, value, slope, r)
}

/// The segment of |z|, and 32 times the distance from its beginning.
#[inline(always)]
fn segment<S: Integers, const BITS: u32>(
    vectors: S,
    z: i16x32<S>,
    segments: usize,
) -> [i16x32<S>; 2] {
    let s = vectors;
    // −2¹⁵ stays what it is, which without a sign is 2¹⁵.
    let size: u16x32<S> = Bytes::bitcast(s.abs_i16x32(z));
    let last = ((segments << BITS) - 1) as u16;
    let u: i16x32<S> = Bytes::bitcast(s.min_u16x32(size, s.splat_u16x32(last)));
    let r = s.shl_i16x32(s.and_i16x32(u, s.splat_i16x32((1 << BITS) - 1)), 5);
    [s.shr_i16x32(u, BITS), r]
}

/// `(value · 2¹¹ + slope · r) >> 14`, in two steps. `r` is 32 times as large.
#[inline(always)]
fn line<S: Integers>(vectors: S, value: i16x32<S>, slope: i16x32<S>, r: i16x32<S>) -> i16x32<S> {
    let s = vectors;
    s.shr_i16x32(s.add_i16x32(value, s.high_product(slope, r)), 3)
}

/// Returns the units of the arguments `z` for an activation without a [`table`].
#[inline(always)]
pub(super) fn other_units<S: Integers, O: Order>(
    vectors: S,
    kind: ActivationKind,
    z: [i32x16<S>; 2],
    bits: Rounding,
) -> i16x32<S> {
    static SILU_LINES: LongLines<3> = LongLines::new(&SILU);
    static TANH_LINES: LongLines<2> = LongLines::new(&TANH);
    static ELU_LINES: LongLines<5> = LongLines::new(&ELU);
    static SELU_LINES: LongLines<5> = LongLines::new(&SELU);
    static MISH_POSITIVE_LINES: LongLines<2> = LongLines::new(&MISH_POSITIVE);
    static MISH_NEGATIVE_LINES: LongLines<3> = LongLines::new(&MISH_NEGATIVE);
    let s = vectors;
    let packed = O::pack(s, z);
    let zero = s.splat_i16x32(0);
    // What is added to the straight line.
    let change = match kind {
        ActivationKind::Relu | ActivationKind::Gelu | ActivationKind::GeluTanh => zero,
        ActivationKind::Silu => {
            s.sub_i16x32(zero, long_remainder::<S, 7, 3>(s, &SILU_LINES, packed))
        }
        ActivationKind::Tanh => {
            let value = long_remainder::<S, 7, 2>(s, &TANH_LINES, packed);
            let negative = s.simd_lt_i16x32(packed, zero);
            s.select_i16x32(negative, s.sub_i16x32(zero, value), value)
        }
        ActivationKind::Elu | ActivationKind::Selu => {
            let value = if kind == ActivationKind::Elu {
                long_remainder::<S, 6, 5>(s, &ELU_LINES, packed)
            } else {
                long_remainder::<S, 6, 5>(s, &SELU_LINES, packed)
            };
            let negative = s.simd_lt_i16x32(packed, zero);
            s.select_i16x32(negative, s.sub_i16x32(zero, value), zero)
        }
        ActivationKind::Mish => {
            let below = long_remainder::<S, 7, 3>(s, &MISH_NEGATIVE_LINES, packed);
            let above = long_remainder::<S, 7, 2>(s, &MISH_POSITIVE_LINES, packed);
            let negative = s.simd_lt_i16x32(packed, zero);
            s.sub_i16x32(zero, s.select_i16x32(negative, below, above))
        }
    };
    let changes = O::unpack(s, change);
    let half = s.splat_i32x16(bits.half);
    let unit = |z: i32x16<S>, change: i32x16<S>| {
        let straight = match kind {
            ActivationKind::Tanh => s.splat_i32x16(0),
            ActivationKind::Selu => {
                let z: [i32; 16] = z.into();
                load(s, &z.map(|z| selu_line(z & !(z >> 31))))
            }
            _ => s.max_i32x16(z, s.splat_i32x16(0)),
        };
        let y = s.add_i32x16(straight, change);
        s.shr_i32x16(s.add_i32x16(y, half), bits.shift)
    };
    O::pack(s, [unit(z[0], changes[0]), unit(z[1], changes[1])])
}

/// 16 numbers as a vector.
#[inline(always)]
pub(super) fn load<S: Integers>(vectors: S, numbers: &[i32; 16]) -> i32x16<S> {
    i32x16::simd_from(vectors, *numbers)
}
