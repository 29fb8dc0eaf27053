//! The multilayer perceptron that is trained. It computes the same function as the runtime's
//! [`Mlp`](flowlet::Mlp), on candle's tensors.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use candle_core::{DType, Device, Tensor, Var};
use flowlet::ActivationKind;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{activation, layer};

/// A network's sizes and activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Data dimensions, `D`.
    pub data_dim: usize,
    /// Condition dimensions, `C`.
    pub condition_dim: usize,
    /// Hidden width, `H`.
    pub hidden_width: usize,
    /// Hidden-to-hidden layers, `L`.
    pub hidden_layers: usize,
    /// Activation between the layers.
    pub activation: ActivationKind,
}

impl Shape {
    /// `[inputs, outputs]` of each linear layer, in order.
    pub fn layers(&self) -> Vec<[usize; 2]> {
        let width = self.hidden_width;
        let first = [1 + self.data_dim + self.condition_dim, width];
        let hidden = std::iter::repeat_n([width, width], self.hidden_layers);
        std::iter::once(first).chain(hidden).chain([[width, self.data_dim]]).collect()
    }

    /// The number of weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers().iter().map(|[inputs, outputs]| (inputs + 1) * outputs).sum()
    }
}

/// A network whose weights are candle variables: it can be trained, or evaluated by candle's operations to
/// check the runtime.
#[derive(Debug)]
pub struct Network {
    shape: Shape,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    /// `[outputs, inputs]`, as PyTorch keeps it.
    weight: Var,
    /// `[outputs]`.
    bias: Var,
}

impl Network {
    /// Returns a network with random weights, as PyTorch initialises a `Linear`: weights and biases uniform
    /// in ±1/√inputs. They are drawn layer by layer: the weight row by row, then the bias.
    ///
    /// # Errors
    ///
    /// When memory does not suffice.
    pub fn initialize(shape: Shape, rng: &mut ChaCha8Rng) -> Result<Self> {
        let layers = shape
            .layers()
            .into_iter()
            .map(|[inputs, outputs]| {
                let bound = 1.0 / (inputs as f32).sqrt();
                let mut draw = |n: usize| -> Vec<f32> {
                    (0..n).map(|_| (rng.random::<f32>() * 2.0 - 1.0) * bound).collect()
                };
                let weight =
                    Var::from_vec(draw(outputs * inputs), (outputs, inputs), &Device::Cpu)?;
                let bias = Var::from_vec(draw(outputs), outputs, &Device::Cpu)?;
                Ok(Layer { weight, bias })
            })
            .collect::<Result<_>>()?;
        Ok(Self { shape, layers })
    }

    /// Returns a network of `shape` with the weights in `tensors`, named as by [`Self::tensors`].
    ///
    /// # Errors
    ///
    /// When a tensor is missing or has another shape; the error names the tensor.
    pub fn from_tensors(shape: Shape, tensors: &BTreeMap<String, Tensor>) -> Result<Self> {
        let find = |name: String, expected: &[usize]| -> Result<Var> {
            let tensor = tensors.get(&name).with_context(|| format!("tensor {name} is missing"))?;
            let found = tensor.dims();
            ensure!(
                found == expected,
                "tensor {name}: expected shape {expected:?}, found {found:?}"
            );
            Ok(Var::from_tensor(&tensor.to_dtype(DType::F32)?)?)
        };
        let layers = shape
            .layers()
            .into_iter()
            .enumerate()
            .map(|(k, [inputs, outputs])| {
                let weight = find(format!("net.{}.weight", 2 * k), &[outputs, inputs])?;
                let bias = find(format!("net.{}.bias", 2 * k), &[outputs])?;
                Ok(Layer { weight, bias })
            })
            .collect::<Result<_>>()?;
        Ok(Self { shape, layers })
    }

    /// The sizes and the activation.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All weights and biases, layer by layer, each weight before its bias.
    pub fn variables(&self) -> Vec<Var> {
        self.layers.iter().flat_map(|layer| [layer.weight.clone(), layer.bias.clone()]).collect()
    }

    /// Returns a network of the same shape with copies of these weights, in the order of [`Self::variables`].
    ///
    /// # Errors
    ///
    /// When a tensor is missing or has another shape.
    pub fn with(&self, weights: &[Tensor]) -> Result<Self> {
        let named = self
            .layers
            .iter()
            .enumerate()
            .flat_map(|(k, _)| ["weight", "bias"].map(|kind| format!("net.{}.{kind}", 2 * k)));
        Self::from_tensors(self.shape, &named.zip(weights.iter().cloned()).collect())
    }

    /// The weights and biases under their names in a model file: `net.0.weight`, `net.0.bias`,
    /// `net.2.weight` and so on.
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        let named = |(k, layer): (usize, &Layer)| {
            [("weight", &layer.weight), ("bias", &layer.bias)]
                .map(|(kind, var)| (format!("net.{}.{kind}", 2 * k), var.as_detached_tensor()))
        };
        self.layers.iter().enumerate().flat_map(named).collect()
    }

    /// Returns the velocity `[B, D]` at `t` (`[B, 1]`) and `x` (`[B, D]`) under `c` (`[B, C]`, in flow
    /// units), for training: by [`layer`]'s kernels.
    ///
    /// # Errors
    ///
    /// When shapes do not match.
    pub fn velocity(&self, t: &Tensor, x: &Tensor, c: &Tensor) -> candle_core::Result<Tensor> {
        let mut activation = None;
        let mut h = self.inputs(t, x, c)?;
        for Layer { weight, bias } in &self.layers {
            h = layer::apply(activation, &h, weight, bias)?;
            activation = Some(self.shape.activation);
        }
        Ok(h)
    }

    /// Returns the same velocity, computed by candle's own operations.
    ///
    /// # Errors
    ///
    /// When shapes do not match.
    pub fn velocity_by_candle(
        &self,
        t: &Tensor,
        x: &Tensor,
        c: &Tensor,
    ) -> candle_core::Result<Tensor> {
        let mut h = self.inputs(t, x, c)?;
        for (k, Layer { weight, bias }) in self.layers.iter().enumerate() {
            if k > 0 {
                h = activation::apply(self.shape.activation, &h)?;
            }
            h = h.matmul(&weight.t()?)?.broadcast_add(bias)?;
        }
        Ok(h)
    }

    /// The first layer's input, `[B, 1 + D + C]`.
    fn inputs(&self, t: &Tensor, x: &Tensor, c: &Tensor) -> candle_core::Result<Tensor> {
        if self.shape.condition_dim == 0 {
            Tensor::cat(&[t, x], 1)
        } else {
            Tensor::cat(&[t, x, c], 1)
        }
    }
}
