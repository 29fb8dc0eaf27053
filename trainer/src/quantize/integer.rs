//! A model in whole numbers, and its file.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use flowlet::ActivationKind;
use safetensors::tensor::Dtype;

use crate::disk::tensor_file::{Block, TensorFile};
use crate::model::description::is_integer;
use crate::network::Shape;

/// The version of the integer contract that this crate writes.
pub const CONTRACT: &str = "1";

/// The type of the weights between hidden layers. The first and the last layer have [`Weights::I16`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weights {
    /// 16 bits.
    I16,
    /// 8 bits.
    I8,
    /// 4 bits, two weights in a byte.
    I4,
}

impl Weights {
    /// All types, the widest first.
    pub const ALL: [Self; 3] = [Self::I16, Self::I8, Self::I4];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::I16 => "i16",
            Self::I8 => "i8",
            Self::I4 => "i4",
        }
    }

    /// The least and the largest weight.
    pub fn range(self) -> [i32; 2] {
        match self {
            Self::I16 => [i16::MIN.into(), i16::MAX.into()],
            Self::I8 => [i8::MIN.into(), i8::MAX.into()],
            Self::I4 => [-8, 7],
        }
    }
}

/// A linear layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// `[outputs][inputs]`.
    pub weight: Vec<i32>,
    /// `[outputs]`, each with the half of its output's shift.
    pub bias: Vec<i32>,
    /// Right shifts of the sums, `[outputs]`. A negative one is a left shift.
    pub shift: Vec<i8>,
}

/// `x · scale ÷ 2^shift + mean`, and its inverse: `[D]` each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataUnits {
    /// Means in data units.
    pub mean: Vec<i32>,
    /// Scales: 0 for a constant column.
    pub scale: Vec<i32>,
    /// Right shifts of the products with `scale`.
    pub shift: Vec<i8>,
    /// The factors of the inverse.
    pub inverse: Vec<i32>,
    /// Right shifts of the products with `inverse`.
    pub inverse_shift: Vec<i8>,
    /// The fraction bits of data units.
    pub bits: i8,
}

/// `(c − mean) · scale ÷ 2^shift`: `[C]` each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConditionUnits {
    /// Means in the user's units.
    pub mean: Vec<i32>,
    /// Factors.
    pub scale: Vec<i32>,
    /// Right shifts of the products.
    pub shift: Vec<i8>,
    /// The fraction bits of the user's units.
    pub bits: i8,
}

/// A model in whole numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegerModel {
    /// Sizes and activation.
    pub shape: Shape,
    /// The type of the weights between hidden layers.
    pub weights: Weights,
    /// The first layer, the hidden-to-hidden layers, and the last layer, `[L + 2]`.
    pub layers: Vec<Layer>,
    /// The fraction bits of the units after each layer but the last, `[L + 1]`.
    pub unit_bits: Vec<i8>,
    /// The fraction bits of the point as it enters the first layer.
    pub point_bits: i8,
    /// The fraction bits of the conditions as they enter the first layer; 0 without conditions.
    pub condition_bits: i8,
    /// The units of the data.
    pub data_units: DataUnits,
    /// The units of the conditions.
    pub condition_units: ConditionUnits,
    /// The times of the steps that the model was made for, `[N + 1]`, with 30 fraction bits.
    pub grid: Option<Vec<i32>>,
}

impl IntegerModel {
    /// The type of a layer's weights.
    pub fn weights_of(&self, layer: usize) -> Weights {
        if layer == 0 || layer == self.unit_bits.len() { Weights::I16 } else { self.weights }
    }

    /// The size of weights, biases and shifts.
    pub fn bytes(&self) -> usize {
        let layers = self.layers.iter().enumerate().map(|(k, layer)| {
            let outputs = layer.bias.len();
            let row = layer.weight.len() / outputs;
            let row = match self.weights_of(k) {
                Weights::I16 => 2 * row,
                Weights::I8 => row,
                Weights::I4 => row.div_ceil(2),
            };
            (row + 5) * outputs
        });
        layers.sum()
    }

    /// Returns the tensors of the model's file.
    pub fn to_tensors(&self) -> BTreeMap<String, Block> {
        let mut tensors = BTreeMap::new();
        let mut insert = |name: &str, block: Block| {
            tensors.insert(name.to_string(), block);
        };
        for (k, layer) in self.layers.iter().enumerate() {
            let outputs = layer.bias.len();
            let inputs = layer.weight.len() / outputs;
            let shape = [outputs, inputs];
            let weight = match self.weights_of(k) {
                Weights::I16 => Block::i16(&shape, &narrowed(&layer.weight)),
                Weights::I8 => Block::i8(&shape, &narrowed(&layer.weight)),
                Weights::I4 => {
                    let rows = layer.weight.chunks_exact(inputs);
                    let bytes: Vec<u8> = rows.flat_map(pairs).collect();
                    Block::u8(&[outputs, inputs.div_ceil(2)], &bytes)
                }
            };
            insert(&format!("net.{}.weight", 2 * k), weight);
            insert(&format!("net.{}.bias", 2 * k), Block::i32(&[outputs], &layer.bias));
            insert(&format!("net.{}.shift", 2 * k), Block::i8(&[outputs], &layer.shift));
        }
        insert("units.bits", Block::i8(&[self.unit_bits.len()], &self.unit_bits));
        insert("input.bits", Block::i8(&[2], &[self.point_bits, self.condition_bits]));
        let DataUnits { mean, scale, shift, inverse, inverse_shift, bits } = &self.data_units;
        let columns = [mean.len()];
        insert("data.mean", Block::i32(&columns, mean));
        insert("data.scale", Block::i32(&columns, scale));
        insert("data.shift", Block::i8(&columns, shift));
        insert("data.inverse", Block::i32(&columns, inverse));
        insert("data.inverse_shift", Block::i8(&columns, inverse_shift));
        insert("data.bits", Block::i8(&[1], &[*bits]));
        if self.shape.condition_dim > 0 {
            let ConditionUnits { mean, scale, shift, bits } = &self.condition_units;
            let columns = [mean.len()];
            insert("condition.mean", Block::i32(&columns, mean));
            insert("condition.scale", Block::i32(&columns, scale));
            insert("condition.shift", Block::i8(&columns, shift));
            insert("condition.bits", Block::i8(&[1], &[*bits]));
        }
        if let Some(times) = &self.grid {
            insert("grid", Block::i32(&[times.len()], times));
        }
        tensors
    }

    /// Reads an integer model. Checks only what this code relies on; the runtime's parser checks the rest.
    ///
    /// # Errors
    ///
    /// Returns an error that names the tensor if one is missing or has another type or length.
    pub fn from_file(file: &TensorFile) -> Result<Self> {
        ensure!(is_integer(file), "expected an integer model, found a float one");
        let integers = |name: &str, dtype: Dtype, length: usize| -> Result<Vec<i32>> {
            let found = file.tensor(name)?.to_i32(dtype);
            let values = found.with_context(|| format!("tensor {name}"))?;
            ensure!(
                values.len() == length,
                "tensor {name}: expected {length} numbers, found {}",
                values.len()
            );
            Ok(values)
        };
        let narrow = |name: &str, length: usize| -> Result<Vec<i8>> {
            Ok(narrowed(&integers(name, Dtype::I8, length)?))
        };
        let data_dim = file.tensor("data.mean")?.shape().iter().product();
        let [width, columns] = *file.tensor("net.0.weight")?.shape() else {
            bail!("tensor net.0.weight: expected two dimensions");
        };
        let mut count = 0;
        while file.tensors.contains_key(&format!("net.{}.weight", 2 * count)) {
            count += 1;
        }
        ensure!(count >= 2 && columns > data_dim, "expected at least two layers");
        let shape = Shape {
            data_dim,
            condition_dim: columns - 1 - data_dim,
            hidden_width: width,
            hidden_layers: count - 2,
            activation: activation(file)?,
        };
        let weights = match file.tensor("net.2.weight")?.dtype() {
            _ if shape.hidden_layers == 0 => Weights::I16,
            Dtype::I16 => Weights::I16,
            Dtype::I8 => Weights::I8,
            Dtype::U8 => Weights::I4,
            other => bail!("tensor net.2.weight: expected dtype I16, I8 or U8, found {other:?}"),
        };
        let mut layers = Vec::new();
        for (k, [inputs, outputs]) in shape.layers().into_iter().enumerate() {
            let name = |part: &str| format!("net.{}.{part}", 2 * k);
            let of = if k == 0 || k + 1 == count { Weights::I16 } else { weights };
            let weight = name("weight");
            let weight = match of {
                Weights::I16 => integers(&weight, Dtype::I16, outputs * inputs)?,
                Weights::I8 => integers(&weight, Dtype::I8, outputs * inputs)?,
                Weights::I4 => {
                    let row = inputs.div_ceil(2);
                    let bytes = integers(&weight, Dtype::U8, outputs * row)?;
                    bytes.chunks_exact(row).flat_map(|row| halves(row, inputs)).collect()
                }
            };
            let bias = integers(&name("bias"), Dtype::I32, outputs)?;
            layers.push(Layer { weight, bias, shift: narrow(&name("shift"), outputs)? });
        }
        let input_bits = narrow("input.bits", 2)?;
        let condition_units = match shape.condition_dim {
            0 => ConditionUnits::default(),
            columns => ConditionUnits {
                mean: integers("condition.mean", Dtype::I32, columns)?,
                scale: integers("condition.scale", Dtype::I32, columns)?,
                shift: narrow("condition.shift", columns)?,
                bits: narrow("condition.bits", 1)?[0],
            },
        };
        let grid = file.tensors.get("grid").map(|grid| grid.to_i32(Dtype::I32)).transpose();
        Ok(Self {
            shape,
            weights,
            layers,
            unit_bits: narrow("units.bits", count - 1)?,
            point_bits: input_bits[0],
            condition_bits: input_bits[1],
            data_units: DataUnits {
                mean: integers("data.mean", Dtype::I32, data_dim)?,
                scale: integers("data.scale", Dtype::I32, data_dim)?,
                shift: narrow("data.shift", data_dim)?,
                inverse: integers("data.inverse", Dtype::I32, data_dim)?,
                inverse_shift: narrow("data.inverse_shift", data_dim)?,
                bits: narrow("data.bits", 1)?[0],
            },
            condition_units,
            grid: grid.context("tensor grid")?,
        })
    }
}

/// Returns the activation that a file names; GELU if it names none.
fn activation(file: &TensorFile) -> Result<ActivationKind> {
    let Some(name) = file.metadata.get("flowlet.activation") else {
        return Ok(ActivationKind::Gelu);
    };
    let found = ActivationKind::ALL.iter().find(|kind| kind.to_string() == *name);
    found.copied().with_context(|| format!("metadata flowlet.activation is {name}"))
}

/// Returns numbers that are in the range of `T`.
fn narrowed<T: TryFrom<i32, Error: std::fmt::Debug>>(values: &[i32]) -> Vec<T> {
    let narrow = |&value: &i32| T::try_from(value).expect("the quantizer keeps to the range");
    values.iter().map(narrow).collect()
}

/// Returns a row of weights of 4 bits, two in a byte: the one of the even input in the low bits.
fn pairs(row: &[i32]) -> Vec<u8> {
    let half = |weight: i32| (weight & 15) as u8;
    let byte = |pair: &[i32]| half(pair[0]) | half(pair.get(1).copied().unwrap_or(0)) << 4;
    row.chunks(2).map(byte).collect()
}

/// Returns the weights of 4 bits in a row of bytes.
fn halves(row: &[i32], inputs: usize) -> Vec<i32> {
    // The fourth bit is the sign.
    let signed = |half: i32| (half ^ 8) - 8;
    let both = row.iter().flat_map(|byte| [signed(byte & 15), signed(byte >> 4)]);
    both.take(inputs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_four_bits_come_back_from_their_bytes() {
        for inputs in [1, 2, 15, 16] {
            let row: Vec<i32> = (0..inputs).map(|k| k % 16 - 8).collect();
            let bytes: Vec<i32> = pairs(&row).into_iter().map(i32::from).collect();
            assert_eq!(bytes.len(), row.len().div_ceil(2));
            assert_eq!(halves(&bytes, row.len()), row);
        }
        assert_eq!(pairs(&[-8, 7, 1]), [0x78, 0x01]);
    }
}
