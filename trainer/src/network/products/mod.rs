//! Products of a layer's matrices on the CPU. Vectors lie over columns and each sum has its terms in order,
//! so that a product's bytes do not depend on how it is shared among cores.

mod inner;
mod outer;
mod panels;

use fearless_simd::{Simd, SimdBase, SimdFrom, f32x16};

pub(crate) use inner::{FEW, inner_products};
pub(crate) use outer::outer_products;
pub(crate) use panels::Panels;

/// Columns of a vector.
const LANES: usize = 16;

/// Rows side by side: with the columns of a panel, as many sums as an addition's latency asks for.
const ROWS: usize = 4;

/// Vectors side by side where a register holds one.
const VECTORS: usize = 4;

/// How many columns the panel has that `left` columns begin with.
#[inline(always)]
fn width<S: Simd>(_: S, left: usize) -> usize {
    if S::f32s::LEN == LANES && left >= VECTORS * LANES { VECTORS * LANES } else { LANES }
}

/// `V` vectors from memory.
#[inline(always)]
fn load<S: Simd, const V: usize>(simd: S, values: &[f32]) -> [f32x16<S>; V] {
    let values = &values.as_chunks::<LANES>().0[..V];
    let mut vectors = [simd.splat_f32x16(0.0); V];
    for (vector, values) in vectors.iter_mut().zip(values) {
        *vector = f32x16::simd_from(simd, *values);
    }
    vectors
}

/// Adds a number's products to sums.
#[inline(always)]
fn add<S: Simd, const V: usize>(
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
fn store<S: Simd, const V: usize>(vectors: &[f32x16<S>; V], out: &mut [f32]) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use flowlet::Noise;

    fn random(seed: u64, n: usize) -> Vec<f32> {
        let mut values = vec![0.0; n];
        Noise::new(seed).fill(0, &mut values);
        values
    }

    fn worst(found: &[f32], expected: impl Iterator<Item = f64>) -> f64 {
        let errors = found.iter().zip(expected).map(|(&a, b)| (f64::from(a) - b).abs());
        errors.fold(0.0, |worst, error| if error <= worst { worst } else { error })
    }

    /// The sum of `terms` products.
    fn sum(terms: usize, product: impl Fn(usize) -> f32) -> f64 {
        (0..terms).map(|k| f64::from(product(k))).sum()
    }

    #[test]
    fn every_shape_of_a_product_is_what_it_should_be() {
        for n in [1, 3, 4, 9, 130] {
            for depth in [1, 2, 16, 33] {
                for columns in [1, 3, 4, 15, 16, 17, 64, 80, 145] {
                    let (rows, matrix) = (random(1, n * depth), random(2, depth * columns));
                    let (other, start) = (random(3, n * columns), random(4, columns));
                    let at = |k: usize| (k / columns, k % columns);

                    let mut found = vec![0.0; n * columns];
                    Panels::of(&matrix, [depth, columns]).multiply(&rows, &mut found);
                    let expected = (0..n * columns).map(|k| {
                        let (r, c) = at(k);
                        sum(depth, |d| rows[r * depth + d] * matrix[d * columns + c])
                    });
                    assert!(worst(&found, expected) < 1e-5, "{n} × {depth} × {columns}");

                    let transposed = |k: usize| {
                        let (r, c) = at(k);
                        let product = |d| rows[r * depth + d] * matrix[c * depth + d];
                        f64::from(start[c]) + sum(depth, product)
                    };
                    let panels = Panels::of_transpose(&matrix, [depth, columns], &start);
                    panels.multiply(&rows, &mut found);
                    let error = worst(&found, (0..n * columns).map(transposed));
                    assert!(error < 1e-5, "{n} × {depth} × {columns}ᵀ");
                    inner_products(&rows, depth, &matrix, &start, &mut found);
                    let error = worst(&found, (0..n * columns).map(transposed));
                    assert!(error < 1e-5, "{n} × {depth} · {columns}");

                    let found = outer_products(&rows, depth, &other, columns);
                    let expected = (0..depth * columns).map(|k| {
                        let (d, c) = at(k);
                        sum(n, |r| rows[r * depth + d] * other[r * columns + c])
                    });
                    assert!(worst(&found, expected) < 5e-5, "{depth} × {n} × {columns}");
                }
            }
        }
    }

    #[test]
    fn outer_products_have_the_same_bytes_on_one_core_and_on_several() {
        let (n, m, k) = (300, 150, 130);
        let (a, b) = (random(1, n * m), random(2, n * k));
        let by = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| outer_products(&a, m, &b, k))
        };
        // In parts of a core each, and as one.
        let whole = by(1);
        assert_eq!(by(3), whole);
        let mut narrow = vec![0.0; 70 * k];
        let first: Vec<f32> = a.chunks_exact(m).flat_map(|row| &row[..70]).copied().collect();
        narrow.copy_from_slice(&outer_products(&first, 70, &b, k));
        assert_eq!(narrow, whole[..70 * k]);
    }
}
