//! A network's weights, packed for the products of both passes.

use flowlet::ActivationKind;

use super::mlp::{Network, Shape};
use super::products::{FEW, Panels, Part, inner_products};
use super::sharing::share;

/// Multiplications that take as long as to pack a weight for both passes.
const COST: usize = 32;

/// The weights of a network as the kernels read them.
#[derive(Debug)]
pub(crate) struct Packed {
    shape: Shape,
    pub(super) layers: Vec<Layer>,
}

/// The weights of a layer of `I` inputs and `O` outputs.
#[derive(Debug)]
pub(super) struct Layer {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    forward: Forward,
    /// `[O, I]`, where the gradient of the inputs is needed.
    backward: Option<Panels>,
}

/// The forward product, by the kernel that suits the number of outputs.
#[derive(Debug)]
enum Forward {
    Panels(Panels),
    Few { weight: Vec<f32>, bias: Vec<f32> },
}

/// The passes for which weights are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passes {
    /// The forward pass.
    Forward,
    /// Also the backward pass.
    Both {
        /// Whether it gives the gradient of the network's inputs, too.
        inputs: bool,
    },
}

impl Packed {
    /// Memory for the weights of networks of `shape`.
    pub(crate) fn new(shape: Shape, passes: Passes) -> Self {
        let layer = |(k, [inputs, outputs]): (usize, [usize; 2])| Layer {
            inputs,
            outputs,
            forward: if outputs < FEW {
                Forward::Few { weight: vec![0.0; inputs * outputs], bias: vec![0.0; outputs] }
            } else {
                Forward::Panels(Panels::new([inputs, outputs]))
            },
            backward: match passes {
                Passes::Both { inputs: of_all } if of_all || k > 0 => {
                    Some(Panels::new([outputs, inputs]))
                }
                _ => None,
            },
        };
        Self { shape, layers: shape.layers().into_iter().enumerate().map(layer).collect() }
    }

    /// Packs the weights of `network` for the forward pass.
    pub(crate) fn of(network: &Network) -> Self {
        let mut packed = Self::new(network.shape(), Passes::Forward);
        packed.fill(network);
        packed
    }

    /// Packs the weights of `network`.
    ///
    /// # Panics
    ///
    /// Panics if it has another shape.
    pub(crate) fn fill(&mut self, network: &Network) {
        assert_eq!(network.shape(), self.shape, "the network's shape");
        let mut rest = network.weights();
        let mut parts: Vec<Part<'_>> = Vec::new();
        for Layer { inputs, outputs, forward, backward } in &mut self.layers {
            let (weight, after) = rest.split_at(*inputs * *outputs);
            let (bias, after) = after.split_at(*outputs);
            rest = after;
            match forward {
                Forward::Panels(panels) => parts.extend(panels.parts_of_transpose(weight, bias)),
                Forward::Few { weight: own, bias: own_bias } => {
                    own.copy_from_slice(weight);
                    own_bias.copy_from_slice(bias);
                }
            }
            if let Some(panels) = backward {
                parts.extend(panels.parts(weight));
            }
        }
        share(COST * network.weights().len(), parts.into_iter(), Part::pack);
    }

    /// The shape of the network.
    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }

    pub(super) fn activation(&self) -> ActivationKind {
        self.shape.activation
    }
}

impl Layer {
    /// Writes to `y` (`[n, O]`) the layer's outputs for the inputs `x` (`[n, I]`).
    pub(super) fn forward(&self, x: &[f32], y: &mut [f32]) {
        match &self.forward {
            Forward::Panels(panels) => panels.multiply(x, y),
            Forward::Few { weight, bias } => inner_products(x, self.inputs, weight, bias, y),
        }
    }

    /// Writes to `dx` (`[n, I]`) the gradient of the inputs, where `dy` (`[n, O]`) is that of the outputs.
    pub(super) fn backward(&self, dy: &[f32], dx: &mut [f32]) {
        self.backward.as_ref().expect("packed for this pass").multiply(dy, dx);
    }
}
