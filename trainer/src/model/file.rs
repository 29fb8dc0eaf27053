//! Opens a model file, and exports a trained network as one.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use flowlet::{HeapColumns, HeapMlp, HeapSolver, SolverKind};

use crate::config::words::check_steps;
use crate::coupling::dataset::Units;
use crate::coupling::source::Source;
use crate::data::categories::Category;
use crate::data::kinds::Kinds;
use crate::data::{
    ConditionColumn, Matrix, Standardization, default_conditions, default_names, preset,
};
use crate::disk::input;
use crate::disk::names::MODEL_FILE;
use crate::disk::run_directory::find;
use crate::disk::tensor_file::{Block, TensorFile};
use crate::model::description::{Description, is_integer, states_its_convention};
use crate::model::self_test::affine;
use crate::network::{Network, Shape};
use crate::solve::sampling;

/// The tensors of what the data columns can hold: the kinds, and the two bounds.
pub const COLUMN_TENSORS: [&str; 3] = ["columns.kind", "columns.least", "columns.most"];

/// An opened model file.
#[derive(Clone, Debug)]
pub struct Model {
    /// The path of the file.
    pub path: PathBuf,
    /// The size of the file in bytes.
    pub bytes: usize,
    /// Its tensors and metadata.
    pub file: TensorFile,
    /// The same model, as the runtime reads it.
    pub mlp: HeapMlp,
    /// What the data columns can hold.
    pub columns: HeapColumns,
    /// The file's metadata.
    pub description: Description,
    /// The times of the steps that it was made for, `[N + 1]`.
    pub grid: Option<Vec<f32>>,
    /// Whether the file defines the order of its input columns. If not, it is read by
    /// [`ASSUMPTION`](crate::model::description::ASSUMPTION).
    pub states_its_convention: bool,
}

/// A method and a number of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The method.
    pub kind: SolverKind,
    /// The number of steps.
    pub steps: usize,
    /// Whether both are those that the model was made for, so that its time grid is used.
    pub own: bool,
}

impl Model {
    /// Opens the model file `path`, or the model in the run's directory `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no model, it is damaged, or the runtime cannot read it.
    pub fn open(path: &Path) -> Result<Self> {
        let path = locate(path)?;
        let bytes = input::read(&path)?;
        Self::parse(&bytes, path.clone()).with_context(|| path.display().to_string())
    }

    /// Parses the bytes of a model file. `path` is only stored.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is damaged, or the runtime cannot read it.
    pub fn parse(bytes: &[u8], path: PathBuf) -> Result<Self> {
        // The runtime's parser comes first: it must accept the file, and its errors name the tensor.
        let mlp = HeapMlp::try_from_safetensors(bytes).map_err(|error| {
            match TensorFile::parse(bytes) {
                Ok(file) if is_integer(&file) => anyhow!(
                    "an integer model, as `flowlet quantize` writes it: expected the float model that it was made of"
                ),
                Ok(file) if !file.tensors.contains_key("net.0.weight") => anyhow!(
                    "{error}. If it is a network of another program, `flowlet import FILE --out model.safetensors` makes \
                     a model of it"
                ),
                Err(_) if is_foreign(bytes) => anyhow!(
                    "expected a model file, found one of PyTorch, numpy or Keras: `flowlet import FILE --out \
                     model.safetensors` makes a model of a network"
                ),
                _ => error.into(),
            }
        })?;
        let file = TensorFile::parse(bytes)?;
        let mut description = Description::from_metadata(&file.metadata)?;
        let shape = sizes(&mlp);
        description.check(shape)?;
        let grid = file.tensors.get("grid").map(|grid| grid.to_f32()).transpose()?;
        if let Some(times) = &grid {
            check_grid(times).context("tensor grid")?;
            let steps = times.len() - 1;
            ensure!(
                description.steps.is_none_or(|stated| stated == steps),
                "metadata flowlet.steps contradicts the tensor grid, which has {steps} steps"
            );
            description.steps = Some(steps);
        }
        let states_its_convention = states_its_convention(&file.metadata);
        let columns = HeapColumns::try_from_safetensors(bytes)?;
        let bytes = bytes.len();
        Ok(Self { path, bytes, file, mlp, columns, description, grid, states_its_convention })
    }

    /// Returns the sizes and the activation.
    pub fn shape(&self) -> Shape {
        sizes(&self.mlp)
    }

    /// Returns the solver `kind` with `steps` steps. An argument that is `None` gets the value that the model
    /// was made for, or Euler and 50 if its file does not define it. If both are the model's own, the
    /// solver uses the time grid of the file, otherwise a uniform grid.
    ///
    /// # Errors
    ///
    /// Returns an error if the number of steps is 0 or above 2²⁴.
    pub fn solver(&self, kind: Option<SolverKind>, steps: Option<usize>) -> Result<HeapSolver> {
        let Choice { kind, steps, own } = self.choice(kind, steps)?;
        match &self.grid {
            Some(times) if own => Ok(HeapSolver::try_from_times(kind, times)?),
            _ => Ok(HeapSolver::try_uniform(kind, steps.try_into()?)?),
        }
    }

    /// Chooses the method and the number of steps as [`Self::solver`] does.
    ///
    /// # Errors
    ///
    /// Returns an error if the number of steps is 0 or above 2²⁴.
    pub fn choice(&self, kind: Option<SolverKind>, steps: Option<usize>) -> Result<Choice> {
        let own = (self.solver_kind(), self.own_steps());
        let (kind, steps) = (kind.unwrap_or(own.0), steps.unwrap_or(own.1));
        check_steps(steps)?;
        Ok(Choice { kind, steps, own: (kind, steps) == own })
    }

    /// Returns samples in data units, `[n, D]`, with the kinds of the columns applied. Row k starts at row k of `x_0`
    /// (`[n, D]`, flow units), under row k of `c` (`[n, C]`, the user's units).
    pub fn sample(&self, solver: &HeapSolver, x_0: &Matrix, c: &Matrix) -> Matrix {
        let mut x = sampling::sample(&self.mlp, solver, x_0, c).into_values();
        self.columns.apply(&mut x);
        Matrix::new(x, x_0.rows(), x_0.columns())
    }

    /// Whether guidance makes sense: the network has conditions, and was not trained with them always there.
    pub fn takes_guidance(&self) -> bool {
        self.mlp.condition_dim() > 0 && self.description.label_dropout != Some(0.0)
    }

    /// Returns the number of steps that the model was made for, or 50 if its file does not define it.
    pub fn own_steps(&self) -> usize {
        self.description.steps.unwrap_or(50)
    }

    /// Returns the method that the model was made for, or Euler if its file does not define it.
    pub fn solver_kind(&self) -> SolverKind {
        self.description.solver.unwrap_or(SolverKind::Euler)
    }

    /// Whether the file has a time grid that is not uniform.
    ///
    /// # Errors
    ///
    /// Returns an error if the grid has no steps, which does not occur for an opened model.
    pub fn has_grid_of_its_own(&self) -> Result<bool> {
        let Some(times) = &self.grid else { return Ok(false) };
        let uniform = HeapSolver::uniform(self.solver_kind(), (times.len() - 1).try_into()?);
        Ok(!uniform.times().eq(times.iter().copied()))
    }

    /// Returns the units of the data, `[D]`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file's tensors are not 32-bit floats.
    pub fn data_units(&self) -> Result<Standardization> {
        let (mean, scale) = affine(&self.file, "data", self.mlp.data_dim())?;
        Ok(Standardization { mean, scale })
    }

    /// Returns the units of the data, `[D]`, and of the conditions, `[C]`.
    ///
    /// # Errors
    ///
    /// Returns an error if the file's tensors are not 32-bit floats.
    pub fn units(&self) -> Result<Units> {
        let (mean, scale) = affine(&self.file, "condition", self.mlp.condition_dim())?;
        Ok(Units { data: self.data_units()?, condition: Standardization { mean, scale } })
    }

    /// Returns the names of the data columns, or default names if the file has none.
    pub fn data_columns(&self) -> Vec<String> {
        match self.description.data_columns.as_slice() {
            [] => default_names(self.mlp.data_dim()),
            names => names.to_vec(),
        }
    }

    /// Returns the categories of the data.
    pub fn categories(&self) -> Vec<Category> {
        Category::all(&self.data_columns(), self.columns.kinds())
    }

    /// Returns the condition columns, or numbers with default names if the file does not define them.
    pub fn condition_columns(&self) -> Vec<ConditionColumn> {
        match self.description.conditions.as_slice() {
            [] => default_conditions(self.mlp.condition_dim()),
            columns => columns.to_vec(),
        }
    }

    /// Returns the source distribution, from which starting points are drawn.
    ///
    /// # Errors
    ///
    /// Returns an error if the source is a data file or a mixture of the user's own, since the model file holds
    /// neither.
    pub fn source(&self) -> Result<Source> {
        let Some(name) = &self.description.source else { return Ok(Source::Normal) };
        let distribution = preset(name).with_context(|| {
            format!(
                "the model's starting points are from {name}, which the model's file does not hold"
            )
        })?;
        Source::known(distribution, &self.data_units()?)
    }

    /// Returns the network, for training or for candle.
    ///
    /// # Errors
    ///
    /// When a tensor is missing or has another shape than the metadata say.
    pub fn network(&self) -> Result<Network> {
        Network::from_tensors(self.shape(), &self.file.tensors)
    }
}

/// Whether a file begins as those that other programs keep networks in: a zip archive (PyTorch, numpy, Keras), a pickle
/// (PyTorch before 1.6), HDF5 (Keras), or an array of numpy. A pickle's first bytes may also be the length of a model
/// file's header, whose `{` then follows.
fn is_foreign(bytes: &[u8]) -> bool {
    [&b"PK\x03\x04"[..], b"\x80\x02", b"\x80\x04", b"\x89HDF", b"\x93NUMPY"]
        .iter()
        .any(|start| bytes.starts_with(start))
        && bytes.get(8) != Some(&b'{')
}

/// Returns the path of a model's file: `path` itself, or that in the run's directory `path`.
///
/// # Errors
///
/// Returns an error if there is none.
pub fn locate(path: &Path) -> Result<PathBuf> {
    // The run may have no name for a moment, if it is being replaced or the replacement was cut off.
    if !path.exists() {
        find(path)?;
        path.parent().filter(|_| path.ends_with(MODEL_FILE)).map_or(Ok(()), find)?;
    }
    Ok(if path.is_dir() {
        let file = path.join(MODEL_FILE);
        if !file.exists() {
            bail!(
                "the directory {} has no {MODEL_FILE}: expected a run's directory or a model file",
                path.display()
            );
        }
        file
    } else {
        path.to_path_buf()
    })
}

/// Checks that `times` is a grid that rises from 0 to 1.
///
/// # Errors
///
/// Returns an error for the first time that is wrong.
pub fn check_grid(times: &[f32]) -> Result<()> {
    HeapSolver::try_from_times(SolverKind::Euler, times)?;
    let (first, last) = (times[0], times[times.len() - 1]);
    ensure!(first == 0.0 && last == 1.0, "expected times from 0 to 1, found {first} to {last}");
    Ok(())
}

fn sizes(mlp: &HeapMlp) -> Shape {
    Shape {
        data_dim: mlp.data_dim(),
        condition_dim: mlp.condition_dim(),
        hidden_width: mlp.hidden_width(),
        hidden_layers: mlp.hidden_layers(),
        activation: mlp.activation(),
    }
}

/// Returns the model file of a trained network: its tensors under the names that the runtime reads, the
/// units, a uniform time grid and the metadata.
///
/// # Errors
///
/// When the description does not fit the network.
pub fn export(network: &Network, units: &Units, description: &Description) -> Result<TensorFile> {
    let mut tensors = std::collections::BTreeMap::new();
    for (name, shape, values) in network.shape().split(network.weights()) {
        tensors.insert(name, Block::f32(&shape, values));
    }
    for (name, affine) in [("data", &units.data), ("condition", &units.condition)] {
        if !affine.is_identity() {
            let shape = [affine.mean.len()];
            tensors.insert(format!("{name}.mean"), Block::f32(&shape, &affine.mean));
            tensors.insert(format!("{name}.scale"), Block::f32(&shape, &affine.scale));
        }
    }
    if let Some(steps) = description.steps {
        let kind = description.solver.unwrap_or(SolverKind::Euler);
        let times: Vec<f32> = HeapSolver::uniform(kind, steps.try_into()?).times().collect();
        tensors.insert("grid".to_string(), Block::f32(&[times.len()], &times));
    }
    Ok(TensorFile { tensors, metadata: description.to_metadata(network.shape())? })
}

/// Adds to a model's file what its data columns can hold.
pub fn add_kinds(file: &mut TensorFile, kinds: &Kinds) {
    let columns = kinds.columns();
    if columns.is_empty() {
        return;
    }
    let kind = columns.iter().map(|kind| match kind.category {
        0 if kind.whole => 1.0,
        category => f32::from(category),
    });
    let least = columns.iter().map(|kind| kind.least);
    let most = columns.iter().map(|kind| kind.most);
    let values: [Vec<f32>; 3] = [kind.collect(), least.collect(), most.collect()];
    for (name, values) in COLUMN_TENSORS.into_iter().zip(values) {
        file.tensors.insert(name.to_string(), Block::f32(&[columns.len()], &values));
    }
}
