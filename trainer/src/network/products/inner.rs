//! Inner products, for matrix products of few columns.

use fearless_simd::{Level, Simd, SimdFrom, dispatch, f32x16};

use super::vectors::LANES;

/// Products of fewer columns than this use [`inner_products`]: in a panel most columns would be padding.
pub(crate) const FEW: usize = 4;

/// Writes to `out` (`[n, columns]`) the product of `rows` (`[n, depth]`) and the transpose of `matrix`
/// (`[columns, depth]`), plus `start` (`[columns]`). Here a vector's lanes are partial sums of one output, so
/// the terms are added in another order than in the other kernels.
pub(crate) fn inner_products(
    rows: &[f32],
    depth: usize,
    matrix: &[f32],
    start: &[f32],
    out: &mut [f32],
) {
    dispatch!(Level::new(), simd => {
        let rows = rows.chunks_exact(depth).zip(out.chunks_exact_mut(start.len()));
        for (row, out) in rows {
            for ((out, column), start) in out.iter_mut().zip(matrix.chunks_exact(depth)).zip(start)
            {
                *out = start + inner_product(simd, row, column);
            }
        }
    });
}

#[inline(always)]
fn inner_product<S: Simd>(simd: S, a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = simd.splat_f32x16(0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (f32x16::simd_from(simd, *a), f32x16::simd_from(simd, *b));
        sums = simd.mul_add_f32x16(a, b, sums);
    }
    let mut sums: [f32; LANES] = sums.into();
    for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += a * b;
    }
    // Adds the upper half to the lower until one sum is left: a chain of 4 additions instead of 15.
    let mut n = LANES / 2;
    while n > 0 {
        for k in 0..n {
            sums[k] += sums[k + n];
        }
        n /= 2;
    }
    sums[0]
}
