//! The squared energy distance without bias, and its standard error.

use rayon::prelude::*;

use super::sorted;
use crate::data::Matrix;

/// Real rows that several sets of samples are compared with.
#[derive(Clone, Debug)]
pub struct Reference {
    rows: Matrix,
    /// The mean distance from each row to the other rows, `[rows]`.
    between: Vec<f64>,
    grouped: bool,
}

/// An estimate of the squared energy distance, 2·E|x − y| − E|x − x′| − E|y − y′|, by means over pairs of
/// different rows (a U-statistic). Its expected value is 0 for equal distributions, whatever the sizes of the
/// sets, so it may be slightly negative.
#[derive(Clone, Copy, Debug)]
pub struct Unbiased {
    /// The estimate.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

impl Reference {
    /// Prepares `rows`, `[n, columns]`. If `grouped`, sample `i` was drawn under the condition of row `i % n`.
    /// Pairs of a row with its own samples are then left out: a perfect model would seem too good with them, since
    /// the conditions are the same. Returns `None` for fewer than two rows.
    pub fn new(rows: Matrix, grouped: bool) -> Option<Self> {
        let n = rows.rows();
        (n >= 2).then(|| {
            let others = n as f64 - 1.0;
            let between = sums(&rows, &rows, n).iter().map(|sum| sum / others).collect();
            Self { rows, between, grouped }
        })
    }

    /// Returns the mean distance between two different rows.
    pub fn spread(&self) -> f64 {
        mean(&self.between)
    }

    /// Returns the distance of `samples`, `[m, columns]`, from the rows; m is a multiple of n if grouped.
    ///
    /// # Panics
    ///
    /// Panics for fewer than two samples, or another number than a multiple of the rows' if grouped.
    pub fn distance(&self, samples: &Matrix) -> Unbiased {
        let (m, n) = (samples.rows(), self.rows.rows());
        assert!(m >= 2 && (!self.grouped || m.is_multiple_of(n)), "{m} samples of {n} rows");
        // Numbers of the rows, or samples, that belong to one row: no pair is taken within.
        let (period, skipped) = if self.grouped { (n, m / n) } else { (usize::MAX, 0) };
        let across = m as f64 - skipped as f64;
        let to_rows = means(&sums(samples, &self.rows, period), (n - skipped.min(1)) as f64);
        let among = means(&sums(samples, samples, period.min(m)), m as f64 - skipped.max(1) as f64);
        let to_samples = means(&sums(&self.rows, samples, period), across);
        let value = 2.0 * mean(&to_rows) - mean(&among) - mean(&self.between);
        let difference = |a: &[f64], b: &[f64]| -> Vec<f64> {
            a.iter().zip(b).map(|(a, b)| 2.0 * (a - b)).collect()
        };
        let of_samples = difference(&to_rows, &among);
        let mut of_rows = difference(&to_samples, &self.between);
        // What each sample and each real row contributes. If grouped, a row's share contains that of its samples.
        let shares = if self.grouped {
            let share = 1.0 / skipped as f64;
            of_samples.iter().enumerate().for_each(|(i, x)| of_rows[i % n] += x * share);
            [Vec::new(), of_rows]
        } else {
            [of_samples, of_rows]
        };
        Unbiased { value, error: error(&shares) }
    }
}

/// The standard error of a sum of two means of independent shares.
fn error(shares: &[Vec<f64>; 2]) -> f64 {
    let squares = shares.iter().filter(|shares| shares.len() > 1).map(|shares| {
        let (n, middle) = (shares.len() as f64, mean(shares));
        shares.iter().map(|x| (x - middle) * (x - middle)).sum::<f64>() / (n * (n - 1.0))
    });
    squares.sum::<f64>().sqrt()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn means(sums: &[f64], count: f64) -> Vec<f64> {
    sums.iter().map(|sum| sum / count).collect()
}

/// Returns for each row of `a` the sum of its distances to the rows of `b`, without those whose number is the same
/// modulo `period`. One column without such rows costs as much as sorting.
fn sums(a: &Matrix, b: &Matrix, period: usize) -> Vec<f64> {
    // A row's distance to itself is 0, so a set beside itself needs nothing left out.
    let each_but_itself = std::ptr::eq(a, b) && period == a.rows();
    if a.columns() == 1 && (period == usize::MAX || each_but_itself) {
        return sums_on_a_line(a.values(), b.values());
    }
    let blocks = blocks(b);
    (0..a.rows())
        .into_par_iter()
        .map(|i| {
            let (row, own) = (a.row(i), i % period);
            let mut sum = 0.0;
            let mut group = 0;
            for (block, columns) in blocks.chunks_exact(LANES * row.len()).enumerate() {
                let mut distances = [0.0; LANES];
                for (&x, column) in row.iter().zip(columns.chunks_exact(LANES)) {
                    for (distance, b) in distances.iter_mut().zip(column) {
                        let difference = f64::from(x) - b;
                        *distance += difference * difference;
                    }
                }
                distances = distances.map(f64::sqrt);
                let count = LANES.min(b.rows() - block * LANES);
                for distance in &distances[..count] {
                    if group != own || period == usize::MAX {
                        sum += distance;
                    }
                    group = if group + 1 == period { 0 } else { group + 1 };
                }
            }
            sum
        })
        .collect()
}

/// Rows whose distances are computed side by side.
const LANES: usize = 8;

/// Returns the rows in blocks of [`LANES`], each column by column, `[blocks][columns][LANES]`. The last block is filled
/// up with zeros.
fn blocks(rows: &Matrix) -> Vec<f64> {
    let starts = (0..rows.rows()).step_by(LANES);
    let cells = starts.flat_map(|start| {
        (0..rows.columns()).flat_map(move |column| {
            (start..start + LANES).map(move |row| {
                if row < rows.rows() { f64::from(rows.row(row)[column]) } else { 0.0 }
            })
        })
    });
    cells.collect()
}

fn sums_on_a_line(a: &[f32], b: &[f32]) -> Vec<f64> {
    let b = sorted(b.iter().copied().map(f64::from));
    let mut below = vec![0.0];
    for x in &b {
        below.push(below[below.len() - 1] + x);
    }
    let all = below[b.len()];
    a.par_iter()
        .map(|&x| {
            let x = f64::from(x);
            let k = b.partition_point(|b| *b < x);
            x * k as f64 - below[k] + (all - below[k]) - x * (b.len() - k) as f64
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::StandardNormal;

    use super::*;

    fn normal(rows: usize, columns: usize, shift: f32, rng: &mut ChaCha8Rng) -> Matrix {
        let values = (0..rows * columns).map(|_| shift + rng.sample::<f32, _>(StandardNormal));
        Matrix::new(values.collect(), rows, columns)
    }

    /// Over all pairs, zeros included, the estimate would be about 1.1 ÷ 10 + 1.1 ÷ 40 too large.
    #[test]
    fn the_mean_over_equal_distributions_is_0_and_its_error_is_the_spread() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for columns in [1, 3] {
            let found: Vec<Unbiased> = (0..400)
                .map(|_| {
                    let rows = normal(10, columns, 0.5, &mut rng);
                    let samples = normal(40, columns, 0.5, &mut rng);
                    Reference::new(rows, false).unwrap().distance(&samples)
                })
                .collect();
            let values: Vec<f64> = found.iter().map(|found| found.value).collect();
            let spread = (values.iter().map(|x| x * x).sum::<f64>() / 400.0).sqrt();
            assert!(mean(&values).abs() < 4.0 * spread / 20.0, "{} {spread}", mean(&values));
            let error = mean(&found.iter().map(|found| found.error).collect::<Vec<_>>());
            assert!((0.5..2.0).contains(&(error / spread)), "{error} {spread}");
        }
    }

    #[test]
    fn the_error_of_a_shift_is_its_spread() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let found: Vec<Unbiased> = (0..300)
            .map(|_| {
                let rows = Reference::new(normal(50, 2, 0.0, &mut rng), false).unwrap();
                rows.distance(&normal(100, 2, 1.0, &mut rng))
            })
            .collect();
        let values: Vec<f64> = found.iter().map(|found| found.value).collect();
        let middle = mean(&values);
        let spread =
            (values.iter().map(|x| (x - middle) * (x - middle)).sum::<f64>() / 299.0).sqrt();
        let error = mean(&found.iter().map(|found| found.error).collect::<Vec<_>>());
        assert!((error / spread - 1.0).abs() < 0.15, "{error} {spread}");
    }

    /// Samples under the rows' own conditions are as near as other rows are: pairs of one row would tell them apart.
    #[test]
    fn samples_under_the_conditions_of_the_rows_have_no_bias() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let values: Vec<f64> = (0..400)
            .map(|_| {
                let c = normal(8, 1, 0.0, &mut rng);
                let draw = |repeats: usize, rng: &mut ChaCha8Rng| {
                    let rows = (0..8 * repeats).map(|i| c.row(i % 8)[0]);
                    let values =
                        rows.flat_map(|c| [c + 0.1 * rng.sample::<f32, _>(StandardNormal), c]);
                    Matrix::new(values.collect(), 8 * repeats, 2)
                };
                let (rows, samples) = (draw(1, &mut rng), draw(4, &mut rng));
                Reference::new(rows, true).unwrap().distance(&samples).value
            })
            .collect();
        let spread = (values.iter().map(|x| x * x).sum::<f64>() / 400.0).sqrt();
        assert!(mean(&values).abs() < 4.0 * spread / 20.0, "{} {spread}", mean(&values));
    }

    #[test]
    fn one_column_gives_what_all_pairs_give() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let (a, b) = (normal(30, 1, 0.0, &mut rng), normal(20, 1, 0.3, &mut rng));
        let beside_zeros = |x: &Matrix| {
            let values: Vec<f32> = x.values().iter().flat_map(|&x| [x, 0.0]).collect();
            Matrix::new(values, x.rows(), 2)
        };
        let on_a_line = Reference::new(a.clone(), false).unwrap().distance(&b);
        let over_pairs =
            Reference::new(beside_zeros(&a), false).unwrap().distance(&beside_zeros(&b));
        assert!((on_a_line.value - over_pairs.value).abs() < 1e-12);
        assert!((on_a_line.error - over_pairs.error).abs() < 1e-12);
        assert!(Reference::new(a.select(&[0]), false).is_none());
    }
}
