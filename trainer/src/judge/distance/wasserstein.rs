//! Wasserstein distances, exact.

use super::sorted;
use crate::coupling::assignment::{Cost, assign};
use crate::data::Matrix;

/// The first Wasserstein distance between two sets of numbers of the same size: sorted, the mean
/// distance from each to its counterpart.
///
/// # Panics
///
/// When the sizes differ.
pub fn wasserstein_1(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "two sets of one size");
    let sorted = |values: &[f32]| sorted(values.iter().copied().map(f64::from));
    let pairs = sorted(a).into_iter().zip(sorted(b));
    pairs.map(|(a, b)| (a - b).abs()).sum::<f64>() / a.len() as f64
}

/// The mean cost of the pairs by which it costs least to bring the rows of `a` to those of `b`: W₁
/// of Euclidean or city-block costs, W₂² of squared ones.
///
/// 10,000 rows take seconds; in one column, a moment.
///
/// # Panics
///
/// When the sets differ in size, or a value is not finite.
pub fn transport_cost(a: &Matrix, b: &Matrix, cost: Cost) -> f64 {
    let pairs = assign(a, b, cost).into_iter().enumerate();
    let costs = pairs.map(|(i, j)| {
        let difference =
            || a.row(i).iter().zip(b.row(j)).map(|(&a, &b)| f64::from(a) - f64::from(b));
        match cost {
            Cost::SquaredEuclidean => difference().map(|d| d * d).sum(),
            Cost::Euclidean => difference().map(|d| d * d).sum::<f64>().sqrt(),
            Cost::Cityblock => difference().map(f64::abs).sum(),
        }
    });
    costs.sum::<f64>() / a.rows() as f64
}
