//! The pairs of another teacher: its starting points, and the samples that it makes of them.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, ensure};
use flowlet::Digest;

use crate::config::{Config, DataConfig};
use crate::data::random::{Stream, generator};
use crate::data::{
    Advice, ConditionColumn, Matrix, PairColumns, Points, Rows, RowsOptions, load_pairs, split,
};
use crate::disk::quote::listed;

/// Pairs of starting points and samples.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// The starting points, `[n, D]` in flow units.
    pub x_0: Matrix,
    /// The samples that the teacher makes of them, with their conditions, in the user's units.
    pub points: Arc<Points>,
}

/// The pairs of a teacher, for training and for evaluation.
#[derive(Clone, Debug)]
pub struct TeacherPairs {
    /// The pairs that the student learns.
    pub train: Pairs,
    /// Pairs that training never sees.
    pub held_out: Pairs,
}

/// How many standard errors the mean and the deviation of x_0 may be away from those of the noise. With chance alone,
/// one file of a million with a hundred columns is that far away.
const STANDARD_ERRORS: f64 = 6.0;

impl Pairs {
    /// Returns the first `n` pairs, or all if there are fewer.
    pub fn first(&self, n: usize) -> Self {
        let n = n.min(self.x_0.rows());
        let Points { x, c } = &*self.points;
        let points = Points { x: x.range(0..n), c: c.range(0..n) };
        Self { x_0: self.x_0.range(0..n), points: Arc::new(points) }
    }

    /// Adds the numbers of the pairs to the digest of a run's rows.
    pub(super) fn add_to(&self, digest: &mut Digest) {
        digest.update(self.x_0.values());
        digest.update(self.points.x.values());
        digest.update(self.points.c.values());
    }
}

impl TeacherPairs {
    /// Reads the pairs beside data with the columns `names` and `conditions`, in the same units, and holds out a share
    /// of them.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, or its columns do not suit the data.
    pub fn beside(
        config: &Config,
        path: &Path,
        names: &[String],
        conditions: &[ConditionColumn],
    ) -> Result<Self> {
        let columns = columns(config);
        let options = RowsOptions { table: config.data.table(), ..RowsOptions::default() };
        let (rows, mut x_0) = load_pairs(path, columns, Some(conditions), &options)?;
        let (found, expected) = (rows.points.x.columns(), names.len());
        ensure!(
            found == expected,
            "{}: expected {expected} columns of samples, as in the data ({}), found {found}",
            path.display(),
            listed(names)
        );
        let mut points = rows.points;
        let mut rng = generator(config.seed, Stream::PairSplit);
        let flags = split(points.x.rows(), None, config.data.holdout, &mut rng)?;
        let held_out =
            Pairs { x_0: x_0.take_rows(&flags), points: Arc::new(points.take_rows(&flags)) };
        Ok(Self { train: Pairs { x_0, points: Arc::new(points) }, held_out })
    }
}

/// Reads pairs without data: the samples with their names and conditions, and the starting points.
pub(super) fn load_alone(config: &Config, path: &Path) -> Result<(Rows, Matrix)> {
    let DataConfig { condition, conditions, categorical, group, skip_invalid, index, .. } =
        config.data.clone();
    let options = RowsOptions {
        condition,
        conditions_file: conditions,
        categorical,
        group,
        skip_invalid,
        index,
        table: config.data.table(),
        advice: Advice::Train,
        ..RowsOptions::default()
    };
    load_pairs(path, columns(config), None, &options)
}

fn columns(config: &Config) -> PairColumns<'_> {
    PairColumns { x_0: &config.few_steps.x_0, x_1: &config.few_steps.x_1 }
}

/// Returns a note if the starting points are not distributed like the noise of the runtime.
pub(super) fn not_noise(path: &Path, x_0: &Matrix) -> Option<String> {
    let n = x_0.rows() as f64;
    let moments = |column: usize| {
        let cells = || (0..x_0.rows()).map(|row| f64::from(x_0.row(row)[column]));
        let mean = cells().sum::<f64>() / n;
        let variance = cells().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt())
    };
    let off = |(mean, deviation): &(f64, f64)| {
        let mean = mean.abs() * n.sqrt();
        let deviation = (deviation - 1.0).abs() * (2.0 * n).sqrt();
        mean.max(deviation) > STANDARD_ERRORS
    };
    let columns = x_0.columns();
    let (column, (mean, deviation)) =
        (0..columns).map(moments).enumerate().find(|(_, found)| off(found))?;
    let column = if columns > 1 { format!(", column {column}") } else { String::new() };
    Some(format!(
        "{}: x_0{column} has the mean {mean:.3} and the standard deviation {deviation:.3}, but samples start from \
         noise with 0 and 1: they will not be those of the teacher. Write x_0 with 0 and 1, for example divided by the \
         deviation of the teacher's noise",
        path.display()
    ))
}
