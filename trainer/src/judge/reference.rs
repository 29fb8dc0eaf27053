//! The model in 64-bit floats, written as plainly as possible. Rounding errors are measured against it.

use anyhow::{Context, Result};
use flowlet::{ActivationKind, SolverKind};

use crate::disk::tensor_file::TensorFile;
use crate::network::activation_f64::{activate, activate_with_slope};
use crate::solve::textbook::{self, Space};

/// A model that computes in 64-bit floats only. It shares no code with the runtime or with candle.
#[derive(Clone, Debug)]
pub struct Reference {
    layers: Vec<Layer>,
    activation: ActivationKind,
    condition_mean: Vec<f64>,
    condition_scale: Vec<f64>,
}

#[derive(Clone, Debug)]
struct Layer {
    /// `[outputs][inputs]`.
    weight: Vec<f64>,
    bias: Vec<f64>,
}

impl Reference {
    /// Returns the model in a file.
    ///
    /// # Errors
    ///
    /// When a bias is missing, or a tensor's numbers cannot be read.
    pub fn new(file: &TensorFile, activation: ActivationKind) -> Result<Self> {
        let read = |name: &str| file.tensors.get(name).map(|block| block.to_f64()).transpose();
        let mut layers = Vec::new();
        while let Some(weight) = read(&format!("net.{}.weight", 2 * layers.len()))? {
            let name = format!("net.{}.bias", 2 * layers.len());
            let bias = read(&name)?.with_context(|| format!("tensor {name} is missing"))?;
            layers.push(Layer { weight, bias });
        }
        let condition_mean = read("condition.mean")?.unwrap_or_default();
        let condition_scale = read("condition.scale")?.unwrap_or_default();
        Ok(Self { layers, activation, condition_mean, condition_scale })
    }

    /// Returns the velocity `[D]` at `t` and `x` (`[D]`, flow units) under `c` (`[C]`, the user's units).
    pub fn velocity(&self, t: f64, x: &[f64], c: &[f32]) -> Vec<f64> {
        let mut h = self.inputs(t, x, c);
        for (k, Layer { weight, bias }) in self.layers.iter().enumerate() {
            if k > 0 {
                h.iter_mut().for_each(|h| *h = activate(self.activation, *h));
            }
            h = weight
                .chunks_exact(h.len())
                .zip(bias)
                .map(|(row, bias)| bias + row.iter().zip(&h).map(|(w, h)| w * h).sum::<f64>())
                .collect();
        }
        h
    }

    /// Returns the velocity and its exact divergence: the sum over k of the derivative of coordinate k with
    /// respect to x_k. One forward pass carries all derivatives; there are no difference quotients and no random
    /// probes.
    pub fn velocity_and_divergence(&self, t: f64, x: &[f64], c: &[f32]) -> (Vec<f64>, f64) {
        let data_dim = x.len();
        let mut h = self.inputs(t, x, c);
        // The derivatives d h / d x_k, `[D][units]`.
        let mut slopes = vec![vec![0.0; h.len()]; data_dim];
        slopes.iter_mut().enumerate().for_each(|(k, slopes)| slopes[1 + k] = 1.0);
        for (k, Layer { weight, bias }) in self.layers.iter().enumerate() {
            if k > 0 {
                for (unit, h) in h.iter_mut().enumerate() {
                    let (value, slope) = activate_with_slope(self.activation, *h);
                    *h = value;
                    slopes.iter_mut().for_each(|slopes| slopes[unit] *= slope);
                }
            }
            let rows = || weight.chunks_exact(h.len());
            let next = rows().zip(bias).map(|(row, bias)| bias + dot(row, &h)).collect();
            slopes =
                slopes.iter().map(|slopes| rows().map(|row| dot(row, slopes)).collect()).collect();
            h = next;
        }
        let divergence = (0..data_dim).map(|k| slopes[k][k]).sum();
        (h, divergence)
    }

    /// Estimates the rounding error of the velocity of an f32 network that adds its terms in order. Returns the
    /// standard deviation of the worst coordinate, to first order. Every rounding error is taken as independent
    /// and uniform over half a unit in the last place to either side (Higham, "Accuracy and Stability of
    /// Numerical Algorithms", 2002, section 2.8).
    pub fn rounding(&self, t: f64, x: &[f64], c: &[f32]) -> f64 {
        /// The variance of the rounding error of a number of size 1.
        const ROUNDING: f64 = f32::EPSILON as f64 * f32::EPSILON as f64 / 12.0;
        let mut h: Vec<(f64, f64)> = self.inputs(t, x, c).into_iter().map(|x| (x, 0.0)).collect();
        for (k, Layer { weight, bias }) in self.layers.iter().enumerate() {
            if k > 0 {
                for (h, variance) in &mut h {
                    let (value, slope) = activate_with_slope(self.activation, *h);
                    // An activation's own error is taken as three roundings of its input; the runtime's GELU is
                    // within 1.78e-7 of its input.
                    *variance = slope * slope * *variance + 9.0 * ROUNDING * *h * *h;
                    *h = value;
                }
            }
            let rows = weight.chunks_exact(h.len()).zip(bias);
            h = rows
                .map(|(row, &bias)| {
                    row.iter().zip(&h).fold((bias, 0.0), |(sum, variance), (w, (h, own))| {
                        let (term, next) = (w * h, sum + w * h);
                        let rounded = ROUNDING * (term * term + next * next);
                        (next, variance + w * w * own + rounded)
                    })
                })
                .collect();
        }
        h.iter().fold(0.0, |worst: f64, (_, variance)| worst.max(variance.sqrt()))
    }

    /// Returns the first layer's input, `[1 + D + C]`, with the conditions in flow units.
    fn inputs(&self, t: f64, x: &[f64], c: &[f32]) -> Vec<f64> {
        let c = c.iter().enumerate().map(|(k, &c)| {
            let mean = self.condition_mean.get(k).copied().unwrap_or(0.0);
            let scale = self.condition_scale.get(k).copied().unwrap_or(1.0);
            (f64::from(c) - mean) / scale
        });
        std::iter::once(t).chain(x.iter().copied()).chain(c).collect()
    }

    /// Returns the path from `x_0` over the grid `times` (`[N + 1]`): `[N + 1][D]`.
    pub fn path(&self, kind: SolverKind, times: &[f32], x_0: &[f32], c: &[f32]) -> Vec<f64> {
        let x_0 = x_0.iter().copied().map(f64::from).collect();
        let points = textbook::path(&Under { reference: self, c }, kind, times, x_0);
        points.expect("this model's operations cannot fail").concat()
    }
}

/// Returns the inner product, in eight partial sums that a processor can add at the same time.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        (0..LANES).for_each(|lane| sums[lane] += a[lane] * b[lane]);
    }
    let rest = a_rest.iter().zip(b_rest).map(|(a, b)| a * b);
    sums.iter().copied().chain(rest).sum()
}

/// The model under a fixed condition.
struct Under<'a> {
    reference: &'a Reference,
    c: &'a [f32],
}

impl Space for Under<'_> {
    type Point = Vec<f64>;

    fn velocity(&self, t: f64, x: &Vec<f64>) -> Result<Vec<f64>> {
        Ok(self.reference.velocity(t, x, self.c))
    }

    fn moved(&self, x: &Vec<f64>, by: &[(f64, &Vec<f64>)]) -> Result<Vec<f64>> {
        let coordinate = |(k, x): (usize, &f64)| x + by.iter().map(|(a, v)| a * v[k]).sum::<f64>();
        Ok(x.iter().enumerate().map(coordinate).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_divergence_matches_difference_quotients() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../weights/8gaussians/model.safetensors");
        let file = TensorFile::read(path.as_ref()).unwrap();
        let reference = Reference::new(&file, ActivationKind::Gelu).unwrap();
        let (t, c) = (0.7, [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        for x in [[0.1, -0.4], [1.5, 0.3]] {
            let (v, divergence) = reference.velocity_and_divergence(t, &x, &c);
            let plain = reference.velocity(t, &x, &c);
            assert!(v.iter().zip(plain).all(|(a, b)| (a - b).abs() < 1e-12));
            let h = 1e-5;
            let quotient: f64 = (0..2)
                .map(|k| {
                    let [mut above, mut below] = [x; 2];
                    above[k] += h;
                    below[k] -= h;
                    let at = |x: &[f64]| reference.velocity(t, x, &c)[k];
                    (at(&above) - at(&below)) / (2.0 * h)
                })
                .sum();
            assert!((divergence - quotient).abs() < 1e-7, "{divergence} {quotient}");
        }
    }
}
