//! The product of rows and a matrix that is packed into panels.

use fearless_simd::{Level, Simd, dispatch};

use super::vectors::{LANES, ROWS, VECTORS, add, load, store, width};

/// Rows of a wide panel in a block. The rows of `x` pass a whole block before the next one starts, so that it stays
/// in the cache: here in the L2 cache, from which a wide panel's tiles read as fast as they compute.
const WIDE_BLOCK: usize = 512;

/// Rows of a panel of one vector in a block, which stays in the L1 cache.
const BLOCK: usize = 256;

/// The right factor of a product, `[depth, columns]`, and the values that its sums begin with. The columns
/// are packed into panels, one panel after the other, each row by row. The last panel is padded with zeros.
#[derive(Debug)]
pub(crate) struct Panels {
    depth: usize,
    columns: usize,
    values: Vec<f32>,
    start: Vec<f32>,
}

/// The packing of one panel: where it goes, and the matrix it comes from.
pub(crate) struct Part<'a> {
    panel: &'a mut [f32],
    width: usize,
    /// The panel's first column.
    at: usize,
    matrix: &'a [f32],
    /// The matrix's `[depth, columns]`.
    shape: [usize; 2],
    transposed: bool,
}

impl Panels {
    /// A factor of zeros, `[depth, columns]`; sums begin with 0.
    pub(crate) fn new([depth, columns]: [usize; 2]) -> Self {
        let padded = columns.next_multiple_of(LANES);
        Self { depth, columns, values: vec![0.0; depth * padded], start: vec![0.0; padded] }
    }

    /// Returns the jobs that pack a row-major matrix `[depth, columns]`, one a panel. They may run in any
    /// order.
    pub(crate) fn parts<'a>(&'a mut self, matrix: &'a [f32]) -> impl Iterator<Item = Part<'a>> {
        self.pack(matrix, false)
    }

    /// As [`Self::parts`], for the transpose of a row-major matrix `[columns, depth]`; sums begin with `start`,
    /// `[columns]`.
    pub(crate) fn parts_of_transpose<'a>(
        &'a mut self,
        matrix: &'a [f32],
        start: &[f32],
    ) -> impl Iterator<Item = Part<'a>> {
        self.start[..self.columns].copy_from_slice(start);
        self.pack(matrix, true)
    }

    fn pack<'a>(
        &'a mut self,
        matrix: &'a [f32],
        transposed: bool,
    ) -> impl Iterator<Item = Part<'a>> {
        let shape @ [depth, columns] = [self.depth, self.columns];
        let (mut next, mut left) = (0, &mut self.values[..]);
        std::iter::from_fn(move || {
            let at = next;
            let width = match columns - at {
                0 => return None,
                left => dispatch!(Level::new(), simd => width(simd, left)),
            };
            let (panel, rest) = std::mem::take(&mut left).split_at_mut(depth * width);
            (next, left) = (columns.min(at + width), rest);
            Some(Part { panel, width, at, matrix, shape, transposed })
        })
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
        let block = match V {
            // The sums of a padded panel are not continued, because `out` has no place for all of them.
            _ if at + V * LANES > columns => depth,
            1 => BLOCK,
            _ => WIDE_BLOCK,
        };
        for (k, panel) in panel.chunks(block * V * LANES).enumerate() {
            let (from, tiles) =
                (k * block, rows.chunks(ROWS * depth).zip(out.chunks_mut(ROWS * columns)));
            for (rows, out) in tiles {
                if rows.len() == ROWS * depth {
                    self.tile::<S, ROWS, V>(simd, rows, (panel, from), at, out);
                } else {
                    let rest = rows.chunks_exact(depth).zip(out.chunks_exact_mut(columns));
                    for (row, out) in rest {
                        self.tile::<S, 1, V>(simd, row, (panel, from), at, out);
                    }
                }
            }
        }
    }

    /// Adds a block of a panel, whose first row is `from`, to the same columns of `R` rows. The sums of all but the
    /// first block continue those in `out`.
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const V: usize>(
        &self,
        simd: S,
        rows: &[f32],
        (panel, from): (&[f32], usize),
        at: usize,
        out: &mut [f32],
    ) {
        let mut sums = [load::<S, V>(simd, &self.start[at..]); R];
        if from > 0 {
            for (r, sums) in sums.iter_mut().enumerate() {
                *sums = load(simd, &out[r * self.columns + at..]);
            }
        }
        let panel = panel.as_chunks::<LANES>().0.as_chunks::<V>().0;
        let depth = panel.len();
        let mut each = [&rows[..depth]; R];
        for (r, row) in each.iter_mut().enumerate() {
            *row = &rows[r * self.depth + from..][..depth];
        }
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

impl Part<'_> {
    /// Packs the panel.
    pub(crate) fn pack(self) {
        let Part { panel, width, at, matrix, shape: [depth, columns], transposed } = self;
        if !transposed {
            let n = width.min(columns - at);
            for (panel, row) in panel.chunks_exact_mut(width).zip(matrix.chunks_exact(columns)) {
                panel[..n].copy_from_slice(&row[at..at + n]);
            }
        } else if width > LANES {
            transpose::<{ VECTORS * LANES }>(&matrix[at * depth..], depth, panel);
        } else {
            transpose::<LANES>(&matrix[at * depth..], depth, panel);
        }
    }
}

/// Fills a panel `[depth, W]` with the first `W` of `columns`, each of `depth` numbers, or with all if there
/// are fewer. Goes in blocks of rows that stay in the L1 cache while each column writes to them.
fn transpose<const W: usize>(columns: &[f32], depth: usize, panel: &mut [f32]) {
    let columns = || columns.chunks_exact(depth).take(W).enumerate();
    let (blocks, rest) = panel.as_chunks_mut::<W>().0.as_chunks_mut::<LANES>();
    for (k, rows) in blocks.iter_mut().enumerate() {
        for (n, column) in columns() {
            let column: &[f32; LANES] = column[k * LANES..].first_chunk().expect("a whole block");
            for (row, &value) in rows.iter_mut().zip(column) {
                row[n] = value;
            }
        }
    }
    let done = depth - rest.len();
    for (n, column) in columns() {
        for (row, &value) in rest.iter_mut().zip(&column[done..]) {
            row[n] = value;
        }
    }
}
