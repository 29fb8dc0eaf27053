//! Vectors of floats: how many a processor takes at once, and how they are read, added and written.

use fearless_simd::{Simd, SimdBase, SimdFrom, f32x16};

/// Columns of a vector.
pub(super) const LANES: usize = 16;

/// Rows side by side: with the columns of a panel, as many sums as an addition's latency asks for.
pub(super) const ROWS: usize = 4;

/// Vectors side by side where a register holds one.
pub(super) const VECTORS: usize = 4;

/// How many columns the panel has that `left` columns begin with.
#[inline(always)]
pub(super) fn width<S: Simd>(_: S, left: usize) -> usize {
    if S::f32s::LEN == LANES && left >= VECTORS * LANES { VECTORS * LANES } else { LANES }
}

/// `V` vectors from memory.
#[inline(always)]
pub(super) fn load<S: Simd, const V: usize>(simd: S, values: &[f32]) -> [f32x16<S>; V] {
    let values = &values.as_chunks::<LANES>().0[..V];
    let mut vectors = [simd.splat_f32x16(0.0); V];
    for (vector, values) in vectors.iter_mut().zip(values) {
        *vector = f32x16::simd_from(simd, *values);
    }
    vectors
}

/// Adds a number's products to sums.
#[inline(always)]
pub(super) fn add<S: Simd, const V: usize>(
    simd: S,
    sums: &mut [f32x16<S>; V],
    number: f32,
    factors: &[f32x16<S>; V],
) {
    let number = simd.splat_f32x16(number);
    for (sum, factor) in sums.iter_mut().zip(factors) {
        *sum = simd.mul_add_f32x16(number, *factor, *sum);
    }
}

/// Writes the vectors' numbers for as many columns as there are.
#[inline(always)]
pub(super) fn store<S: Simd, const V: usize>(vectors: &[f32x16<S>; V], out: &mut [f32]) {
    // By way of an array: written where they go, the sums would be kept in memory before, too.
    let mut numbers = [[0.0; LANES]; V];
    for (numbers, vector) in numbers.iter_mut().zip(vectors) {
        *numbers = (*vector).into();
    }
    match out.as_chunks_mut::<LANES>().0.first_chunk_mut::<V>() {
        Some(out) => *out = numbers,
        None => out.copy_from_slice(&numbers.as_flattened()[..out.len()]),
    }
}
