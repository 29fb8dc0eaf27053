//! The model in 64-bit floats, written as plainly as it can be: what rounding errors are measured
//! against.

use anyhow::{Context, Result};
use flowlet::{ActivationKind, SolverKind};

use crate::tensor_file::TensorFile;
use crate::textbook::{self, Space};

/// A model whose every operation is in 64-bit floats. It shares no code with the runtime or with
/// candle.
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
    /// The model of a file.
    ///
    /// # Errors
    ///
    /// When a tensor is missing.
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

    /// The velocity at `t` and `x` (`[D]`, flow units) under `c` (`[C]`, the user's units).
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

    /// The velocity, and its divergence: the sum over the coordinates of its derivative along each,
    /// by one forward sweep of derivatives (no difference quotients, no random probes).
    pub fn velocity_and_divergence(&self, t: f64, x: &[f64], c: &[f32]) -> (Vec<f64>, f64) {
        let data_dim = x.len();
        let mut h = self.inputs(t, x, c);
        // d h / d x_k, `[D][units]`.
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

    /// How far rounding throws the velocity of a network of f32 that adds its terms in order: the standard
    /// deviation of the worst coordinate, to first order, if every rounding error were independent and
    /// evenly spread over half a unit in the last place to either side (Higham, "Accuracy and Stability
    /// of Numerical Algorithms", 2002, section 2.8).
    pub fn rounding(&self, t: f64, x: &[f64], c: &[f32]) -> f64 {
        /// The variance of a rounding of a number of size 1.
        const ROUNDING: f64 = f32::EPSILON as f64 * f32::EPSILON as f64 / 12.0;
        let mut h: Vec<(f64, f64)> = self.inputs(t, x, c).into_iter().map(|x| (x, 0.0)).collect();
        for (k, Layer { weight, bias }) in self.layers.iter().enumerate() {
            if k > 0 {
                for (h, variance) in &mut h {
                    let (value, slope) = activate_with_slope(self.activation, *h);
                    // An activation's own error is that of three roundings of its input: the runtime's GELU
                    // keeps to 1.78e-7 of it.
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

    fn inputs(&self, t: f64, x: &[f64], c: &[f32]) -> Vec<f64> {
        let c = c.iter().enumerate().map(|(k, &c)| {
            let mean = self.condition_mean.get(k).copied().unwrap_or(0.0);
            let scale = self.condition_scale.get(k).copied().unwrap_or(1.0);
            (f64::from(c) - mean) / scale
        });
        std::iter::once(t).chain(x.iter().copied()).chain(c).collect()
    }

    /// The path from `x_0` over the grid `times` (`[N + 1]`): `[N + 1][D]`.
    ///
    /// # Errors
    ///
    /// None.
    pub fn path(
        &self,
        kind: SolverKind,
        times: &[f32],
        x_0: &[f32],
        c: &[f32],
    ) -> Result<Vec<f64>> {
        let x_0 = x_0.iter().copied().map(f64::from).collect();
        Ok(textbook::path(&Under { reference: self, c }, kind, times, x_0)?.concat())
    }
}

/// A sum in eight parts, which a processor adds side by side.
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

/// The model under a condition.
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

/// An activation and its derivative (at ReLU's corner, 0).
fn activate_with_slope(kind: ActivationKind, x: f64) -> (f64, f64) {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};
    let value = activate(kind, x);
    let slope = match kind {
        ActivationKind::Gelu => {
            let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
            0.5 * libm::erfc(-x * FRAC_1_SQRT_2) + x * density
        }
        ActivationKind::GeluTanh => {
            let tanh = ((2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)).tanh();
            let inner = (2.0 / PI).sqrt() * (1.0 + 3.0 * 0.044715 * x * x);
            0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner
        }
        ActivationKind::Silu => {
            let sigmoid = 1.0 / (1.0 + (-x).exp());
            sigmoid * (1.0 + x * (1.0 - sigmoid))
        }
        ActivationKind::Selu if x > 0.0 => SELU_SCALE,
        ActivationKind::Selu => SELU_SCALE * SELU_ALPHA * x.exp(),
        ActivationKind::Tanh => 1.0 - value * value,
        ActivationKind::Relu => f64::from(u8::from(x > 0.0)),
        ActivationKind::Elu if x > 0.0 => 1.0,
        ActivationKind::Elu => x.exp(),
        ActivationKind::Mish => {
            let (tanh, sigmoid) = (x.exp().ln_1p().tanh(), 1.0 / (1.0 + (-x).exp()));
            tanh + x * (1.0 - tanh * tanh) * sigmoid
        }
        _ => unreachable!("the trainer does not know the activation {kind}"),
    };
    (value, slope)
}

// Klambauer et al., "Self-Normalizing Neural Networks" (2017).
const SELU_ALPHA: f64 = 1.673_263_242_354_377_3;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

/// An activation by its definition.
pub fn activate(kind: ActivationKind, x: f64) -> f64 {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};
    match kind {
        // The complement keeps its relative precision far out on the left.
        ActivationKind::Gelu => x * 0.5 * libm::erfc(-x * FRAC_1_SQRT_2),
        ActivationKind::GeluTanh => {
            let inner = (2.0 / PI).sqrt() * (x + 0.044715 * x * x * x);
            0.5 * x * (1.0 + inner.tanh())
        }
        ActivationKind::Silu => x / (1.0 + (-x).exp()),
        ActivationKind::Selu if x > 0.0 => SELU_SCALE * x,
        ActivationKind::Selu => SELU_SCALE * SELU_ALPHA * x.exp_m1(),
        ActivationKind::Tanh => x.tanh(),
        ActivationKind::Relu => {
            if x > 0.0 {
                x
            } else {
                0.0
            }
        }
        ActivationKind::Elu if x > 0.0 => x,
        ActivationKind::Elu => x.exp_m1(),
        ActivationKind::Mish => x * x.exp().ln_1p().tanh(),
        _ => unreachable!("the trainer does not know the activation {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_what_difference_quotients_approach() {
        for &kind in ActivationKind::ALL {
            for x in [-6.0, -1.3, -0.2, 0.4, 2.0, 7.0] {
                let (value, slope) = activate_with_slope(kind, x);
                assert_eq!(value, activate(kind, x));
                let h = 1e-5;
                let quotient = (activate(kind, x + h) - activate(kind, x - h)) / (2.0 * h);
                assert!((slope - quotient).abs() < 1e-8, "{kind} at {x}: {slope} {quotient}");
            }
        }
    }

    #[test]
    fn the_divergence_is_what_difference_quotients_approach() {
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
