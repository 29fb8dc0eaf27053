//! Products of a layer's matrices on the CPU. Vectors lie over columns and each sum has its terms in order,
//! so that a product's bytes do not depend on how it is shared among cores.

use fearless_simd::{Level, Simd, SimdBase, SimdFrom, dispatch, f32x16};

use crate::sharing::share;

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

/// A right factor `[depth, columns]`, with what the product's sums begin with: a panel of columns after the
/// other, each row after row, the last one filled up with zeros.
pub(crate) struct Panels {
    depth: usize,
    columns: usize,
    values: Vec<f32>,
    start: Vec<f32>,
}

impl Panels {
    /// Of a matrix as it lies.
    pub(crate) fn of(matrix: &[f32], [depth, columns]: [usize; 2]) -> Self {
        Self::pack([depth, columns], &[], |panel, width, at| {
            let n = width.min(columns - at);
            for (panel, row) in panel.chunks_exact_mut(width).zip(matrix.chunks_exact(columns)) {
                panel[..n].copy_from_slice(&row[at..at + n]);
            }
        })
    }

    /// Of the transpose of a matrix `[columns, depth]`; sums begin with `start`, `[columns]`.
    pub(crate) fn of_transpose(
        matrix: &[f32],
        [depth, columns]: [usize; 2],
        start: &[f32],
    ) -> Self {
        Self::pack([depth, columns], start, |panel, width, at| {
            let columns = &matrix[at * depth..];
            if width > LANES {
                transpose::<{ VECTORS * LANES }>(columns, depth, panel);
            } else {
                transpose::<LANES>(columns, depth, panel);
            }
        })
    }

    /// `fill` fills a panel, of so many columns, from a column on.
    fn pack(
        [depth, columns]: [usize; 2],
        start: &[f32],
        fill: impl Fn(&mut [f32], usize, usize),
    ) -> Self {
        let padded = columns.next_multiple_of(LANES);
        let (mut values, mut sums) = (vec![0.0; depth * padded], vec![0.0; padded]);
        sums[..start.len()].copy_from_slice(start);
        let (mut at, mut left) = (0, &mut values[..]);
        while at < columns {
            let width = dispatch!(Level::new(), simd => width(simd, columns - at));
            let (panel, rest) = left.split_at_mut(depth * width);
            fill(panel, width, at);
            (at, left) = (at + width, rest);
        }
        Self { depth, columns, values, start: sums }
    }

    /// The product of `rows` (`[n, depth]`) and the panels, `[n, columns]`.
    pub(crate) fn multiply(&self, rows: &[f32], out: &mut [f32]) {
        dispatch!(Level::new(), simd => self.multiply_by(simd, rows, out));
    }

    #[inline(always)]
    fn multiply_by<S: Simd>(&self, simd: S, rows: &[f32], out: &mut [f32]) {
        let (mut at, mut left) = (0, &self.values[..]);
        while at < self.columns {
            let width = width(simd, self.columns - at);
            let (panel, rest) = left.split_at(self.depth * width);
            if width > LANES {
                self.panel::<S, VECTORS>(simd, rows, panel, at, out);
            } else {
                self.panel::<S, 1>(simd, rows, panel, at, out);
            }
            (at, left) = (at + width, rest);
        }
    }

    /// The `V` vectors of columns from `at` on.
    #[inline(always)]
    fn panel<S: Simd, const V: usize>(
        &self,
        simd: S,
        rows: &[f32],
        panel: &[f32],
        at: usize,
        out: &mut [f32],
    ) {
        let (depth, columns) = (self.depth, self.columns);
        let blocks = rows.chunks(ROWS * depth).zip(out.chunks_mut(ROWS * columns));
        for (rows, out) in blocks {
            if rows.len() == ROWS * depth {
                self.tile::<S, ROWS, V>(simd, rows, panel, at, out);
            } else {
                let rest = rows.chunks_exact(depth).zip(out.chunks_exact_mut(columns));
                for (row, out) in rest {
                    self.tile::<S, 1, V>(simd, row, panel, at, out);
                }
            }
        }
    }

    /// `R` rows of them.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        rows: &[f32],
        panel: &[f32],
        at: usize,
        out: &mut [f32],
    ) {
        let depth = self.depth;
        let mut sums = [load::<S, V>(simd, &self.start[at..]); R];
        let mut each = [&rows[..depth]; R];
        for (r, row) in each.iter_mut().enumerate() {
            *row = &rows[r * depth..][..depth];
        }
        let panel = &panel.as_chunks::<LANES>().0.as_chunks::<V>().0[..depth];
        for k in 0..depth {
            let factors = load::<S, V>(simd, panel[k].as_flattened());
            for (sums, row) in sums.iter_mut().zip(&each) {
                add(simd, sums, row[k], &factors);
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            store(sums, &mut out[r * self.columns..][at..self.columns]);
        }
    }
}

/// Fills a panel `[depth, W]` with the first columns of `depth` numbers each, or all if there are fewer.
fn transpose<const W: usize>(columns: &[f32], depth: usize, panel: &mut [f32]) {
    let panel = panel.as_chunks_mut::<W>().0;
    for (n, column) in columns.chunks_exact(depth).take(W).enumerate() {
        for (row, &value) in panel.iter_mut().zip(column) {
            row[n] = value;
        }
    }
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
    let mut numbers = [[0.0; LANES]; V];
    for (numbers, vector) in numbers.iter_mut().zip(vectors) {
        *numbers = (*vector).into();
    }
    match out.as_chunks_mut::<LANES>().0.first_chunk_mut::<V>() {
        Some(out) => *out = numbers,
        None => out.copy_from_slice(&numbers.as_flattened()[..out.len()]),
    }
}

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

/// Rows whose products are added before the next sums' turn: as many as the nearest cache holds.
const BLOCK: usize = 64;

/// The rows of a sum of outer products that are one core's.
const SHARE: usize = 64;

/// The sum over the rows of `a` (`[n, m]`) and `b` (`[n, k]`) of their outer products, `[m, k]`, the rows in
/// order: `aᵀ·b`.
pub(crate) fn outer_products(a: &[f32], m: usize, b: &[f32], k: usize) -> Vec<f32> {
    let mut sums = vec![0.0; m * k];
    share(a.len() * k, sums.chunks_mut(SHARE * k).enumerate(), |(part, sums)| {
        let at = part * SHARE;
        let blocks = a.chunks(BLOCK * m).zip(b.chunks(BLOCK * k));
        dispatch!(Level::new(), simd => for (a, b) in blocks {
            Outer { a, m, b, k }.add(simd, at, sums);
        });
    });
    sums
}

/// A block of rows.
struct Outer<'a> {
    a: &'a [f32],
    m: usize,
    b: &'a [f32],
    k: usize,
}

impl Outer<'_> {
    /// Adds the products of the columns of `a` from `at` on.
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

    /// Of the `V` vectors of columns of `b` from `column` on.
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

    /// `R` columns of `a` and `V` vectors of columns of `b`.
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
