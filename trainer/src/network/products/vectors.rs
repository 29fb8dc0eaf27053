//! Vectors of floats: their sizes, and how they are loaded, added and stored.

use fearless_simd::{Simd, SimdBase, SimdFrom, f32x16};

/// Columns in a vector.
pub(super) const LANES: usize = 16;

/// Rows in a tile. Times a panel's vectors, this gives enough independent sums to hide an addition's latency.
pub(super) const ROWS: usize = 4;

/// The most rows of both factors in a block of a sum of outer products.
pub(crate) const BLOCK: usize = 64;

/// Vectors in a wide panel, used where one register holds a vector.
pub(super) const VECTORS: usize = 4;

/// Returns the number of columns in the next panel, where `left` columns are left.
#[inline(always)]
pub(super) fn width<S: Simd>(_: S, left: usize) -> usize {
    if S::f32s::LEN == LANES && left >= VECTORS * LANES { VECTORS * LANES } else { LANES }
}

/// Loads the first `V` vectors of `values`.
#[inline(always)]
pub(super) fn load<S: Simd, const V: usize>(simd: S, values: &[f32]) -> [f32x16<S>; V] {
    let values = &values.as_chunks::<LANES>().0[..V];
    let mut vectors = [simd.splat_f32x16(0.0); V];
    for (vector, values) in vectors.iter_mut().zip(values) {
        *vector = f32x16::simd_from(simd, *values);
    }
    vectors
}

/// Adds `number · factors` to `sums`.
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

/// Writes the vectors to `out`, or as many of their numbers as it holds.
#[inline(always)]
pub(super) fn store<S: Simd, const V: usize>(vectors: &[f32x16<S>; V], out: &mut [f32]) {
    // Through a local array: with direct writes to `out`, the compiler would keep the sums in memory during the
    // whole loop.
    let mut numbers = [[0.0; LANES]; V];
    for (numbers, vector) in numbers.iter_mut().zip(vectors) {
        *numbers = (*vector).into();
    }
    match out.as_chunks_mut::<LANES>().0.first_chunk_mut::<V>() {
        Some(out) => *out = numbers,
        None => out.copy_from_slice(&numbers.as_flattened()[..out.len()]),
    }
}
