//! Imports networks of other conventions: finds their layers, and writes them in the runtime's convention.
//!
//! | module | contents |
//! |---|---|
//! | `names` | the names of tensors in PyTorch, Flax, Equinox and Keras |
//! | `refusal` | what a tensor belongs to that the runtime does not compute |
//! | `layers` | the linear layers of a network, in order |
//! | `orientation` | whether weights are `[outputs][inputs]` or transposed |
//! | `dense` | a layer's numbers |
//! | `columns` | the order of the input columns, and the convention of time |
//! | `widths` | hidden layers of unequal width |
//! | `identity` | a network whose output is a sample, as one whose output is a velocity |

mod columns;
mod dense;
mod identity;
mod layers;
mod names;
mod orientation;
mod refusal;
mod widths;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use flowlet::{ActivationKind, SolverKind};

use crate::data::ConditionColumn;
use crate::disk::quote::shortened;
use crate::disk::tensor_file::{Block, TensorFile};
use crate::model::Model;
use crate::model::description::Description;
use crate::model::state_dict::array::Array;
use crate::model::state_dict::{self, StateDict};
use crate::network::Shape;
use columns::Columns;
use layers::Choice;

pub use columns::Time;

/// The convention of a network's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Convention {
    /// The dictionary in a checkpoint. If `None`, there must be only one with tensors.
    pub entry: Option<String>,
    /// The part of the tensors' names before the layers' numbers. If `None`, all layers must have the same one.
    pub prefix: Option<String>,
    /// The names of the layers, in order. If empty, the layers are found by their numbers.
    pub layers: Vec<String>,
    /// Whether weights are `[inputs][outputs]`. If `None`, shapes and names tell it.
    pub transposed: Option<bool>,
    /// The order of the input columns: `t`, `x` and, for a network with conditions, `c`.
    pub columns: Vec<String>,
    /// The time that the network is given.
    pub time: Time,
    /// Whether the output is a sample, of a network without `t`. Otherwise it is a velocity.
    pub gives_samples: bool,
    /// The activation between its layers.
    pub activation: ActivationKind,
    /// The names of the tensors with the mean and the scale of the data.
    pub units: Option<[String; 2]>,
    /// The names of the data columns, then those of the conditions. Empty if unknown.
    pub names: Vec<String>,
}

impl Convention {
    /// The convention of a network with these input columns and this activation, and flowlet's in everything else.
    pub fn new(columns: &[&str], activation: ActivationKind) -> Self {
        Self {
            entry: None,
            prefix: None,
            layers: Vec::new(),
            transposed: None,
            columns: columns.iter().map(|name| (*name).to_string()).collect(),
            time: Time::default(),
            gives_samples: false,
            activation,
            units: None,
            names: Vec::new(),
        }
    }
}

/// An imported network.
#[derive(Clone, Debug)]
pub struct Imported {
    /// A model file that computes the same.
    pub file: TensorFile,
    /// Its sizes.
    pub shape: Shape,
    /// What was found in the file or done to the network, for the user.
    pub notes: Vec<String>,
}

/// Reads a network (`.safetensors`, `.npz`, or what `torch.save` wrote). Returns a model file that computes the same.
///
/// # Errors
///
/// Returns an error if the network is not a chain of linear layers, as the runtime needs, or does not fit the
/// convention. The message names the tensor.
pub fn import(path: &Path, convention: &Convention) -> Result<Imported> {
    let found = state_dict::read(path, convention.entry.as_deref())?;
    convert(found, convention).with_context(|| path.display().to_string())
}

fn convert(found: StateDict, convention: &Convention) -> Result<Imported> {
    let mut notes: Vec<String> =
        found.entry.iter().map(|entry| format!("read from {entry}")).collect();
    let mut tensors = found.tensors;
    let units =
        convention.units.as_ref().map(|units| take_units(&mut tensors, units)).transpose()?;
    let choice = Choice { prefix: convention.prefix.as_deref(), layers: &convention.layers };
    let layers = layers::find(&tensors, choice)?;
    let transposed = orientation::transposed(&layers, convention.transposed, found.by_pytorch)?;
    if transposed {
        notes.push("weights transposed, since they are [inputs, outputs]".to_string());
    }
    let mut layers = dense::chain(&layers, transposed, &mut notes)?;
    let data_dim = layers[layers.len() - 1].outputs();
    let columns =
        Columns::new(&convention.columns, layers[0].inputs(), data_dim).map_err(|error| {
            error.context(format!("{} has {} inputs", layers[0].name, layers[0].inputs()))
        })?;
    columns.reorder(&mut layers[0]);
    convention.time.fold(&mut layers, columns.has_time)?;
    if let Some(note) = widths::equalize(&mut layers)? {
        notes.push(note);
    }
    if convention.gives_samples {
        ensure!(
            !columns.has_time,
            "--output sample: expected a network without t, which maps noise to a sample in one step; --columns names t"
        );
        identity::subtract(&mut layers, data_dim, convention.activation)?;
    }
    if columns.conditions > 0 && convention.names.len() <= data_dim {
        notes.push(format!(
            "{} inputs beside {}the {data_dim} data columns are taken as conditions: --names names them. If \
             they are features of the time, the model is wrong",
            columns.conditions,
            if columns.has_time { "t and " } else { "" }
        ));
    }
    let shape = Shape {
        data_dim,
        condition_dim: columns.conditions,
        hidden_width: layers[0].outputs(),
        hidden_layers: layers.len() - 2,
        activation: convention.activation,
    };
    let mut description = named(&convention.names, shape)?;
    let mut file = TensorFile::default();
    if !columns.has_time {
        notes.push("one step of Euler's method, since the network is given no time".to_string());
        (description.solver, description.steps) = (Some(SolverKind::Euler), Some(1));
        file.tensors.insert("grid".to_string(), Block::f32(&[2], &[0.0, 1.0]));
    }
    for (name, values) in units.into_iter().flatten() {
        let values = spread(values, data_dim)
            .with_context(|| format!("tensor {name} of the data's units"))?;
        file.tensors.insert(name.to_string(), Block::f32(&[data_dim], &values));
    }
    for (k, layer) in layers.iter().enumerate() {
        let [weight, bias] = layer.blocks();
        file.tensors.insert(format!("net.{}.weight", 2 * k), weight);
        file.tensors.insert(format!("net.{}.bias", 2 * k), bias);
    }
    description.check_size(shape)?;
    file.metadata = description.to_metadata(shape)?;
    // Checks that the runtime reads the file.
    Model::parse(&file.to_bytes()?, "".into())?;
    Ok(Imported { file, shape, notes })
}

/// The name in a model's file and the numbers of a part of the data's units.
type Unit = (&'static str, Vec<f32>);

/// Removes the mean and the scale of the data from `tensors`.
fn take_units(tensors: &mut Vec<(String, Array)>, names: &[String; 2]) -> Result<[Unit; 2]> {
    let mut take = |option: &str, wanted: &String| -> Result<Vec<f32>> {
        let at = tensors.iter().position(|(name, _)| name == wanted).with_context(|| {
            format!("{option}: the file has no tensor called {}", shortened(wanted))
        })?;
        let (name, array) = tensors.remove(at);
        Ok(array.numbers(&name)?.iter().map(|&value| value as f32).collect())
    };
    let (mean, scale) = (take("--mean", &names[0])?, take("--scale", &names[1])?);
    ensure!(
        scale.iter().all(|&scale| scale > 0.0),
        "--scale {}: expected positive numbers, the deviations by which the data were divided",
        shortened(&names[1])
    );
    Ok([("data.mean", mean), ("data.scale", scale)])
}

/// Returns a number for each of `columns`: those given, or the only one given.
fn spread(values: Vec<f32>, columns: usize) -> Result<Vec<f32>> {
    if let [only] = values[..] {
        return Ok(vec![only; columns]);
    }
    ensure!(
        values.len() == columns,
        "expected 1 number, or one for each of the {columns} data columns, found {}",
        values.len()
    );
    Ok(values)
}

/// Returns a description with the names of `--names`: the data columns, then the conditions.
fn named(names: &[String], shape: Shape) -> Result<Description> {
    let (data, conditions) = (shape.data_dim, shape.condition_dim);
    ensure!(
        names.is_empty() || names.len() == data || names.len() == data + conditions,
        "--names: expected {data} names of data columns{}, found {}",
        if conditions > 0 {
            format!(", or {data} of data columns and {conditions} of conditions")
        } else {
            String::new()
        },
        names.len()
    );
    let mut sorted: Vec<&String> = names.iter().collect();
    sorted.sort();
    if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        anyhow::bail!("--names: {} is given twice", shortened(twice[0]));
    }
    let (data, conditions) = names.split_at(data.min(names.len()));
    let condition = |name: &String| ConditionColumn { name: name.clone(), categories: None };
    Ok(Description {
        data_columns: data.to_vec(),
        conditions: conditions.iter().map(condition).collect(),
        ..Description::default()
    })
}
