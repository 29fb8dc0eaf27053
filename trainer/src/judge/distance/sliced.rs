//! The sliced Wasserstein distance.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use rayon::prelude::*;

use super::sorted;
use crate::data::Matrix;

/// Number of directions, if there is more than one column.
const DIRECTIONS: usize = 256;

/// Returns the sliced second Wasserstein distance: the root of the mean of W₂² along 256 random directions
/// (Bonneel et al. 2015). Every call uses the same directions.
///
/// # Panics
///
/// When the sets differ in size.
pub fn sliced(a: &Matrix, b: &Matrix) -> f64 {
    assert_eq!((a.rows(), a.columns()), (b.rows(), b.columns()), "the sets differ in size");
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let directions: Vec<Vec<f64>> = match a.columns() {
        1 => vec![vec![1.0]],
        columns => (0..DIRECTIONS).map(|_| direction(columns, &mut rng)).collect(),
    };
    let squares: Vec<f64> = directions.par_iter().map(|along| squared(a, b, along)).collect();
    (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
}

/// Returns W₂² of the two sets' coordinates along a direction.
fn squared(a: &Matrix, b: &Matrix, along: &[f64]) -> f64 {
    let project = |points: &Matrix| {
        let rows = (0..points.rows()).map(|row| points.row(row).iter().zip(along));
        sorted(rows.map(|row| row.map(|(&x, along)| f64::from(x) * along).sum()))
    };
    let pairs = project(a).into_iter().zip(project(b));
    pairs.map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.rows() as f64
}

/// Returns a random unit vector, uniform over the sphere.
fn direction(columns: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let along: Vec<f64> = (0..columns).map(|_| rng.sample(StandardNormal)).collect();
    let length = along.iter().map(|x| x * x).sum::<f64>().sqrt();
    along.iter().map(|x| x / length).collect()
}
