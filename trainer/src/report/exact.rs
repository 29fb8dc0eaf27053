//! The velocity field that a perfect network would learn, if it has a closed form.

use crate::coupling::dataset::Real;
use crate::coupling::source::Source;
use crate::data::{Component, Distribution, GaussianMixture};
use crate::report::subject::Subject;

/// The exact velocity field between standard normal noise and a mixture of Gaussians, in flow units.
///
/// For a given component k, x₀ and x₁ are Gaussian, and so is x_t = (1 − t) x₀ + t x₁. Its mean is t μ_k,
/// and its variance in each coordinate is q_k = (1 − t)² + t² σ_k². Given x_t = x, the mean of x₁ − x₀ is
/// u_k = μ_k + (t σ_k² − (1 − t)) / q_k · (x − t μ_k), from the regression of jointly Gaussian variables.
/// The field is the mean of the u_k, weighted by the probabilities of the components at x (Lipman et al.,
/// "Flow Matching for Generative Modeling", 2023, theorem 1 and equation 8).
#[derive(Clone, Debug)]
pub struct ExactField {
    components: Vec<Component>,
}

impl ExactField {
    /// Returns the field that `subject` should have learned for the shown condition. Returns `None` if there
    /// is no closed form: the data are not a mixture of Gaussians, the source is not normal, or the coupling
    /// transports.
    pub fn of(subject: &Subject) -> Option<Self> {
        let known = subject.known.as_ref()?;
        let Real::Distribution { distribution: Distribution::Mixture(mixture), by_class } =
            &known.real
        else {
            return None;
        };
        if !matches!(subject.source, Source::Normal) || known.coupling.transports() {
            return None;
        }
        let class = subject.shown.c.iter().position(|&c| c == 1.0);
        if *by_class && class.is_none() {
            return None;
        }
        let class = class.filter(|_| *by_class);
        Some(Self::new(mixture, class, &subject.units.data.mean, &subject.units.data.scale))
    }

    /// Makes the field to `mixture`, or to its component `class` alone. `mean` and `scale` (`[D]`) convert
    /// the mixture's units to flow units.
    pub fn new(
        mixture: &GaussianMixture,
        class: Option<usize>,
        mean: &[f32],
        scale: &[f32],
    ) -> Self {
        let units = || mean.iter().zip(scale).map(|(&mean, &scale)| [mean, scale].map(f64::from));
        let components = mixture
            .components()
            .iter()
            .enumerate()
            .filter(|(k, _)| class.is_none_or(|class| class == *k))
            .map(|(_, component)| Component {
                weight: component.weight,
                mean: component
                    .mean
                    .iter()
                    .zip(units())
                    .map(|(m, [mean, scale])| (m - mean) / scale)
                    .collect(),
                std: component.std.iter().zip(units()).map(|(s, [_, scale])| s / scale).collect(),
            })
            .collect();
        Self { components }
    }

    /// Returns the velocity (`[D]`) at time `t` and point `x` (`[D]`).
    pub fn velocity(&self, t: f64, x: &[f64]) -> Vec<f64> {
        let away = 1.0 - t;
        let at = |component: &Component| Component {
            weight: component.weight,
            mean: component.mean.iter().map(|mean| t * mean).collect(),
            std: component.std.iter().map(|std| (away * away + t * t * std * std).sqrt()).collect(),
        };
        let terms: Vec<f64> = self
            .components
            .iter()
            .map(|component| component.weight.ln() + at(component).log_density(x))
            .collect();
        let most = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let shares: Vec<f64> = terms.iter().map(|term| (term - most).exp()).collect();
        let total: f64 = shares.iter().sum();
        let mut velocity = vec![0.0; x.len()];
        for (component, share) in self.components.iter().zip(&shares) {
            for (k, velocity) in velocity.iter_mut().enumerate() {
                let (mean, variance) = (component.mean[k], component.std[k] * component.std[k]);
                let slope = (t * variance - away) / (away * away + t * t * variance);
                *velocity += share / total * (mean + slope * (x[k] - t * mean));
            }
        }
        velocity
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::preset;
    use crate::data::random::{Stream, generator};

    fn mixture(name: &str) -> GaussianMixture {
        match preset(name) {
            Some(Distribution::Mixture(mixture)) => mixture,
            _ => panic!("expected {name} to be a mixture"),
        }
    }

    /// Compares the formula with the mean velocity of many straight paths that pass near a point.
    #[test]
    fn the_exact_field_is_the_mean_velocity_of_reference_paths() {
        const N: usize = 400_000;
        for (name, places) in [
            ("mixture", vec![(0.3, vec![0.2]), (0.6, vec![-0.4]), (0.9, vec![1.2])]),
            ("8gaussians", vec![(0.3, vec![1.0, 0.4]), (0.7, vec![-3.4, 0.2])]),
        ] {
            let mixture = mixture(name);
            let dim = mixture.data_dim();
            let field = ExactField::new(&mixture, None, &vec![0.0; dim], &vec![1.0; dim]);
            let x_1 =
                Distribution::Mixture(mixture).draw(N, false, &mut generator(1, Stream::Target));
            let x_0 = Source::Normal.draw(N, dim, &mut generator(1, Stream::Source));
            for (t, place) in places {
                let exact = field.velocity(t, &place);
                let (mut sum, mut near) = (vec![0.0; dim], 0.0);
                let mut squares = 0.0;
                for row in 0..N {
                    let ends = x_0.row(row).iter().zip(x_1.x.row(row));
                    let ends: Vec<[f64; 2]> =
                        ends.map(|(&a, &b)| [f64::from(a), f64::from(b)]).collect();
                    let close = ends
                        .iter()
                        .zip(&place)
                        .all(|([a, b], place)| ((1.0 - t) * a + t * b - place).abs() < 0.06);
                    if close {
                        near += 1.0;
                        for (sum, [a, b]) in sum.iter_mut().zip(&ends) {
                            *sum += b - a;
                            squares += (b - a) * (b - a);
                        }
                    }
                }
                assert!(near > 100.0, "{name} {t} {place:?}: {near}");
                // Four standard errors, and 0.02 for the width of the neighbourhood.
                let tolerance = 4.0 * (squares / near / near).sqrt() + 0.02;
                for (sum, exact) in sum.iter().zip(&exact) {
                    let mean = sum / near;
                    assert!((mean - exact).abs() < tolerance, "{name} {t}: {mean} {exact}");
                }
            }
        }
    }
}
