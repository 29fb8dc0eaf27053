//! Inner products, where a product has few columns.

use fearless_simd::{Level, Simd, SimdFrom, dispatch, f32x16};

use super::vectors::LANES;

/// As many columns are done by [`inner_products`]: a panel's would be zeros but for them.
pub(crate) const FEW: usize = 4;

/// The product of `rows` (`[n, depth]`) and the transpose of a matrix `[columns, depth]` of few columns;
/// sums begin with `start`. Here lanes are parts of a sum, in an order of their own.
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
    // Halves onto each other: fewer steps wait for each other than one by one.
    let mut n = LANES / 2;
    while n > 0 {
        for k in 0..n {
            sums[k] += sums[k + n];
        }
        n /= 2;
    }
    sums[0]
}
