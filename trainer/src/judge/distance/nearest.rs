//! The nearest of other points.

use rayon::prelude::*;

use super::squared_distance;
use crate::data::Matrix;

/// For each row of `a`, the distance to the nearest row of `b`.
pub fn nearest(a: &Matrix, b: &Matrix) -> Vec<f64> {
    (0..a.rows())
        .into_par_iter()
        .map(|i| {
            let distances = (0..b.rows()).map(|j| squared_distance(a.row(i), b.row(j)));
            distances.fold(f64::INFINITY, f64::min).sqrt()
        })
        .collect()
}
