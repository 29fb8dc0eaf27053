//! Whether samples repeat training rows.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::Serialize;

use super::sides::choose;
use crate::coupling::dataset::Units;
use crate::data::{Matrix, Points};

/// The fewest held-out rows that a comparison makes sense with.
pub const FEWEST: usize = 5;

/// Distances to training rows take this many operations at most, about a second.
const WORK: usize = 1_000_000_000;

/// The most points whose nearest training row is searched.
const MOST: usize = 1000;

/// The most training rows that are searched.
const ROWS: usize = 50_000;

/// A ratio above this is not reported as memory, however sure it is: models are a little narrower than their data.
const CLEAR: f64 = 0.9;

/// How far samples are from training rows, beside held-out rows.
///
/// The distance of a point to the nearest training row is divided by the distance from that row to its own nearest
/// one. So a point in a dense place, where everything is near, is not taken for a copy; without this, a model whose
/// samples lack the outermost rows looks like one that repeats rows.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// The geometric mean for samples, divided by that for held-out rows: 1 if the model repeats nothing, 0 if all
    /// samples are training rows.
    pub ratio: f64,
    /// An interval that holds the ratio with 95 % confidence.
    pub interval: [f64; 2],
    /// Mean distance from a sample to the nearest training row, in standard deviations.
    pub samples: f64,
    /// Mean distance from a held-out row to the nearest training row, in standard deviations.
    pub held_out: f64,
    /// Held-out rows that were compared.
    pub rows: usize,
    /// Whether the model repeats training rows: a ratio clearly below 1, at 99.9 % confidence.
    pub repeats: bool,
}

impl Memory {
    /// Says the ratio with its interval and what it compares.
    pub fn sentence(&self) -> String {
        let [low, high] = self.interval;
        // Unknown if all samples are next to one row.
        let interval = if high.is_finite() {
            format!(" (95 %: {low:.2} to {high:.2})")
        } else {
            String::new()
        };
        format!(
            "{:.2}{interval}, beside {} held-out rows; 1 repeats no training row",
            self.ratio, self.rows
        )
    }
}

/// Compares samples, `[m, D]`, with held-out rows. Returns `None` for fewer than [`FEWEST`] held-out rows or
/// training rows, and if all training rows are equal.
pub fn memory(
    samples: &Matrix,
    train: &Points,
    held_out: &Points,
    units: &Units,
    rng: &mut ChaCha8Rng,
) -> Option<Memory> {
    if held_out.x.rows() < FEWEST || train.x.rows() < FEWEST || samples.rows() == 0 {
        return None;
    }
    let scaled = |x: &Matrix| {
        let mut x = x.clone();
        units.data.forward(&mut x);
        x
    };
    let train = scaled(&choose(train, ROWS, rng).x);
    let most = (WORK / (4 * train.rows() * train.columns())).clamp(100, MOST);
    // Samples in order: they come row by row of the conditions, and all conditions should count.
    let step = samples.rows().div_ceil(most);
    let some: Vec<usize> = (0..samples.rows()).step_by(step).collect();
    let of_samples = Near::of(&scaled(&samples.select(&some)), &train)?;
    let of_held_out = Near::of(&scaled(&choose(held_out, most, rng).x), &train)?;

    let logarithm = of_samples.mean() - of_held_out.mean();
    let error = of_samples.error().hypot(of_held_out.error());
    let freedom = (of_held_out.logarithms.len() - 1) as f64;
    let bound = |quantile: f64| (logarithm + student(quantile, freedom) * error).exp();
    Some(Memory {
        ratio: logarithm.exp(),
        interval: [bound(-TWO_SIDED_95), bound(TWO_SIDED_95)],
        samples: of_samples.distance,
        held_out: of_held_out.distance,
        rows: of_held_out.logarithms.len(),
        repeats: logarithm.exp() < CLEAR && bound(ONE_SIDED_999) < 1.0,
    })
}

/// Quantiles of the standard normal distribution.
const TWO_SIDED_95: f64 = 1.96;
const ONE_SIDED_999: f64 = 3.09;

/// Returns the quantile of Student's distribution with `freedom` degrees that belongs to the normal quantile `z`
/// (Abramowitz & Stegun 26.7.5). From 4 degrees on it is right within 4 %.
fn student(z: f64, freedom: f64) -> f64 {
    let z2 = z * z;
    z + z * (z2 + 1.0) / (4.0 * freedom)
        + z * ((5.0 * z2 + 16.0) * z2 + 3.0) / (96.0 * freedom.powi(2))
        + z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / (384.0 * freedom.powi(3))
}

/// Points beside their nearest training rows.
struct Near {
    /// The logarithm of each point's relative distance.
    logarithms: Vec<f64>,
    /// The training row next to each point.
    rows: Vec<usize>,
    /// The mean distance.
    distance: f64,
}

impl Near {
    fn of(points: &Matrix, train: &Matrix) -> Option<Self> {
        let nearest: Vec<(usize, f64)> = (0..points.rows())
            .into_par_iter()
            .map(|row| nearest(points.row(row), train, |_| true))
            .collect();
        // Equal rows stand for one: the scale of a place is the distance to another row.
        let mut rows: Vec<usize> = nearest.iter().map(|(row, _)| *row).collect();
        let all = rows.clone();
        rows.sort_unstable();
        rows.dedup();
        let scales: BTreeMap<usize, f64> =
            rows.into_par_iter().map(|row| (row, nearest_other(row, train))).collect();
        if scales.values().any(|scale| !scale.is_finite()) {
            return None;
        }
        // A copy has the logarithm of 0; one such row must not outweigh all others.
        let logarithm =
            |(row, distance): &(usize, f64)| (distance / scales[row]).clamp(1e-3, 1e3).ln();
        Some(Self {
            logarithms: nearest.iter().map(logarithm).collect(),
            rows: all,
            distance: nearest.iter().map(|(_, d)| d).sum::<f64>() / nearest.len() as f64,
        })
    }

    fn mean(&self) -> f64 {
        self.logarithms.iter().sum::<f64>() / self.logarithms.len() as f64
    }

    /// The standard error of the mean. Points next to the same row are not independent.
    fn error(&self) -> f64 {
        let mean = self.mean();
        let mut groups: BTreeMap<usize, f64> = BTreeMap::new();
        for (row, x) in self.rows.iter().zip(&self.logarithms) {
            *groups.entry(*row).or_default() += x - mean;
        }
        let n = self.logarithms.len() as f64;
        let k = groups.len() as f64;
        let squares = groups.values().map(|sum| sum * sum).sum::<f64>();
        // All points next to one row say nothing of the spread.
        if k < 2.0 { f64::INFINITY } else { (squares * k / (k - 1.0)).sqrt() / n }
    }
}

/// Returns the nearest of the rows that `counts` accepts by its squared distance, and its distance.
fn nearest(point: &[f32], rows: &Matrix, counts: impl Fn(f32) -> bool) -> (usize, f64) {
    let (mut best, mut least) = (0, f32::INFINITY);
    for row in 0..rows.rows() {
        let differences = rows.row(row).iter().zip(point).map(|(a, b)| (a - b) * (a - b));
        let squared = differences.sum::<f32>();
        if squared < least && counts(squared) {
            (best, least) = (row, squared);
        }
    }
    (best, f64::from(least).sqrt())
}

fn nearest_other(row: usize, rows: &Matrix) -> f64 {
    nearest(rows.row(row), rows, |squared| squared > 0.0).1
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_distr::StandardNormal;

    use super::*;

    fn normal(rows: usize, columns: usize, deviation: f32, rng: &mut ChaCha8Rng) -> Points {
        let values = (0..rows * columns).map(|_| deviation * rng.sample::<f32, _>(StandardNormal));
        let x = Matrix::new(values.collect(), rows, columns);
        Points { x, c: Matrix::new(Vec::new(), rows, 0) }
    }

    fn found(
        seed: u64,
        held_out: usize,
        columns: usize,
        samples: impl Fn(&Matrix, &mut ChaCha8Rng) -> Matrix,
    ) -> Option<Memory> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let train = normal(160, columns, 1.0, &mut rng);
        let held_out = normal(held_out, columns, 1.0, &mut rng);
        let samples = samples(&train.x, &mut rng);
        memory(&samples, &train, &held_out, &Units::identity(columns, 0), &mut rng)
    }

    /// The narrower model lacks the outermost rows, where distances are large. Their means alone would accuse it.
    #[test]
    fn fresh_samples_are_no_memory_even_of_a_narrow_model() {
        for (columns, held_out) in [(1, 18), (2, 60), (13, 18)] {
            for deviation in [1.0, 0.9] {
                let alarms = (0..100).filter(|&seed| {
                    let draw =
                        |_: &Matrix, rng: &mut ChaCha8Rng| normal(1000, columns, deviation, rng).x;
                    found(seed, held_out, columns, draw).unwrap().repeats
                });
                let alarms = alarms.count();
                assert!(alarms <= 1, "{alarms} of 100: {columns} columns, {deviation}");
            }
        }
    }

    #[test]
    fn rows_with_a_little_noise_are_seen_at_small_sizes() {
        for (columns, held_out) in [(2, 18), (13, 18), (13, 8)] {
            let seen = (0..50).filter(|&seed| {
                let repeat = |train: &Matrix, rng: &mut ChaCha8Rng| {
                    let rows: Vec<usize> = (0..1000).map(|k| k % 160).collect();
                    let mut x = train.select(&rows);
                    let scale = if columns == 2 { 0.03 } else { 0.3 };
                    x.rows_mut()
                        .flatten()
                        .for_each(|x| *x += scale * rng.sample::<f32, _>(StandardNormal));
                    x
                };
                found(seed, held_out, columns, repeat).unwrap().repeats
            });
            let seen = seen.count();
            assert!(seen >= 48, "{seen} of 50: {columns} columns, {held_out} rows");
        }
    }

    #[test]
    fn too_few_rows_and_equal_rows_give_no_answer() {
        let copy = |train: &Matrix, _: &mut ChaCha8Rng| train.clone();
        assert!(found(0, 4, 2, copy).is_none());
        assert!(found(0, 5, 2, copy).is_some());
        let equal =
            Points { x: Matrix::new(vec![1.0; 20], 20, 1), c: Matrix::new(Vec::new(), 20, 0) };
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        assert!(memory(&equal.x, &equal, &equal, &Units::identity(1, 0), &mut rng).is_none());
    }

    #[test]
    fn students_quantiles_are_those_of_tables() {
        for (z, freedom, expected) in
            [(1.96, 17.0, 2.110), (3.09, 17.0, 3.646), (3.09, 4.0, 7.173), (1.96, 100.0, 1.984)]
        {
            assert!((student(z, freedom) / expected - 1.0).abs() < 0.04, "{z} {freedom}");
        }
    }
}
