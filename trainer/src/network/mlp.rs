//! The multilayer perceptron that is trained. It computes the same function as the runtime's
//! [`Mlp`](flowlet::Mlp).

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use flowlet::ActivationKind;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::disk::tensor_file::Block;

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

    /// The name in a model file and the shape of each weight and bias, in the order of [`Network::weights`]:
    /// `net.0.weight` `[H, 1 + D + C]`, `net.0.bias` `[H]`, `net.2.weight` and so on.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let named = |(k, [inputs, outputs]): (usize, [usize; 2])| {
            let name = |kind| format!("net.{}.{kind}", 2 * k);
            [(name("weight"), vec![outputs, inputs]), (name("bias"), vec![outputs])]
        };
        self.layers().into_iter().enumerate().flat_map(named).collect()
    }

    /// The number of elements of each weight and bias, in the order of [`Self::tensors`].
    pub fn sizes(&self) -> Vec<usize> {
        let layers = self.layers().into_iter();
        layers.flat_map(|[inputs, outputs]| [inputs * outputs, outputs]).collect()
    }

    /// Splits `values`, one number for each parameter, into tensors. Returns the name, shape and numbers of each.
    pub fn split<'a>(&self, values: &'a [f32]) -> Vec<(String, Vec<usize>, &'a [f32])> {
        let mut rest = values;
        let cut = |(name, shape): (String, Vec<usize>)| {
            let (own, after) = rest.split_at(shape.iter().product());
            rest = after;
            (name, shape, own)
        };
        self.tensors().into_iter().map(cut).collect()
    }
}

/// A network: its shape and its weights.
#[derive(Clone, Debug)]
pub struct Network {
    shape: Shape,
    weights: Vec<f32>,
}

impl Network {
    /// Returns a network with random weights, as PyTorch initialises a `Linear`: weights and biases uniform
    /// in ±1/√inputs. They are drawn layer by layer: the weight row by row, then the bias.
    pub fn initialize(shape: Shape, rng: &mut ChaCha8Rng) -> Self {
        let mut weights = Vec::with_capacity(shape.parameters());
        for [inputs, outputs] in shape.layers() {
            let bound = 1.0 / (inputs as f32).sqrt();
            let draw = |_| (rng.random::<f32>() * 2.0 - 1.0) * bound;
            weights.extend((0..(inputs + 1) * outputs).map(draw));
        }
        Self { shape, weights }
    }

    /// Returns a network of `shape` with `weights`, in the order of [`Self::weights`].
    ///
    /// # Errors
    ///
    /// When the shape has another number of weights.
    pub fn new(shape: Shape, weights: Vec<f32>) -> Result<Self> {
        let (expected, found) = (shape.parameters(), weights.len());
        ensure!(found == expected, "expected {expected} weights, found {found}");
        Ok(Self { shape, weights })
    }

    /// Returns a network of `shape` with the weights in `tensors`, named as in [`Shape::tensors`].
    ///
    /// # Errors
    ///
    /// When a tensor is missing or has another shape; the error names the tensor.
    pub fn from_tensors(shape: Shape, tensors: &BTreeMap<String, Block>) -> Result<Self> {
        let mut weights = Vec::with_capacity(shape.parameters());
        for (name, expected) in shape.tensors() {
            let tensor = tensors.get(&name).with_context(|| format!("tensor {name} is missing"))?;
            tensor.check_shape(&name, &expected)?;
            weights.extend(tensor.to_f32()?);
        }
        Ok(Self { shape, weights })
    }

    /// The sizes and the activation.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// All weights and biases, layer by layer: the weight `[O][I]` as PyTorch keeps it, then the bias `[O]`.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The weight `[O][I]` and the bias `[O]` of each layer.
    pub fn layers(&self) -> Vec<[&[f32]; 2]> {
        let mut rest = &self.weights[..];
        let mut cut = |size: usize| {
            let (own, after) = rest.split_at(size);
            rest = after;
            own
        };
        let layers = self.shape.layers().into_iter();
        layers.map(|[inputs, outputs]| [cut(inputs * outputs), cut(outputs)]).collect()
    }

    /// As [`Self::weights`], mutable.
    pub fn weights_mut(&mut self) -> &mut [f32] {
        &mut self.weights
    }
}
