//! Distances between two sets of samples.

mod energy;
mod nearest;
mod several;
mod sliced;
mod unbiased;
mod wasserstein;

pub use energy::energy;
pub use nearest::nearest;
pub use several::Distances;
pub use sliced::sliced;
pub use unbiased::{Reference, Unbiased};
pub use wasserstein::{Ranked, transport_cost, wasserstein_1};

/// The square of the Euclidean distance between two points.
fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let differences = a.iter().zip(b).map(|(&a, &b)| f64::from(a) - f64::from(b));
    differences.map(|difference| difference * difference).sum()
}

/// Returns the values in ascending order.
fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

#[cfg(test)]
mod tests;
