//! A layer's numbers in f64, so that what is folded into them is rounded once.

use anyhow::{Result, bail, ensure};

use super::layers::Layer;
use crate::disk::tensor_file::Block;

/// A linear layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Dense {
    /// The name of the layer in the file.
    pub(super) name: String,
    /// The weights of each output, `[outputs][inputs]`.
    pub(super) rows: Vec<Vec<f64>>,
    /// `[outputs]`.
    pub(super) bias: Vec<f64>,
}

impl Dense {
    /// The number of inputs.
    pub(super) fn inputs(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// The number of outputs.
    pub(super) fn outputs(&self) -> usize {
        self.rows.len()
    }

    /// The weight `[outputs, inputs]` and the bias `[outputs]`, rounded to f32.
    pub(super) fn blocks(&self) -> [Block; 2] {
        let round =
            |values: &[f64]| -> Vec<f32> { values.iter().map(|&value| value as f32).collect() };
        let weight = round(&self.rows.concat());
        [
            Block::f32(&[self.outputs(), self.inputs()], &weight),
            Block::f32(&[self.outputs()], &round(&self.bias)),
        ]
    }
}

/// Returns the layers `[outputs][inputs]`. A layer without a bias gets one of zeros.
///
/// # Errors
///
/// Returns an error if there are fewer than two layers, a layer does not take what the one before gives, or a number is
/// not finite.
pub(super) fn chain(
    layers: &[Layer<'_>],
    transposed: bool,
    notes: &mut Vec<String>,
) -> Result<Vec<Dense>> {
    ensure!(layers.len() >= 2, "expected at least 2 linear layers, found {}", layers.len());
    let mut found: Vec<Dense> = Vec::new();
    for Layer { name, weight: (weight_name, weight), bias, .. } in layers {
        let numbers = weight.numbers(weight_name)?;
        let [first, second] = weight.shape[..] else {
            bail!("tensor {weight_name}: expected 2 dimensions")
        };
        let (inputs, outputs) = if transposed { (first, second) } else { (second, first) };
        ensure!(
            inputs > 0 && outputs > 0,
            "tensor {weight_name} has shape {:?}: expected sizes of at least 1",
            weight.shape
        );
        let rows: Vec<Vec<f64>> = match transposed {
            false => numbers.chunks_exact(inputs).map(<[f64]>::to_vec).collect(),
            true => (0..outputs)
                .map(|output| (0..inputs).map(|input| numbers[input * outputs + output]).collect())
                .collect(),
        };
        let bias = match bias {
            Some((bias_name, bias)) => bias.numbers(bias_name)?.to_vec(),
            None => {
                notes.push(format!("{name} has no bias: 0"));
                vec![0.0; outputs]
            }
        };
        ensure!(
            bias.len() == outputs,
            "{name}: its weight has {outputs} outputs, but its bias has {}",
            bias.len()
        );
        if let Some(before) = found.last() {
            ensure!(
                before.outputs() == inputs,
                "layers do not fit together: {} has {} outputs, {name} has {inputs} inputs; the runtime needs a chain of \
                 layers. Between them may be something without weights (a concatenation, a gated unit), which it has \
                 not, or the file lacks a layer",
                before.name,
                before.outputs()
            );
        }
        found.push(Dense { name: name.clone(), rows, bias });
    }
    Ok(found)
}
