//! Distances between two sets of samples.

use rayon::prelude::*;

use crate::data::Matrix;

/// The first Wasserstein distance between two sets of numbers of the same size: sorted, the mean
/// distance from each to its counterpart.
///
/// # Panics
///
/// When the sizes differ.
pub fn wasserstein_1(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len(), "two sets of one size");
    let sorted = |values: &[f32]| {
        let mut values = values.to_vec();
        values.sort_by(f32::total_cmp);
        values
    };
    let pairs = sorted(a).into_iter().zip(sorted(b));
    pairs.map(|(a, b)| f64::from(a - b).abs()).sum::<f64>() / a.len() as f64
}

/// The energy distance, √(2·E|a − b| − E|a − a′| − E|b − b′|), over all pairs of rows; it is zero
/// only for equal distributions (Székely & Rizzo 2013).
pub fn energy(a: &Matrix, b: &Matrix) -> f64 {
    let squared = 2.0 * mean_distance(a, b) - mean_distance(a, a) - mean_distance(b, b);
    // Rounding may bring it below zero; NaN stays NaN, which `max` would make a perfect 0.
    if squared < 0.0 { 0.0 } else { squared.sqrt() }
}

/// The mean Euclidean distance over all pairs of rows.
fn mean_distance(a: &Matrix, b: &Matrix) -> f64 {
    // Collected before they are added: a parallel sum would depend on how the work was shared.
    let sums: Vec<f64> = (0..a.rows())
        .into_par_iter()
        .map(|i| {
            (0..b.rows()).map(|j| f64::from(squared_distance(a.row(i), b.row(j))).sqrt()).sum()
        })
        .collect();
    sums.iter().sum::<f64>() / (a.rows() as f64 * b.rows() as f64)
}

/// For each row of `a`, the distance to the nearest row of `b`.
pub fn nearest(a: &Matrix, b: &Matrix) -> Vec<f64> {
    (0..a.rows())
        .into_par_iter()
        .map(|i| {
            let distances = (0..b.rows()).map(|j| squared_distance(a.row(i), b.row(j)));
            f64::from(distances.fold(f32::INFINITY, f32::min)).sqrt()
        })
        .collect()
}

fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_is_its_own_wasserstein_distance() {
        let distance = wasserstein_1(&[3.0, 1.0, 2.0], &[1.5, 3.5, 2.5]);
        assert!((distance - 0.5).abs() < 1e-12, "{distance}");
    }

    #[test]
    fn the_energy_distance_of_two_points_is_known() {
        let a = Matrix::new(vec![0.0, 0.0], 1, 2);
        let b = Matrix::new(vec![3.0, 4.0], 1, 2);
        assert!((energy(&a, &b) - 10.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(energy(&a, &a), 0.0);
        assert!(energy(&a, &Matrix::new(vec![f32::NAN, 0.0], 1, 2)).is_nan());
    }

    #[test]
    fn the_nearest_row_is_found() {
        let a = Matrix::new(vec![0.0, 10.0], 2, 1);
        let b = Matrix::new(vec![7.0, -1.0, 30.0], 3, 1);
        assert_eq!(nearest(&a, &b), [1.0, 3.0]);
    }
}
