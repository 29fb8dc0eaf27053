//! The classifier two-sample test (Lopez-Paz & Oquab 2017): how easily a classifier tells samples from real rows.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

use super::forest;
use crate::data::Matrix;

/// The rows are cut into so many parts; a classifier that learned from the others judges each.
pub const FOLDS: usize = 5;

/// The fewest real rows for a test: 10 in each fold.
pub const FEWEST: usize = 50;

/// How easily samples are told from real rows.
#[derive(Clone, Debug, Serialize)]
pub struct ToldApart {
    /// The chance that the classifier finds a sample less real than a real row, beside it (the area under the ROC
    /// curve): 0.5 if it sees no difference, 1 if it always sees one. Below 0.5 if samples repeat the rows.
    pub auc: f64,
    /// Its standard error over the real rows.
    pub error: f64,
    /// The share of each real row with its samples.
    #[serde(skip)]
    shares: Vec<f64>,
}

/// Tells `samples`, `[k · n, columns]`, from `real`, `[n, columns]`. Sample `i` has the condition of row `i % n`, and
/// stays in its fold: otherwise the condition would tell of the row. Each of the k sets of n samples has its own
/// folds and classifiers. Returns `None` for fewer than [`FEWEST`] rows.
pub fn tell_apart(real: &Matrix, samples: &Matrix, seed: u64) -> Option<ToldApart> {
    let n = real.rows();
    if n < FEWEST {
        return None;
    }
    let sets = samples.rows() / n;
    let mut shares = vec![0.0; n];
    for set in 0..sets {
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_add(set as u64));
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut rng);
        for fold in 0..FOLDS {
            let (mut judged, mut learned) = (Vec::new(), Vec::new());
            for (k, &row) in order.iter().enumerate() {
                if k % FOLDS == fold { judged.push(row) } else { learned.push(row) }
            }
            let both = |rows: &[usize]| {
                let of_set: Vec<usize> = rows.iter().map(|row| set * n + row).collect();
                real.select(rows).and(&samples.select(&of_set))
            };
            let labels: Vec<bool> = (0..2 * learned.len()).map(|k| k < learned.len()).collect();
            let seed = seed.wrapping_add((set * FOLDS + fold) as u64);
            let scores = forest::scores(&both(&learned), &labels, &both(&judged), seed);
            let (of_real, of_samples) = scores.split_at(judged.len());
            for (k, &row) in judged.iter().enumerate() {
                // Half of what the real row and its sample say (DeLong et al. 1988): their mean over the rows of
                // a fold is the area.
                let above = placement(of_real[k], of_samples);
                let below = 1.0 - placement(of_samples[k], of_real);
                shares[row] += (above + below) / sets as f64;
            }
        }
    }
    // The mean of each half is the area, so the shares' mean is twice the area.
    let auc = shares.iter().sum::<f64>() / (2 * n) as f64;
    let error = error(&shares);
    Some(ToldApart { auc, error, shares })
}

impl ToldApart {
    /// Returns the standard error of the difference to `other`, whose samples were judged beside the same rows.
    pub fn error_of_difference(&self, other: &Self) -> f64 {
        let pairs = self.shares.iter().zip(&other.shares);
        error(&pairs.map(|(a, b)| a - b).collect::<Vec<_>>())
    }
}

/// The share of `others` that are below `score`; equal ones count half.
fn placement(score: f64, others: &[f64]) -> f64 {
    let sum: f64 = others
        .iter()
        .map(|&other| match score.total_cmp(&other) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        })
        .sum();
    sum / others.len() as f64
}

/// The standard error of the area, whose deviation is that of the shares' sum over rows.
fn error(shares: &[f64]) -> f64 {
    let n = shares.len() as f64;
    let mean = shares.iter().sum::<f64>() / n;
    (shares.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n * (n - 1.0))).sqrt()
}

#[cfg(test)]
mod tests {
    use rand::RngExt;
    use rand_distr::StandardNormal;

    use super::*;

    fn normal(rows: usize, deviation: f32, seed: u64) -> Matrix {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = (0..rows * 3).map(|_| deviation * rng.sample::<f32, _>(StandardNormal));
        Matrix::new(values.collect(), rows, 3)
    }

    #[test]
    fn equal_distributions_are_not_told_apart_and_the_error_is_the_spread() {
        let found: Vec<ToldApart> = (0..20)
            .map(|seed| {
                tell_apart(&normal(200, 1.0, seed), &normal(200, 1.0, 100 + seed), seed).unwrap()
            })
            .collect();
        let mean = found.iter().map(|found| found.auc).sum::<f64>() / 20.0;
        let spread =
            (found.iter().map(|found| (found.auc - 0.5).powi(2)).sum::<f64>() / 20.0).sqrt();
        let error = found.iter().map(|found| found.error).sum::<f64>() / 20.0;
        assert!((mean - 0.5).abs() < 0.03, "{mean}");
        assert!((0.4..2.5).contains(&(error / spread)), "{error} {spread}");
    }

    #[test]
    fn shrunken_samples_are_told_apart_and_paired_differences_are_sharper() {
        let real = normal(300, 1.0, 1);
        let of = |deviation| tell_apart(&real, &normal(600, deviation, 2), 0).unwrap();
        let (collapsed, shrunken, near) = (of(0.25), of(0.7), of(0.97));
        assert!(collapsed.auc > 0.85, "{collapsed:?}");
        assert!(shrunken.auc > near.auc + 0.05, "{shrunken:?} {near:?}");
        assert!(near.auc < 0.56, "{near:?}");
        let alone = shrunken.error.hypot(near.error);
        assert!(shrunken.error_of_difference(&near) < alone);
        assert!(tell_apart(&normal(49, 1.0, 1), &normal(49, 1.0, 2), 0).is_none());
    }
}
