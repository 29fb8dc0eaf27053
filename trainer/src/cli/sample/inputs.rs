//! The inputs of each sample: its starting point and its condition.

use std::ops::Range;

use anyhow::Result;

use crate::coupling::source::Source;
use crate::data::Matrix;
use crate::judge::golden;
use crate::quantize::sampler::Sampler;

/// Starting points in flow units, `[n][D]`.
pub(super) enum Starts {
    /// Drawn for each block.
    Drawn { source: Source, seed: u64 },
    /// From a file.
    Given(Matrix),
}

impl Starts {
    /// Returns the starting points of `rows` for `sampler`, `[rows][D]`.
    pub(super) fn of(&self, rows: &Range<u64>, sampler: &Sampler) -> Result<Matrix> {
        match self {
            Self::Drawn { source, seed } => {
                let count = usize::try_from(rows.end - rows.start)?;
                Ok(sampler.starts(source, *seed, rows.start, count))
            }
            Self::Given(matrix) => part(matrix, rows),
        }
    }

    /// Returns a digest that is equal for two runs with the same starting points. It does not cover the seed.
    pub(super) fn digest(&self) -> String {
        match self {
            Self::Drawn { .. } => "drawn".to_string(),
            Self::Given(matrix) => digest(matrix.values()),
        }
    }
}

/// Conditions in the user's units, `[n][C]`.
pub(super) enum Conditions {
    /// One condition for all samples, repeated for each row of a block.
    One(Matrix),
    /// From a file; each row for `each` samples, one after the other.
    Given { rows: Matrix, each: u64 },
}

impl Conditions {
    /// Repeats the only row of `condition` for blocks of `size` rows.
    pub(super) fn one(condition: &Matrix, size: usize) -> Self {
        Self::One(condition.select(&vec![0; size]))
    }

    /// Returns the conditions of `rows`, `[rows][C]`.
    pub(super) fn of(&self, rows: &Range<u64>) -> Result<Matrix> {
        match self {
            Self::One(matrix) => part(matrix, &(0..rows.end - rows.start)),
            Self::Given { rows: matrix, each: 1 } => part(matrix, rows),
            Self::Given { rows: matrix, each } => {
                let chosen = rows.clone().map(|sample| usize::try_from(sample / each));
                Ok(matrix.select(&chosen.collect::<Result<Vec<_>, _>>()?))
            }
        }
    }

    /// Returns a digest that is equal for two runs with the same conditions.
    pub(super) fn digest(&self) -> String {
        match self {
            Self::One(matrix) => digest(matrix.row(0)),
            Self::Given { rows: matrix, .. } => digest(matrix.values()),
        }
    }
}

fn part(matrix: &Matrix, rows: &Range<u64>) -> Result<Matrix> {
    Ok(matrix.range(usize::try_from(rows.start)?..usize::try_from(rows.end)?))
}

/// Returns the digest of `values` in hexadecimal.
fn digest(values: &[f32]) -> String {
    format!("{:016x}", golden::digest(values))
}
