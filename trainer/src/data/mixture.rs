//! Mixtures of Gaussians.

use anyhow::{Result, ensure};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// One Gaussian of a mixture, with a diagonal covariance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Component {
    /// How often it is drawn from, relative to the others.
    pub weight: f64,
    /// The mean, `[D]`.
    pub mean: Vec<f64>,
    /// The standard deviation of each coordinate, `[D]`.
    pub std: Vec<f64>,
}

impl Component {
    /// Returns the log density of this Gaussian alone at `x`, `[D]`, in nats.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        let coordinates = x.iter().zip(&self.mean).zip(&self.std);
        coordinates
            .map(|((x, mean), std)| {
                let z = (x - mean) / std;
                -0.5 * z * z - std.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
            })
            .sum()
    }
}

/// Returns `ln Σ exp(term)`. Subtracts the largest term first, so that nothing overflows.
fn log_sum(terms: Vec<f64>) -> f64 {
    let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + terms.iter().map(|term| (term - most).exp()).sum::<f64>().ln()
}

/// A mixture of Gaussians.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    components: Vec<Component>,
}

impl GaussianMixture {
    /// Creates a mixture of `components`. Their weights need not add up to 1.
    ///
    /// # Errors
    ///
    /// Returns an error if there are no components, or if one has another dimension, a mean that is not
    /// finite, or a weight or standard deviation that is not finite and above 0. The message names the
    /// component, counted from 1.
    pub fn new(components: Vec<Component>) -> Result<Self> {
        ensure!(!components.is_empty(), "a mixture needs at least one component");
        let data_dim = components[0].mean.len();
        ensure!(data_dim > 0, "component 1: expected a mean of at least one coordinate");
        let positive = |value: &f64| value.is_finite() && *value > 0.0;
        for (k, Component { weight, mean, std }) in components.iter().enumerate() {
            let k = k + 1;
            ensure!(
                mean.len() == data_dim && std.len() == data_dim,
                "component {k}: expected mean and std of {data_dim} coordinates, found {} and {}",
                mean.len(),
                std.len()
            );
            ensure!(mean.iter().all(|m| m.is_finite()), "component {k}: a mean is not finite");
            ensure!(positive(weight), "component {k}: the weight is {weight}, expected above 0");
            ensure!(std.iter().all(positive), "component {k}: std is {std:?}, expected above 0");
        }
        Ok(Self { components })
    }

    /// The mixture of two Gaussians in one dimension from the article "Flow Matching: A Visual Introduction".
    pub(super) fn article() -> Self {
        let component = |weight, mean, std| Component { weight, mean: vec![mean], std: vec![std] };
        Self { components: vec![component(0.55, -0.85, 0.65), component(0.45, 1.5, 0.25)] }
    }

    /// Eight equal Gaussians on a circle of radius 5, with variance √0.1 in each coordinate.
    pub(super) fn eight_gaussians() -> Self {
        let components = (0..8)
            .map(|k| {
                let (sin, cos) = (f64::from(k) * std::f64::consts::FRAC_PI_4).sin_cos();
                let std = 0.1_f64.powf(0.25);
                Component { weight: 1.0, mean: vec![5.0 * cos, 5.0 * sin], std: vec![std, std] }
            })
            .collect();
        Self { components }
    }

    /// Returns the components.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Returns the number of coordinates, D.
    pub fn data_dim(&self) -> usize {
        self.components[0].mean.len()
    }

    /// Returns the log density at `x`, `[D]`, in nats.
    pub fn log_density(&self, x: &[f64]) -> f64 {
        let total: f64 = self.components.iter().map(|component| component.weight).sum();
        let terms = self
            .components
            .iter()
            .map(|component| (component.weight / total).ln() + component.log_density(x));
        log_sum(terms.collect())
    }

    /// Draws a point, appends it to `x`, and returns the index of its component.
    pub(super) fn draw(&self, rng: &mut ChaCha8Rng, x: &mut Vec<f32>) -> usize {
        let total: f64 = self.components.iter().map(|component| component.weight).sum();
        let mut left = rng.random::<f64>() * total;
        let passed = self.components.iter().position(|component| {
            left -= component.weight;
            left < 0.0
        });
        // Rounding may leave a small rest after the last component.
        let class = passed.unwrap_or(self.components.len() - 1);
        let Component { mean, std, .. } = &self.components[class];
        x.extend(mean.iter().zip(std).map(|(mean, std)| {
            let z: f64 = StandardNormal.sample(rng);
            (mean + std * z) as f32
        }));
        class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_mixture_is_refused_with_the_component() {
        let component = |weight, mean: &[f64], std: &[f64]| Component {
            weight,
            mean: mean.to_vec(),
            std: std.to_vec(),
        };
        let good = component(1.0, &[0.0], &[1.0]);
        for bad in [
            component(0.0, &[0.0], &[1.0]),
            component(1.0, &[0.0, 1.0], &[1.0]),
            component(1.0, &[0.0], &[-1.0]),
            component(1.0, &[f64::NAN], &[1.0]),
        ] {
            let error = GaussianMixture::new(vec![good.clone(), bad]).unwrap_err().to_string();
            assert!(error.contains("component 2"), "{error}");
        }
    }
}
