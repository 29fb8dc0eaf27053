//! A network as operations of ONNX.

use anyhow::{Context, Result, bail};
use flowlet::ActivationKind;

use super::graph::Graph;
use crate::model::Model;

/// A network's weights in a graph.
pub(super) struct Network<'a> {
    model: &'a Model,
    /// The weight and the bias of each layer after the first.
    rest: Vec<[String; 2]>,
}

impl<'a> Network<'a> {
    /// Adds the weights and biases of all layers but the first.
    pub(super) fn new(model: &'a Model, graph: &mut Graph) -> Result<Self> {
        let mut rest = Vec::new();
        for layer in 1..model.shape().hidden_layers + 2 {
            let mut add = |kind: &str| -> Result<String> {
                let name = format!("net.{}.{kind}", 2 * layer);
                let block = model.file.tensor(&name)?;
                let values = block.to_f32().with_context(|| format!("tensor {name}"))?;
                Ok(graph.constant(&name, block.shape(), &values))
            };
            rest.push([add("weight")?, add("bias")?]);
        }
        Ok(Self { model, rest })
    }

    /// Returns some columns of the first layer's weight, `[H, columns]`.
    pub(super) fn first_columns(&self, columns: std::ops::Range<usize>) -> Result<Vec<f32>> {
        let weight = self.model.file.tensor("net.0.weight")?;
        let row = weight.shape()[1];
        let values = weight.to_f32()?;
        Ok(values.chunks_exact(row).flat_map(|row| row[columns.clone()].to_vec()).collect())
    }

    /// The bias of the first layer, `[H]`.
    pub(super) fn first_bias(&self) -> Result<Vec<f32>> {
        self.model.file.tensor("net.0.bias")?.to_f32()
    }

    /// Adds what follows the first layer's sums `[n, H]`. Returns the velocity `[n, D]`.
    pub(super) fn after_first(&self, graph: &mut Graph, sums: String) -> Result<String> {
        let mut sums = sums;
        for layer in &self.rest {
            let units = self.activate(graph, &sums)?;
            sums = graph.apply_with("Gemm", &[&units, &layer[0], &layer[1]], &[("transB", 1)]);
        }
        Ok(sums)
    }

    /// Adds the activation, of operations that ONNX has had for long: its own Gelu, SiLU and Mish are of 2023 and later.
    fn activate(&self, graph: &mut Graph, x: &str) -> Result<String> {
        Ok(match self.model.shape().activation {
            ActivationKind::Relu => graph.apply("Relu", &[x]),
            ActivationKind::Tanh => graph.apply("Tanh", &[x]),
            ActivationKind::Elu => graph.apply("Elu", &[x]),
            ActivationKind::Selu => graph.apply("Selu", &[x]),
            ActivationKind::Silu => {
                let sigmoid = graph.apply("Sigmoid", &[x]);
                graph.apply("Mul", &[x, &sigmoid])
            }
            ActivationKind::Mish => {
                let softplus = graph.apply("Softplus", &[x]);
                let tanh = graph.apply("Tanh", &[&softplus]);
                graph.apply("Mul", &[x, &tanh])
            }
            // ½·x·(1 + erf(x/√2))
            ActivationKind::Gelu => {
                let scaled = graph.apply_to_number("Mul", x, std::f64::consts::FRAC_1_SQRT_2);
                let erf = graph.apply("Erf", &[&scaled]);
                half_of(graph, x, &erf)
            }
            // ½·x·(1 + tanh(√(2/π)·x·(1 + 0.044715·x²)))
            ActivationKind::GeluTanh => {
                let square = graph.apply("Mul", &[x, x]);
                let cubic = graph.apply_to_number("Mul", &square, 0.044_715);
                let factor = graph.apply_to_number("Add", &cubic, 1.0);
                let inner = graph.apply("Mul", &[x, &factor]);
                let root = (2.0 / std::f64::consts::PI).sqrt();
                let scaled = graph.apply_to_number("Mul", &inner, root);
                let tanh = graph.apply("Tanh", &[&scaled]);
                half_of(graph, x, &tanh)
            }
            other => bail!("the activation {other} has no form in ONNX"),
        })
    }
}

/// ½·x·(1 + y)
fn half_of(graph: &mut Graph, x: &str, y: &str) -> String {
    let sum = graph.apply_to_number("Add", y, 1.0);
    let product = graph.apply("Mul", &[x, &sum]);
    graph.apply_to_number("Mul", &product, 0.5)
}
