//! The product of rows and a matrix that is packed into panels.

use fearless_simd::{Level, Simd, dispatch};

use super::vectors::{LANES, ROWS, VECTORS, add, load, store, width};

/// The right factor of a product, `[depth, columns]`, and the values that its sums begin with. The columns
/// are packed into panels, one panel after the other, each row by row. The last panel is padded with zeros.
pub(crate) struct Panels {
    depth: usize,
    columns: usize,
    values: Vec<f32>,
    start: Vec<f32>,
}

impl Panels {
    /// Packs a row-major matrix `[depth, columns]`; sums begin with 0.
    pub(crate) fn of(matrix: &[f32], [depth, columns]: [usize; 2]) -> Self {
        Self::pack([depth, columns], &[], |panel, width, at| {
            let n = width.min(columns - at);
            for (panel, row) in panel.chunks_exact_mut(width).zip(matrix.chunks_exact(columns)) {
                panel[..n].copy_from_slice(&row[at..at + n]);
            }
        })
    }

    /// Packs the transpose of a row-major matrix `[columns, depth]`; sums begin with `start`, `[columns]`.
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

    /// Packs what `fill(panel, width, at)` writes: a panel of `width` columns from column `at` on.
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

    /// Writes to `out` (`[n, columns]`) the product of `rows` (`[n, depth]`) and the matrix.
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

    /// Computes the `V` vectors of columns from column `at` on, for all rows.
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

    /// Computes the same columns for `R` rows.
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

/// Fills a panel `[depth, W]` with the first `W` of `columns`, each of `depth` numbers, or with all if there
/// are fewer.
fn transpose<const W: usize>(columns: &[f32], depth: usize, panel: &mut [f32]) {
    let panel = panel.as_chunks_mut::<W>().0;
    for (n, column) in columns.chunks_exact(depth).take(W).enumerate() {
        for (row, &value) in panel.iter_mut().zip(column) {
            row[n] = value;
        }
    }
}
