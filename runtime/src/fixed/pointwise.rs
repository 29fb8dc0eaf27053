//! Activations with vectors, for those whose table has 64 segments.

use fearless_simd::{Bytes, SimdFrom, i16x32, i32x16, u16x32};

use super::activation::Rounding;
use super::tables::{GELU, GELU_TANH};
use super::vectors::{Integers, Lines};
use crate::activation::ActivationKind;

/// The table of an activation, or `None` if it has another form.
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
    let s = vectors;
    // −2¹⁵ stays what it is, which without a sign is 2¹⁵.
    let size: u16x32<S> = Bytes::bitcast(s.abs_i16x32(z));
    let u: i16x32<S> = Bytes::bitcast(s.min_u16x32(size, s.splat_u16x32(64 * 128 - 1)));
    let r = s.shl_i16x32(s.and_i16x32(u, s.splat_i16x32(127)), 5);
    let (value, slope) = s.lines(table, s.shr_i16x32(u, 7));
    // (value · 2¹¹ + slope · r) >> 14, in two steps.
    s.shr_i16x32(s.add_i16x32(value, s.high_product(slope, r)), 3)
}

/// 16 numbers as a vector.
#[inline(always)]
pub(super) fn load<S: Integers>(vectors: S, numbers: &[i32; 16]) -> i32x16<S> {
    i32x16::simd_from(vectors, *numbers)
}
