//! Matrix products of a layer on the CPU. The order of the terms in each sum is fixed, so that a product's
//! bytes do not depend on how its rows or columns are shared among cores. In panels and outer products a vector's lanes are
//! output columns.

mod inner;
mod outer;
mod packed;
mod panels;
mod vectors;

pub(crate) use inner::{FEW, inner_products};
pub(crate) use outer::add_outer_products;
pub(crate) use panels::{Panels, Part};
pub(crate) use vectors::BLOCK;

#[cfg(test)]
mod tests {
    use super::*;
    use flowlet::Noise;

    fn random(seed: u64, n: usize) -> Vec<f32> {
        let mut values = vec![0.0; n];
        Noise::new(seed).fill(0, &mut values);
        values
    }

    fn panels_of(matrix: &[f32], shape: [usize; 2]) -> Panels {
        let mut panels = Panels::new(shape);
        panels.parts(matrix).for_each(Part::pack);
        panels
    }

    fn panels_of_transpose(matrix: &[f32], shape: [usize; 2], start: &[f32]) -> Panels {
        let mut panels = Panels::new(shape);
        panels.parts_of_transpose(matrix, start).for_each(Part::pack);
        panels
    }

    /// The sums of outer products of all columns of `a`, in parts of `share` columns.
    fn outer_products_in_parts(a: &[f32], m: usize, b: &[f32], k: usize, share: usize) -> Vec<f32> {
        let mut sums = vec![0.0; m * k];
        for (part, sums) in sums.chunks_mut(share * k).enumerate() {
            let blocks = a.chunks(BLOCK * m).zip(b.chunks(BLOCK * k));
            add_outer_products(blocks, [m, k], part * share, sums);
        }
        sums
    }

    fn outer_products(a: &[f32], m: usize, b: &[f32], k: usize) -> Vec<f32> {
        outer_products_in_parts(a, m, b, k, m)
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
    fn products_of_all_shapes_match_plain_sums() {
        for n in [1, 3, 4, 9, 130] {
            for depth in [1, 2, 16, 33] {
                for columns in [1, 3, 4, 15, 16, 17, 64, 80, 145] {
                    let (rows, matrix) = (random(1, n * depth), random(2, depth * columns));
                    let (other, start) = (random(3, n * columns), random(4, columns));
                    let at = |k: usize| (k / columns, k % columns);

                    let mut found = vec![0.0; n * columns];
                    panels_of(&matrix, [depth, columns]).multiply(&rows, &mut found);
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
                    let panels = panels_of_transpose(&matrix, [depth, columns], &start);
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
    fn outer_products_have_the_same_bytes_in_one_part_and_in_several() {
        for (m, k) in [(150, 130), (256, 272)] {
            let (a, b) = (random(1, 300 * m), random(2, 300 * k));
            let whole = outer_products(&a, m, &b, k);
            assert_eq!(outer_products_in_parts(&a, m, &b, k, 64), whole);
        }
    }

    /// Blocks, packed copies and parts for cores must not change the order of a sum's terms: its bytes are those of one
    /// chain of additions.
    #[test]
    fn wide_products_have_the_bytes_of_narrow_ones() {
        let (n, wide, columns) = (200, 528, 272);
        let (rows, matrix) = (random(1, n * wide), random(2, columns * wide));
        let start = random(3, columns);
        let panels = panels_of_transpose(&matrix, [wide, columns], &start);
        let mut found = vec![0.0; n * columns];
        panels.multiply(&rows, &mut found);
        // One output at a time is a padded panel, whose sums stay in registers.
        for c in [0, 1, 17, 271] {
            let column = &matrix[c * wide..][..wide];
            let mut alone = vec![0.0; n];
            panels_of_transpose(column, [wide, 1], &start[c..=c]).multiply(&rows, &mut alone);
            assert!((0..n).all(|r| alone[r].to_bits() == found[r * columns + c].to_bits()), "{c}");
        }

        let (a, b) = (random(4, n * 256), random(5, n * 272));
        let whole = outer_products(&a, 256, &b, 272);
        for m in [0, 3, 255] {
            let one: Vec<f32> = a.chunks_exact(256).map(|row| row[m]).collect();
            let alone = outer_products(&one, 1, &b, 272);
            assert_eq!(alone, whole[m * 272..][..272], "{m}");
        }
    }
}
