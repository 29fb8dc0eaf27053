//! Rows of numbers.

use std::ops::Range;

/// Numbers `[rows][columns]`, row after row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    rows: usize,
    columns: usize,
}

impl Matrix {
    /// A matrix of `values`, row after row.
    ///
    /// # Panics
    ///
    /// When there are not `rows · columns` of them.
    pub fn new(values: Vec<f32>, rows: usize, columns: usize) -> Self {
        assert_eq!(values.len(), rows * columns, "{rows} rows of {columns} columns");
        Self { values, rows, columns }
    }

    /// All values, row after row.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// A row.
    ///
    /// # Panics
    ///
    /// When there is no such row.
    pub fn row(&self, row: usize) -> &[f32] {
        assert!(row < self.rows, "row {row} of {}", self.rows);
        &self.values[row * self.columns..][..self.columns]
    }

    /// The rows, to be changed in place. A matrix without columns has none to change.
    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [f32]> {
        self.values.chunks_exact_mut(self.columns.max(1))
    }

    /// Rows that lie one after the other.
    ///
    /// # Panics
    ///
    /// When there are no such rows.
    pub fn range(&self, rows: Range<usize>) -> Self {
        let values = &self.values[rows.start * self.columns..rows.end * self.columns];
        Self::new(values.to_vec(), rows.len(), self.columns)
    }

    /// These rows and then those of `other`; one of both may have none.
    ///
    /// # Panics
    ///
    /// When both have rows, of other columns.
    pub fn and(&self, other: &Self) -> Self {
        let columns = if self.rows == 0 { other.columns } else { self.columns };
        let values = [self.values.as_slice(), &other.values].concat();
        Self::new(values, self.rows + other.rows, columns)
    }

    /// The given rows, in the given order.
    pub fn select(&self, rows: &[usize]) -> Self {
        let values = rows.iter().flat_map(|&row| self.row(row)).copied().collect();
        Self { values, rows: rows.len(), columns: self.columns }
    }
}

/// Data `x` (`[n][D]`) and their conditions `c` (`[n][C]`), row by row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// The data.
    pub x: Matrix,
    /// Their conditions.
    pub c: Matrix,
}

impl Points {
    /// These rows and then those of `other`; one of both may have none.
    ///
    /// # Panics
    ///
    /// When both have rows, of other columns.
    pub fn and(&self, other: &Self) -> Self {
        Self { x: self.x.and(&other.x), c: self.c.and(&other.c) }
    }

    /// The given rows, in the given order.
    pub fn select(&self, rows: &[usize]) -> Self {
        Self { x: self.x.select(rows), c: self.c.select(rows) }
    }
}
