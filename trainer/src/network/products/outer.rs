//! Sums of outer products, which are a weight's gradient.

use fearless_simd::{Level, Simd, dispatch};

use super::packed;
use super::vectors::{BLOCK, LANES, ROWS, VECTORS, add, load, store, width};

/// Adds rows of `aᵀ·b` (`[m, k]`) to `sums`, whose first row belongs to column `at` of `a`: the outer products of the
/// rows of `a` (`[n, m]`) and `b` (`[n, k]`), in order. Both come in `blocks` of at most [`BLOCK`] rows. A tile of sums
/// adds the products of a whole block before the next tile starts, so that the block stays in the L1 cache.
pub(crate) fn add_outer_products<'a>(
    blocks: impl Iterator<Item = (&'a [f32], &'a [f32])>,
    [m, k]: [usize; 2],
    at: usize,
    sums: &mut [f32],
) {
    dispatch!(Level::new(), simd => if packed::pays(simd, m, k) {
        packed::add_products(simd, blocks, [m, k], at, sums);
    } else {
        for (a, b) in blocks {
            Outer { a, m, b, k }.add(simd, at, sums);
        }
    });
}

/// A block of rows of `a` (`[rows, m]`) and `b` (`[rows, k]`).
struct Outer<'a> {
    a: &'a [f32],
    m: usize,
    b: &'a [f32],
    k: usize,
}

impl Outer<'_> {
    /// Adds the block's products to `sums`, whose first row belongs to column `at` of `a`.
    #[inline(always)]
    fn add<S: Simd>(&self, simd: S, at: usize, sums: &mut [f32]) {
        let mut column = 0;
        while column + LANES <= self.k {
            let width = width(simd, self.k - column);
            if width > LANES {
                self.columns::<S, VECTORS>(simd, at, column, sums);
            } else {
                self.columns::<S, 1>(simd, at, column, sums);
            }
            column += width;
        }
        let rest = self.k - column;
        if rest > 0 {
            let mut filled = [0.0; BLOCK * LANES];
            let rows = self.b.chunks_exact(self.k).zip(filled.chunks_exact_mut(LANES));
            for (row, filled) in rows {
                filled[..rest].copy_from_slice(&row[column..]);
            }
            let mut last = vec![0.0; sums.len() / self.k * LANES];
            let rows = sums.chunks_exact(self.k).zip(last.chunks_exact_mut(LANES));
            for (row, last) in rows {
                last[..rest].copy_from_slice(&row[column..]);
            }
            Outer { b: &filled, k: LANES, ..*self }.columns::<S, 1>(simd, at, 0, &mut last);
            let rows = sums.chunks_exact_mut(self.k).zip(last.chunks_exact(LANES));
            for (row, last) in rows {
                row[column..].copy_from_slice(&last[..rest]);
            }
        }
    }

    /// Adds the products with the `V` vectors of columns of `b` that begin at `column`.
    #[inline(always)]
    fn columns<S: Simd, const V: usize>(
        &self,
        simd: S,
        mut at: usize,
        column: usize,
        sums: &mut [f32],
    ) {
        for sums in sums.chunks_mut(ROWS * self.k) {
            if sums.len() == ROWS * self.k {
                self.tile::<S, ROWS, V>(simd, at, column, sums);
            } else {
                for (r, sums) in sums.chunks_exact_mut(self.k).enumerate() {
                    self.tile::<S, 1, V>(simd, at + r, column, sums);
                }
            }
            at += ROWS;
        }
    }

    /// Adds the products of `R` columns of `a` and `V` vectors of columns of `b`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        at: usize,
        column: usize,
        out: &mut [f32],
    ) {
        let k = self.k;
        let mut sums = [[simd.splat_f32x16(0.0); V]; R];
        for (r, sums) in sums.iter_mut().enumerate() {
            *sums = load(simd, &out[r * k..][column..k]);
        }
        for (a, b) in self.a.chunks_exact(self.m).zip(self.b.chunks_exact(k)) {
            let (a, factors) = (&a[at..at + R], load::<S, V>(simd, &b[column..]));
            for (sums, &a) in sums.iter_mut().zip(a) {
                add(simd, sums, a, &factors);
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            store(sums, &mut out[r * k..][column..k]);
        }
    }
}
