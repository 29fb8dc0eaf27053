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
        let c = c.iter().enumerate().map(|(k, &c)| {
            let mean = self.condition_mean.get(k).copied().unwrap_or(0.0);
            let scale = self.condition_scale.get(k).copied().unwrap_or(1.0);
            (f64::from(c) - mean) / scale
        });
        let mut h: Vec<f64> = std::iter::once(t).chain(x.iter().copied()).chain(c).collect();
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

/// An activation by its definition.
pub fn activate(kind: ActivationKind, x: f64) -> f64 {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};
    // Klambauer et al., "Self-Normalizing Neural Networks" (2017).
    const SELU_ALPHA: f64 = 1.673_263_242_354_377_3;
    const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
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
    }
}
