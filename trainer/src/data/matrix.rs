//! Matrices of 32-bit floats, and data with their conditions.

use std::ops::Range;

/// A matrix `[rows][columns]`, row-major.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Matrix {
    /// Creates a matrix from `values`, row-major.
    ///
    /// # Panics
    ///
    /// Panics if the number of values is not `rows · columns`.
    pub fn new(values: Vec<f32>, rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "{rows} rows of {columns} columns");
        Self { values, rows, columns }
    }

    /// Returns all values, row-major, without a copy.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// Returns all values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the row with the index `row`.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        &self.values[row * self.columns..][..self.columns]
    }

    /// Returns the rows as mutable slices. For a matrix without columns the iterator is empty.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.columns.max(1))
    }

    /// Copies the rows of a range.
    ///
    /// # Panics
    ///
    /// Panics if the range exceeds the rows.
    pub fn range(&self, rows: Range<usize>) -> Self {
        let values = &self.values[rows.start * self.columns..rows.end * self.columns];
        Self::new(values.to_vec(), rows.len(), self.columns)
    }

    /// Returns the rows of `self` followed by those of `other`. Either may be empty.
    ///
    /// # Panics
    ///
    /// Panics if both have rows but different numbers of columns.
    pub fn and(&self, other: &Self) -> Self {
        let columns = if self.rows == 0 { other.columns } else { self.columns };
        let values = [self.values.as_slice(), &other.values].concat();
        Self::new(values, self.rows + other.rows, columns)
    }

    /// Returns the matrix with one more column, of `value`, behind the others.
    pub fn with_column(&self, value: f32) -> Self {
        let mut values = Vec::with_capacity(self.values.len() + self.rows);
        for row in 0..self.rows {
            values.extend_from_slice(self.row(row));
            values.push(value);
        }
        Self::new(values, self.rows, self.columns + 1)
    }

    /// Moves the rows that `flags` names out of the matrix, and returns them.
    ///
    /// # Panics
    ///
    /// Panics if there is not one flag for each row.
    pub fn take_rows(&mut self, flags: &[bool]) -> Self {
        assert_eq!(flags.len(), self.rows, "flags");
        let chosen = flags.iter().enumerate().filter(|(_, flag)| **flag);
        let rows = chosen.clone().count();
        let mut values = Vec::with_capacity(rows * self.columns);
        chosen.for_each(|(row, _)| values.extend_from_slice(self.row(row)));
        let kept: Vec<bool> = flags.iter().map(|flag| !flag).collect();
        retain_rows(&mut self.values, self.columns, &kept);
        self.rows -= rows;
        Self { values, rows, columns: self.columns }
    }

    /// Returns the rows with the indices `rows`, in that order.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row)).copied().collect();
        Self { values, rows: rows.len(), columns: self.columns }
    }
}

/// Keeps the rows of `values`, `[n][columns]`, whose flag in `kept` is set, in place.
pub(super) fn retain_rows<T: Copy>(values: &mut Vec<T>, columns: usize, kept: &[bool]) {
    let mut end = 0;
    for (row, _) in kept.iter().enumerate().filter(|(_, kept)| **kept) {
        values.copy_within(row * columns..(row + 1) * columns, end);
        end += columns;
    }
    values.truncate(end);
}

/// Data `x`, `[n][D]`, and their conditions `c`, `[n][C]`. Row `i` of `c` belongs to row `i` of `x`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// The data.
    pub x: Matrix,
    /// Their conditions.
    pub c: Matrix,
}

impl Points {
    /// Returns the rows of `self` followed by those of `other`. Either may be empty.
    ///
    /// # Panics
    ///
    /// Panics if both have rows but different numbers of columns.
    pub fn and(&self, other: &Self) -> Self {
        Self { x: self.x.and(&other.x), c: self.c.and(&other.c) }
    }

    /// Moves the rows that `flags` names out of the points, and returns them.
    ///
    /// # Panics
    ///
    /// Panics if there is not one flag for each row.
    pub fn take_rows(&mut self, flags: &[bool]) -> Self {
        Self { x: self.x.take_rows(flags), c: self.c.take_rows(flags) }
    }

    /// Returns the rows with the indices `rows`, in that order.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { x: self.x.select(rows), c: self.c.select(rows) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_moved_out_in_their_order() {
        let flags = [false, true, true, false, true];
        for columns in [0, 1, 3] {
            let all = Matrix::new((0..5 * columns).map(|k| k as f32).collect(), 5, columns);
            let mut rest = all.clone();
            let taken = rest.take_rows(&flags);
            assert_eq!((taken, rest), (all.select(&[1, 2, 4]), all.select(&[0, 3])));
        }
    }
}
