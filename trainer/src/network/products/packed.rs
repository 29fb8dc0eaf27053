//! Sums of outer products of wide matrices, for vectors of less than [`LANES`] numbers.
//!
//! A tile has few columns there. In a wide matrix these lie so far apart from row to row that they fall on the same
//! few sets of the cache. So blocks of both factors are copied into the order in which the tiles read them.

use fearless_simd::{Simd, SimdBase};

use super::vectors::{BLOCK, LANES, ROWS, add, load, store};

/// The fewest columns of both factors for which the copies cost less than they gain.
const WIDE: usize = 256;

/// Whether [`add_products`] is faster than sums without copies, and can be used.
#[inline(always)]
pub(super) fn pays<S: Simd>(_: S, m: usize, k: usize) -> bool {
    let fits = m.is_multiple_of(ROWS) && k.is_multiple_of(LANES);
    S::f32s::LEN < LANES && m.min(k) >= WIDE && fits
}

/// As [`super::add_outer_products`].
#[inline(always)]
pub(super) fn add_products<'a, S: Simd>(
    simd: S,
    blocks: impl Iterator<Item = (&'a [f32], &'a [f32])>,
    [m, k]: [usize; 2],
    at: usize,
    sums: &mut [f32],
) {
    let mut a_block = vec![[0.0; ROWS]; sums.len() / k / ROWS * BLOCK];
    let mut b_block = vec![[0.0; LANES]; k / LANES * BLOCK];
    for (a, b) in blocks {
        let rows = b.len() / k;
        copy(a, m, at, &mut a_block, rows);
        copy(b, k, 0, &mut b_block, rows);
        for (panel, b) in b_block.chunks_exact(rows).take(k / LANES).enumerate() {
            for (a, sums) in a_block.chunks_exact(rows).zip(sums.chunks_exact_mut(ROWS * k)) {
                tile(simd, a, b, sums, k, panel * LANES);
            }
        }
    }
}

/// Copies groups of `W` columns of `matrix` (`[rows, columns]`) from `from` on, one group after the other, each row by
/// row, as many as `groups` holds.
#[inline(always)]
fn copy<const W: usize>(
    matrix: &[f32],
    columns: usize,
    from: usize,
    groups: &mut [[f32; W]],
    rows: usize,
) {
    let matrix = matrix.chunks_exact(columns);
    for (g, group) in groups.chunks_exact_mut(rows).enumerate() {
        let Some(at) = Some(from + g * W).filter(|at| at + W <= columns) else { return };
        for (group, row) in group.iter_mut().zip(matrix.clone()) {
            *group = *row[at..].first_chunk().expect("the columns were counted");
        }
    }
}

/// Adds the products of a group of columns of `a` and one of `b` to the columns of `sums` from `column` on.
#[inline(always)]
fn tile<S: Simd>(
    simd: S,
    a: &[[f32; ROWS]],
    b: &[[f32; LANES]],
    out: &mut [f32],
    k: usize,
    column: usize,
) {
    let mut sums = [[simd.splat_f32x16(0.0); 1]; ROWS];
    for (r, sums) in sums.iter_mut().enumerate() {
        *sums = load(simd, &out[r * k + column..]);
    }
    for (a, b) in a.iter().zip(b) {
        let factors = load::<S, 1>(simd, b);
        for (sums, &a) in sums.iter_mut().zip(a) {
            add(simd, sums, a, &factors);
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        store(sums, &mut out[r * k..][column..k]);
    }
}
