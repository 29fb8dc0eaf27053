//! Opens an integer model's file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flowlet::SolverKind;
use flowlet::fixed::{HeapColumns, HeapMlp, HeapSolver};

use super::columns;
use super::integer::IntegerModel;
use super::numbers::floats;
use super::reference::{STATE_BITS, TIME_BITS, uniform};
use super::sampling;
use crate::data::Matrix;
use crate::disk::input;
use crate::disk::tensor_file::{Block, TensorFile};
use crate::model::description::is_integer;
use crate::model::{Choice, Model, locate};

/// An opened model file: of floats or of whole numbers.
#[derive(Debug)]
pub enum AnyModel {
    /// A float model.
    Float(Box<Model>),
    /// An integer model.
    Integer(Box<IntegerFile>),
}

/// An opened file of an integer model.
#[derive(Debug)]
pub struct IntegerFile {
    /// Its tensors and metadata.
    pub file: TensorFile,
    /// The model.
    pub model: IntegerModel,
    /// The same model, as the runtime reads it.
    pub mlp: HeapMlp,
    /// What the data columns can hold.
    pub columns: HeapColumns,
    /// The same numbers as floats: for the names, the units, the source and the sizes. Its path and size are those of
    /// the integer model's file.
    pub floats: Model,
}

impl AnyModel {
    /// Opens the model file `path`, or the model in the run's directory `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no model, it is damaged, or the runtime cannot read it.
    pub fn open(path: &Path) -> Result<Self> {
        let path = locate(path)?;
        let bytes = input::read(&path)?;
        let integer = TensorFile::parse(&bytes).is_ok_and(|file| is_integer(&file));
        let context = || path.display().to_string();
        if integer {
            let file = IntegerFile::parse(&bytes, path.clone()).with_context(context)?;
            return Ok(Self::Integer(Box::new(file)));
        }
        Ok(Self::Float(Box::new(Model::parse(&bytes, path.clone()).with_context(context)?)))
    }

    /// The model in floats.
    pub fn floats(&self) -> &Model {
        match self {
            Self::Float(model) => model,
            Self::Integer(file) => &file.floats,
        }
    }
}

impl IntegerFile {
    /// Parses the bytes of an integer model's file. `path` is only stored.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is damaged, or the runtime cannot read it.
    pub fn parse(bytes: &[u8], path: PathBuf) -> Result<Self> {
        // The runtime's parser comes first: it must accept the file, and its errors name the tensor.
        let mlp = HeapMlp::try_from_safetensors(bytes)?;
        let file = TensorFile::parse(bytes)?;
        let model = IntegerModel::from_file(&file)?;
        let columns = HeapColumns::try_from_safetensors(bytes)?;
        let mut tensors = float_tensors(&model);
        tensors.extend(columns::to_floats(&columns, mlp.data_bits()));
        let same = TensorFile { tensors, metadata: file.metadata.clone() };
        let mut floats = Model::parse(&same.to_bytes()?, path)?;
        floats.bytes = bytes.len();
        Ok(Self { file, model, mlp, columns, floats })
    }

    /// Returns samples in data units, `[n, D]`, as [`Model::sample`].
    pub fn sample(&self, solver: &HeapSolver, x_0: &Matrix, c: &Matrix) -> Matrix {
        sampling::sample_within(&self.mlp, &self.columns, solver, x_0, c)
    }

    /// Returns the solver `kind` with `steps` steps, as [`Model::solver`] chooses it.
    ///
    /// # Errors
    ///
    /// Returns an error if the number of steps is 0 or above 2²⁴.
    pub fn solver(&self, kind: Option<SolverKind>, steps: Option<usize>) -> Result<HeapSolver> {
        let Choice { kind, steps, own } = self.floats.choice(kind, steps)?;
        match &self.model.grid {
            Some(times) if own => Ok(HeapSolver::try_from_times(kind, times)?),
            _ => Ok(HeapSolver::try_uniform(kind, steps.try_into()?)?),
        }
    }

    /// Returns the times of the steps that the model was made for, by the reference's arithmetic.
    pub fn own_times(&self) -> Vec<i32> {
        self.model.grid.clone().unwrap_or_else(|| uniform(self.floats.own_steps()))
    }

    /// Whether the file has a time grid that is not uniform.
    pub fn has_grid_of_its_own(&self) -> bool {
        self.model.grid.as_ref().is_some_and(|times| *times != uniform(times.len() - 1))
    }
}

/// Returns the tensors of the float model that has a model's numbers.
fn float_tensors(model: &IntegerModel) -> BTreeMap<String, Block> {
    let mut tensors = BTreeMap::new();
    let mut insert = |name: &str, shape: &[usize], values: &[f32]| {
        tensors.insert(name.to_string(), Block::f32(shape, values));
    };
    for (k, layer) in model.layers.iter().enumerate() {
        let (inputs, sums) = (model.input_bits(k), model.sum_bits(k));
        let scale = |bits: i32| 2.0_f64.powi(-bits);
        let rows = layer.weight.chunks_exact(inputs.len()).zip(&sums);
        let weight = rows.flat_map(|(row, &sum)| {
            row.iter().zip(&inputs).map(move |(&weight, &bits)| {
                (f64::from(weight) * scale(sum - i32::from(bits))) as f32
            })
        });
        let weight: Vec<f32> = weight.collect();
        let biases = layer.bias.iter().zip(&layer.shift).zip(&sums);
        let bias = biases.map(|((&bias, &shift), &sum)| {
            let half = if shift > 0 { 2.0_f64.powi(i32::from(shift) - 1) } else { 0.0 };
            ((f64::from(bias) - half) * scale(sum)) as f32
        });
        let bias: Vec<f32> = bias.collect();
        insert(&format!("net.{}.weight", 2 * k), &[bias.len(), inputs.len()], &weight);
        insert(&format!("net.{}.bias", 2 * k), &[bias.len()], &bias);
    }
    let units = &model.data_units;
    let bits = i32::from(units.bits);
    let columns = [units.mean.len()];
    insert("data.mean", &columns, &floats(&units.mean, bits));
    let scales = units.scale.iter().zip(&units.shift);
    let scales = scales.map(|(&scale, &shift)| {
        (f64::from(scale) * 2.0_f64.powi(STATE_BITS - i32::from(shift) - bits)) as f32
    });
    insert("data.scale", &columns, &scales.collect::<Vec<_>>());
    let units = &model.condition_units;
    if !units.mean.is_empty() {
        let (columns, bits) = ([units.mean.len()], i32::from(units.bits));
        insert("condition.mean", &columns, &floats(&units.mean, bits));
        let scales = units.scale.iter().zip(&units.shift).map(|(&scale, &shift)| {
            let power = i32::from(shift) + i32::from(model.condition_bits) - bits;
            (2.0_f64.powi(power) / f64::from(scale)) as f32
        });
        insert("condition.scale", &columns, &scales.collect::<Vec<_>>());
    }
    if let Some(times) = &model.grid {
        insert("grid", &[times.len()], &floats(times, TIME_BITS));
    }
    tensors
}
