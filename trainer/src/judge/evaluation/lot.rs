//! The rows on which a classifier and the columns' deviations judge: all rows of a file.

use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::classes::{categories, rows_of};
use crate::coupling::dataset::Real;
use crate::data::random::choose;
use crate::data::{ConditionColumn, Matrix, Points};

/// The most rows, so that an evaluation takes seconds.
const ROWS: usize = 2000;

/// The most samples of each row.
const SETS: usize = 4;

/// The fewest rows of a class whose deviation says something.
const CLASS: usize = 10;

/// Real rows, each with the same number of samples under its condition.
pub(super) struct Lot {
    /// The rows, `[n]`.
    pub(super) real: Points,
    /// What they are, in words.
    pub(super) of: &'static str,
    /// Conditions of the samples, `[k · n, C]`. Sample `i` has that of row `i % n`.
    pub(super) c: Matrix,
}

/// Mean and standard deviation of a column, in the user's units.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Column {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl Lot {
    /// Takes all rows, training and held-out ones, or 2,000 of them; as many draws of a known distribution. The fewer
    /// they are, the more samples each has.
    pub(super) fn of(real: &Real, rng: &mut ChaCha8Rng) -> Self {
        let (real, of) = match real {
            Real::Distribution { distribution, by_class } => {
                (distribution.draw(ROWS, *by_class, rng), "fresh draws")
            }
            Real::Rows { train, held_out } => {
                let first = train.x.rows();
                let chosen = choose(first + held_out.x.rows(), ROWS, rng);
                let (seen, unseen): (Vec<usize>, Vec<usize>) =
                    chosen.into_iter().partition(|&row| row < first);
                let unseen: Vec<usize> = unseen.into_iter().map(|row| row - first).collect();
                (train.select(&seen).and(&held_out.select(&unseen)), "rows of the file")
            }
        };
        let n = real.x.rows();
        let sets = (ROWS / n.max(1)).clamp(1, SETS);
        let rows: Vec<usize> = (0..sets * n).map(|i| i % n).collect();
        let c = real.c.select(&rows);
        Self { real, of, c }
    }

    /// Returns the rows of each class with at least 10, under its name: the condition and the category.
    pub(super) fn classes(&self, conditions: &[ConditionColumn]) -> Vec<(String, Vec<usize>)> {
        let classes = categories(conditions).into_iter();
        let classes = classes.map(|(name, column)| (name, rows_of(&self.real, column)));
        classes.filter(|(_, rows)| rows.len() >= CLASS).collect()
    }

    /// Returns the columns of samples, `[k · n, D]`, that belong to some of the rows.
    pub(super) fn columns_of(&self, samples: &Matrix, rows: &[usize]) -> Vec<Column> {
        let n = self.real.x.rows();
        let sets =
            (0..samples.rows() / n).flat_map(|set| rows.iter().map(move |row| set * n + row));
        columns(&samples.select(&sets.collect::<Vec<_>>()))
    }
}

/// Returns mean and deviation of each column of `x`.
pub(super) fn columns(x: &Matrix) -> Vec<Column> {
    let n = x.rows() as f64;
    (0..x.columns())
        .map(|column| {
            let cells = || (0..x.rows()).map(|row| f64::from(x.row(row)[column]));
            let mean = cells().sum::<f64>() / n;
            let variance = cells().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
            Column { mean, deviation: variance.sqrt() }
        })
        .collect()
}

/// Returns the least and the largest ratio of a deviation to the real one; `None` if all real columns are constant.
pub(super) fn deviation_ratios(samples: &[Column], real: &[Column]) -> Option<[f64; 2]> {
    let ratios = samples.iter().zip(real).filter(|(_, real)| !is_constant(real));
    let ratios = ratios.map(|(sample, real)| sample.deviation / real.deviation);
    ratios
        .map(|ratio| [ratio; 2])
        .reduce(|[low, high], [ratio, _]| [low.min(ratio), high.max(ratio)])
}

/// Whether a column's deviation is nothing but rounding.
pub(super) fn is_constant(real: &Column) -> bool {
    real.deviation <= 1e-6 * real.mean.abs()
}
