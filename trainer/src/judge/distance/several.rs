//! Several Wasserstein distances between two sets, computed together.

use serde::Serialize;

use super::sliced::sliced;
use super::wasserstein::transport_cost;
use crate::coupling::assignment::Cost;
use crate::data::Matrix;

/// Wasserstein distances between two sets of equal size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distances {
    /// The first Wasserstein distance, with Euclidean costs.
    pub w1: f64,
    /// The second Wasserstein distance: the root of `w2_squared`.
    pub w2: f64,
    /// The square of the second Wasserstein distance: the mean squared Euclidean cost.
    pub w2_squared: f64,
    /// The sliced second Wasserstein distance.
    pub sliced_w2: f64,
}

impl Distances {
    /// Computes the distances between the rows of `a` and the rows of `b`.
    ///
    /// # Panics
    ///
    /// When the sets differ in size, or a value is not finite.
    pub fn between(a: &Matrix, b: &Matrix) -> Self {
        let w2_squared = transport_cost(a, b, Cost::SquaredEuclidean);
        Self {
            w1: transport_cost(a, b, Cost::Euclidean),
            w2: w2_squared.sqrt(),
            w2_squared,
            sliced_w2: sliced(a, b),
        }
    }
}
