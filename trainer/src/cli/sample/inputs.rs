//! What samples are made of: where each begins, and under which condition, from row to row.

use std::ops::Range;

use anyhow::Result;

use crate::coupling::source::Source;
use crate::data::Matrix;
use crate::judge::golden;

/// Starting points in flow units, `[n, D]`.
pub(super) enum Starts {
    /// Drawn when they are needed.
    Drawn { source: Source, seed: u64 },
    /// From a file.
    Given(Matrix),
}

impl Starts {
    /// Those of `rows`, `[rows, D]`.
    pub(super) fn of(&self, rows: &Range<u64>, data_dim: usize) -> Result<Matrix> {
        match self {
            Self::Drawn { source, seed } => {
                let count = usize::try_from(rows.end - rows.start)?;
                Ok(source.starts_from(*seed, rows.start, count, data_dim))
            }
            Self::Given(matrix) => part(matrix, rows),
        }
    }

    /// What runs with the same rows agree in.
    pub(super) fn digest(&self) -> String {
        match self {
            Self::Drawn { .. } => "drawn".to_string(),
            Self::Given(matrix) => digest(matrix.values()),
        }
    }
}

/// Conditions in the user's units, `[n, C]`.
pub(super) enum Conditions {
    /// The same for all: as many rows as a block has.
    One(Matrix),
    /// From a file.
    Given(Matrix),
}

impl Conditions {
    /// The condition in the only row of `condition`, for blocks of `size` rows.
    pub(super) fn one(condition: &Matrix, size: usize) -> Self {
        Self::One(condition.select(&vec![0; size]))
    }

    /// Those of `rows`, `[rows, C]`.
    pub(super) fn of(&self, rows: &Range<u64>) -> Result<Matrix> {
        match self {
            Self::One(matrix) => part(matrix, &(0..rows.end - rows.start)),
            Self::Given(matrix) => part(matrix, rows),
        }
    }

    /// What runs with the same rows agree in.
    pub(super) fn digest(&self) -> String {
        match self {
            Self::One(matrix) => digest(matrix.row(0)),
            Self::Given(matrix) => digest(matrix.values()),
        }
    }
}

fn part(matrix: &Matrix, rows: &Range<u64>) -> Result<Matrix> {
    Ok(matrix.range(usize::try_from(rows.start)?..usize::try_from(rows.end)?))
}

/// The digest of numbers, as text.
pub(super) fn digest(values: &[f32]) -> String {
    format!("{:016x}", golden::digest(values))
}
