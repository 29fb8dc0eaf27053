//! Distances to nearest neighbours.

use rayon::prelude::*;

use super::squared_distance;
use crate::data::Matrix;

/// Returns, for each row of `a`, the Euclidean distance to the nearest row of `b`.
pub fn nearest(a: &Matrix, b: &Matrix) -> Vec<f64> {
    (0..a.rows())
        .into_par_iter()
        .map(|i| {
            let distances = (0..b.rows()).map(|j| squared_distance(a.row(i), b.row(j)));
            distances.fold(f64::INFINITY, f64::min).sqrt()
        })
        .collect()
}
