//! The network by candle's own operations: for the golden outputs that the runtime is compared with, and for tests of
//! this crate's gradients.

use candle_core::{Device, Result, Tensor, Var};
use flowlet::ActivationKind;

use super::activation;
use super::mlp::Network;

/// A network on candle's tensors. Its weights are variables, so that candle can compute gradients.
#[derive(Debug)]
pub struct ByCandle {
    activation: ActivationKind,
    /// Each layer's weight, `[O, I]`, and bias, `[O]`.
    layers: Vec<[Var; 2]>,
}

impl ByCandle {
    /// Copies a network's weights.
    ///
    /// # Errors
    ///
    /// When memory does not suffice.
    pub fn new(network: &Network) -> Result<Self> {
        let shape = network.shape();
        let variable = |(_, shape, values): (_, Vec<usize>, &[f32])| {
            Var::from_slice(values, shape, &Device::Cpu)
        };
        let mut variables = shape.split(network.weights()).into_iter().map(variable);
        let mut layers = Vec::new();
        while let (Some(weight), Some(bias)) = (variables.next(), variables.next()) {
            layers.push([weight?, bias?]);
        }
        Ok(Self { activation: shape.activation, layers })
    }

    /// All weights and biases, in the network's order.
    pub fn variables(&self) -> impl Iterator<Item = &Var> {
        self.layers.iter().flatten()
    }

    /// Returns the velocity `[B, D]` at `t` (`[B, 1]`) and `x` (`[B, D]`) under `c` (`[B, C]`, in flow units).
    ///
    /// # Errors
    ///
    /// When shapes do not match.
    pub fn velocity(&self, t: &Tensor, x: &Tensor, c: &Tensor) -> Result<Tensor> {
        let mut h = match c.dim(1)? {
            0 => Tensor::cat(&[t, x], 1)?,
            _ => Tensor::cat(&[t, x, c], 1)?,
        };
        for (k, [weight, bias]) in self.layers.iter().enumerate() {
            if k > 0 {
                h = activation::apply(self.activation, &h)?;
            }
            h = h.matmul(&weight.t()?)?.broadcast_add(bias)?;
        }
        Ok(h)
    }
}
