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

    /// Returns the rows with the indices `rows`, in that order.
    ///
    /// # Panics
    ///
    /// Panics if there is no such row.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { x: self.x.select(rows), c: self.c.select(rows) }
    }
}
