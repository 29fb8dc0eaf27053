//! Imports state dicts of other conventions: reorders columns, renames tensors, writes metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use candle_core::{DType, Device, Tensor};
use flowlet::ActivationKind;

use crate::disk::quote::listed;
use crate::disk::tensor_file::{Block, TensorFile};
use crate::model::Model;
use crate::model::description::Description;
use crate::model::state_dict;
use crate::network::Shape;

/// The convention of a state dict.
#[derive(Clone, Debug, PartialEq)]
pub struct Convention {
    /// The order of the input columns: `t`, `x` and, for a model with conditions, `c`.
    pub columns: Vec<String>,
    /// The activation between its layers.
    pub activation: ActivationKind,
    /// The part of the tensor names before `.{number}.weight`. If `None`, all layers must have the same one.
    pub prefix: Option<String>,
}

/// A linear layer: `weight` is `[outputs][inputs]`, `bias` is `[outputs]`.
struct Linear {
    name: String,
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn inputs(&self) -> usize {
        self.weight.dims()[1]
    }

    fn outputs(&self) -> usize {
        self.weight.dims()[0]
    }
}

/// Reads a state dict (`.safetensors`, `.pt` or `.pth`). Returns a model file that computes the same
/// network, and its sizes.
///
/// # Errors
///
/// Returns an error if the file is not a chain of linear layers with hidden layers of equal width, as the
/// runtime needs. The message names the tensor.
pub fn import(path: &Path, convention: &Convention) -> Result<(TensorFile, Shape)> {
    convert(state_dict::read(path)?, convention).with_context(|| path.display().to_string())
}

fn convert(
    mut tensors: BTreeMap<String, Tensor>,
    convention: &Convention,
) -> Result<(TensorFile, Shape)> {
    let mut layers = linear_layers(&mut tensors, convention.prefix.as_deref())?;
    check_rest(&tensors, convention.prefix.as_deref())?;
    let (Some(first), Some(last)) = (layers.first(), layers.last()) else {
        bail!("found no linear layers");
    };
    let (inputs, hidden_width, data_dim) = (first.inputs(), first.outputs(), last.outputs());
    ensure!(layers.len() >= 2, "expected at least 2 linear layers, found {}", layers.len());
    for pair in layers.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        ensure!(
            before.outputs() == hidden_width && after.inputs() == hidden_width,
            "layers do not fit together: {} has {} outputs, {} has {} inputs; the runtime needs hidden \
             layers of equal width",
            before.name,
            before.outputs(),
            after.name,
            after.inputs()
        );
    }
    let Some(condition_dim) = inputs.checked_sub(1 + data_dim) else {
        bail!(
            "{} has {inputs} inputs: expected at least {}, for t and the {data_dim} data columns",
            first.name,
            1 + data_dim
        );
    };
    let shape = Shape {
        data_dim,
        condition_dim,
        hidden_width,
        hidden_layers: layers.len() - 2,
        activation: convention.activation,
    };
    let order = column_order(&convention.columns, data_dim, condition_dim)?;
    layers[0].weight = layers[0].weight.index_select(&order, 1)?;

    let mut file = TensorFile {
        metadata: Description::default().to_metadata(shape)?,
        ..TensorFile::default()
    };
    for (k, Linear { weight, bias, .. }) in layers.iter().enumerate() {
        for (kind, tensor) in [("weight", weight), ("bias", bias)] {
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            file.tensors
                .insert(format!("net.{}.{kind}", 2 * k), Block::f32(tensor.dims(), &values));
        }
    }
    // Checks that the runtime reads the file.
    Model::parse(&file.to_bytes()?, "".into())?;
    Ok((file, shape))
}

/// Removes the linear layers with `prefix` from `tensors`, and returns them in the order of their numbers.
fn linear_layers(
    tensors: &mut BTreeMap<String, Tensor>,
    prefix: Option<&str>,
) -> Result<Vec<Linear>> {
    let numbered: Vec<(String, usize)> =
        tensors.keys().filter_map(|name| split_name(name)).collect();
    let prefixes: BTreeSet<&str> = numbered.iter().map(|(prefix, _)| prefix.as_str()).collect();
    let all = || listed(&prefixes.iter().copied().collect::<Vec<_>>());
    let prefix = match (prefix, prefixes.first(), prefixes.len()) {
        (Some(given), ..) if prefixes.contains(given) => given,
        (Some(given), ..) => {
            bail!("found no layers with the prefix {given:?}: expected one of {}", all())
        }
        (None, Some(only), 1) => only,
        (None, None, _) => bail!(
            "found no tensor called PREFIX.NUMBER.weight: expected a Sequential of linear layers"
        ),
        _ => bail!("found layers with several prefixes: choose one with --prefix: {}", all()),
    };
    let numbers: BTreeSet<usize> =
        numbered.iter().filter(|(found, _)| found == prefix).map(|(_, number)| *number).collect();
    let mut take = |name: &str, rank: usize| -> Result<Tensor> {
        let tensor = tensors.remove(name).with_context(|| {
            format!(
                "tensor {name} is missing: the runtime needs linear layers with weight and bias"
            )
        })?;
        ensure!(
            tensor.rank() == rank,
            "tensor {name} has shape {:?}: expected {rank} dimensions; the runtime supports only \
             linear layers, no normalisation or convolution",
            tensor.dims()
        );
        Ok(tensor.to_dtype(DType::F32)?)
    };
    numbers
        .into_iter()
        .map(|number| {
            let name =
                if prefix.is_empty() { number.to_string() } else { format!("{prefix}.{number}") };
            let weight = take(&format!("{name}.weight"), 2)?;
            let bias = take(&format!("{name}.bias"), 1)?;
            ensure!(
                bias.dims()[0] == weight.dims()[0],
                "{name}: its weight has {} outputs, but its bias has {}",
                weight.dims()[0],
                bias.dims()[0]
            );
            Ok(Linear { name, weight, bias })
        })
        .collect()
}

/// Returns an error if tensors are left that are not part of the layers, since the network may use them.
/// With a chosen `prefix`, tensors with other prefixes are ignored.
fn check_rest(rest: &BTreeMap<String, Tensor>, prefix: Option<&str>) -> Result<()> {
    let inside = |name: &&String| match prefix {
        Some(prefix) => name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.')),
        None => true,
    };
    if let Some(name) = rest.keys().find(inside) {
        bail!(
            "tensor {name} is not part of a Sequential of linear layers; the runtime supports nothing else. \
             If the velocity does not depend on it, choose the layers with --prefix, or leave it out \
             of the file"
        );
    }
    Ok(())
}

/// Splits a tensor's name: `model.net.4.weight` gives `("model.net", 4)`.
fn split_name(name: &str) -> Option<(String, usize)> {
    let rest = name.strip_suffix(".weight").or(name.strip_suffix(".bias"))?;
    let (prefix, number) = rest.rsplit_once('.').unwrap_or(("", rest));
    Some((prefix.to_string(), number.parse().ok()?))
}

/// Returns the index of the input column in the state dict for each input column of the runtime, which are
/// `t`, `x` and `c` in this order.
fn column_order(columns: &[String], data_dim: usize, condition_dim: usize) -> Result<Tensor> {
    let mut starts = BTreeMap::new();
    let mut at: usize = 0;
    for name in columns {
        let width = match name.as_str() {
            "t" => 1,
            "x" => data_dim,
            "c" => condition_dim,
            _ => bail!("--columns: expected t, x or c, found {name:?}"),
        };
        ensure!(starts.insert(name.as_str(), at).is_none(), "--columns: {name} is given twice");
        at += width;
    }
    let start = |name: &str, width: usize| match starts.get(name) {
        Some(&start) => Ok(start),
        None if width == 0 => Ok(0),
        None => bail!("--columns: {name} is missing, but the network has {width} such columns"),
    };
    let order: Vec<u32> = [("t", 1), ("x", data_dim), ("c", condition_dim)]
        .into_iter()
        .map(|(name, width)| Ok(start(name, width)?..start(name, width)? + width))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .map(|column| column as u32)
        .collect();
    Ok(Tensor::new(order, &Device::Cpu)?)
}
