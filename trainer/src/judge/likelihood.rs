//! The log-density that a flow gives to points, by the change of variables along its paths.

use std::f64::consts::PI;

use crate::judge::reference::Reference;

/// A velocity field whose divergence is known.
pub trait Field {
    /// Returns the velocity `[D]` at `t` and `x` (`[D]`), and its divergence there.
    fn velocity_and_divergence(&self, t: f64, x: &[f64]) -> (Vec<f64>, f64);
}

/// A model under a fixed condition, in 64-bit floats and flow units.
#[derive(Clone, Copy, Debug)]
pub struct Under<'a> {
    /// The model.
    pub reference: &'a Reference,
    /// The condition, `[C]` in the user's units.
    pub c: &'a [f32],
}

impl Field for Under<'_> {
    fn velocity_and_divergence(&self, t: f64, x: &[f64]) -> (Vec<f64>, f64) {
        self.reference.velocity_and_divergence(t, x, self.c)
    }
}

/// Returns the log-density, in nats, that `field` gives to `x_1` (`[D]`) if its paths start from the
/// standard normal distribution.
///
/// The path that ends at `x_1` is integrated back to its start by `steps` RK4 steps, and
/// log p₁(x₁) = log p₀(x₀) − ∫ div v dt (Chen et al. 2018, "Neural Ordinary Differential
/// Equations", equation 8). Each evaluation costs about D + 1 evaluations of the velocity alone. On the
/// exact field of a Gaussian mixture the error of 200 steps is below 0.01 nats.
pub fn log_likelihood(field: &impl Field, x_1: &[f64], steps: usize) -> f64 {
    let h = -1.0 / steps as f64;
    let moved = |x: &[f64], by: f64, v: &[f64]| -> Vec<f64> {
        x.iter().zip(v).map(|(x, v)| x + by * v).collect()
    };
    let mut x = x_1.to_vec();
    let mut change = 0.0;
    for step in 0..steps {
        let t = 1.0 + step as f64 * h;
        let middle = t + h / 2.0;
        let (v_1, d_1) = field.velocity_and_divergence(t, &x);
        let (v_2, d_2) = field.velocity_and_divergence(middle, &moved(&x, h / 2.0, &v_1));
        let (v_3, d_3) = field.velocity_and_divergence(middle, &moved(&x, h / 2.0, &v_2));
        let (v_4, d_4) = field.velocity_and_divergence((t + h).max(0.0), &moved(&x, h, &v_3));
        for (k, x) in x.iter_mut().enumerate() {
            *x += h / 6.0 * (v_1[k] + 2.0 * v_2[k] + 2.0 * v_3[k] + v_4[k]);
        }
        change += h / 6.0 * (d_1 + 2.0 * d_2 + 2.0 * d_3 + d_4);
    }
    let squares: f64 = x.iter().map(|x| x * x).sum();
    -0.5 * squares - 0.5 * x.len() as f64 * (2.0 * PI).ln() + change
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::data::{Component, Distribution, GaussianMixture, preset};

    /// The mean velocity at a point of the linear paths from noise to a mixture of Gaussians, in closed form:
    /// what a perfect network computes.
    struct Exact<'a>(&'a GaussianMixture);

    impl Field for Exact<'_> {
        fn velocity_and_divergence(&self, t: f64, x: &[f64]) -> (Vec<f64>, f64) {
            // At `t` a component is Gaussian with mean t·μ and variance (1 − t)² + (t·σ)²; its velocity
            // is linear in x.
            let components = self.0.components();
            let variance = |std: f64| (1.0 - t).powi(2) + (t * std).powi(2);
            let at_t = components.iter().map(|Component { weight, mean, std }| Component {
                weight: *weight,
                mean: mean.iter().map(|mean| t * mean).collect(),
                std: std.iter().map(|std| variance(*std).sqrt()).collect(),
            });
            let at_t: Vec<Component> = at_t.collect();
            let all = GaussianMixture::new(at_t.clone()).unwrap().log_density(x);
            let total: f64 = components.iter().map(|component| component.weight).sum();
            let mut v = vec![0.0; x.len()];
            let (mut divergence, mut own) = (0.0, Vec::new());
            for (component, at_t) in components.iter().zip(&at_t) {
                let share = component.weight / total * (at_t.log_density(x) - all).exp();
                let coordinates = (0..x.len()).map(|k| {
                    let (mean, std) = (component.mean[k], component.std[k]);
                    let slope = (t * std * std - (1.0 - t)) / variance(std);
                    let pull = -(x[k] - t * mean) / variance(std);
                    (mean + slope * (x[k] - t * mean), slope, pull)
                });
                let coordinates: Vec<(f64, f64, f64)> = coordinates.collect();
                v.iter_mut().zip(&coordinates).for_each(|(v, (own, ..))| *v += share * own);
                divergence += share * coordinates.iter().map(|(_, slope, _)| slope).sum::<f64>();
                own.push((share, coordinates));
            }
            // The shares depend on x, too: ∂share/∂x = share · (pull − mean pull), where a component's pull
            // is the derivative of its log-density.
            for k in 0..x.len() {
                let mean_pull: f64 = own.iter().map(|(share, own)| share * own[k].2).sum();
                divergence += own
                    .iter()
                    .map(|(share, own)| share * own[k].0 * (own[k].2 - mean_pull))
                    .sum::<f64>();
            }
            (v, divergence)
        }
    }

    #[test]
    fn the_likelihood_under_a_mixtures_exact_field_matches_its_density() {
        for name in ["mixture", "8gaussians"] {
            let distribution = preset(name).unwrap();
            let Distribution::Mixture(mixture) = &distribution else { panic!("{name}") };
            let points = distribution.draw(200, false, &mut ChaCha8Rng::seed_from_u64(1)).x;
            let mut worst = 0.0_f64;
            for row in 0..200 {
                let x: Vec<f64> = points.row(row).iter().copied().map(f64::from).collect();
                let found = log_likelihood(&Exact(mixture), &x, 200);
                worst = worst.max((found - mixture.log_density(&x)).abs());
            }
            println!("{name}: worst error {worst:.1e} nats");
            assert!(worst < 0.01, "{name}: {worst}");
        }
    }
}
