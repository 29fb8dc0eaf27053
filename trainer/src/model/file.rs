//! A model file: written from a trained network, or opened by the user.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use candle_core::Device;
use flowlet::{HeapMlp, HeapSolver, SolverKind};

use crate::config::words::check_steps;
use crate::coupling::dataset::Units;
use crate::coupling::source::Source;
use crate::data::{ConditionColumn, Standardization, default_conditions, default_names, preset};
use crate::disk::files;
use crate::disk::names::MODEL_FILE;
use crate::disk::tensor_file::{Block, TensorFile};
use crate::model::description::{Description, states_its_convention};
use crate::model::self_test::affine;
use crate::network::{Network, Shape};

/// A model as its file has it.
#[derive(Clone, Debug)]
pub struct Model {
    /// Where it was read from.
    pub path: PathBuf,
    /// The size of the file in bytes.
    pub bytes: usize,
    /// Its tensors and metadata.
    pub file: TensorFile,
    /// The runtime's view of it.
    pub mlp: HeapMlp,
    /// What the file says of itself.
    pub description: Description,
    /// The times of the steps that it was made for, `[N + 1]`.
    pub grid: Option<Vec<f32>>,
    /// Whether the file says how its columns are ordered; if not, an assumption was made.
    pub states_its_convention: bool,
}

impl Model {
    /// Opens a file, or the model in a run's directory.
    ///
    /// # Errors
    ///
    /// When there is none, or it is damaged, or no model that the runtime takes.
    pub fn open(path: &Path) -> Result<Self> {
        let path = if path.is_dir() {
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
        };
        let bytes = files::read(&path)?;
        Self::parse(&bytes, path.clone()).with_context(|| path.display().to_string())
    }

    /// [`Self::open`] for bytes that were read already.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn parse(bytes: &[u8], path: PathBuf) -> Result<Self> {
        // The runtime's parser first: its errors name the tensor, and it is the one that must
        // accept the file.
        let mlp = HeapMlp::try_from_safetensors(bytes)?;
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
        Ok(Self { path, bytes: bytes.len(), file, mlp, description, grid, states_its_convention })
    }

    /// The sizes and the activation.
    pub fn shape(&self) -> Shape {
        sizes(&self.mlp)
    }

    /// The solver that the model was made for, on the grid that its file has; or the one asked for,
    /// on a uniform grid: what is asked for and is not the model's own has no other. A model that
    /// does not say is made for Euler's method in 50 steps.
    ///
    /// # Errors
    ///
    /// On 0 steps.
    pub fn solver(&self, kind: Option<SolverKind>, steps: Option<usize>) -> Result<HeapSolver> {
        let (own_kind, own_steps) = (self.solver_kind(), self.description.steps.unwrap_or(50));
        let (kind, steps) = (kind.unwrap_or(own_kind), steps.unwrap_or(own_steps));
        check_steps(steps)?;
        match &self.grid {
            Some(times) if (kind, steps) == (own_kind, own_steps) => {
                Ok(HeapSolver::on_grid(kind, times)?)
            }
            _ => Ok(HeapSolver::uniform(kind, steps.try_into()?)),
        }
    }

    /// The method that the model was made for.
    pub fn solver_kind(&self) -> SolverKind {
        self.description.solver.unwrap_or(SolverKind::Euler)
    }

    /// Whether the model was made for steps of other than equal lengths.
    ///
    /// # Errors
    ///
    /// None that an opened model could cause.
    pub fn has_grid_of_its_own(&self) -> Result<bool> {
        let Some(times) = &self.grid else { return Ok(false) };
        let uniform = HeapSolver::uniform(self.solver_kind(), (times.len() - 1).try_into()?);
        Ok(!uniform.times().eq(times.iter().copied()))
    }

    /// The units of its data: what flow units are times and plus.
    ///
    /// # Errors
    ///
    /// When the file's tensors are no 32-bit floats.
    pub fn data_units(&self) -> Result<Standardization> {
        let (mean, scale) = affine(&self.file, "data", self.mlp.data_dim())?;
        Ok(Standardization { mean, scale })
    }

    /// The units of its data and conditions.
    ///
    /// # Errors
    ///
    /// When the file's tensors are no 32-bit floats.
    pub fn units(&self) -> Result<Units> {
        let (mean, scale) = affine(&self.file, "condition", self.mlp.condition_dim())?;
        Ok(Units { data: self.data_units()?, condition: Standardization { mean, scale } })
    }

    /// The names of its data columns.
    pub fn data_columns(&self) -> Vec<String> {
        match self.description.data_columns.as_slice() {
            [] => default_names(self.mlp.data_dim()),
            names => names.to_vec(),
        }
    }

    /// Its conditions as the user named them, or as plain numbers if the file does not say.
    pub fn condition_columns(&self) -> Vec<ConditionColumn> {
        match self.description.conditions.as_slice() {
            [] => default_conditions(self.mlp.condition_dim()),
            columns => columns.to_vec(),
        }
    }

    /// Where its paths begin.
    ///
    /// # Errors
    ///
    /// When that is neither noise nor a preset: such points are not in the file.
    pub fn source(&self) -> Result<Source> {
        let Some(name) = &self.description.source else { return Ok(Source::Normal) };
        let distribution = preset(name).with_context(|| {
            format!("the model's paths begin at data from {name}: give starting points with --x0")
        })?;
        Source::known(distribution, &self.data_units()?)
    }

    /// The same network on candle's tensors.
    ///
    /// # Errors
    ///
    /// candle's.
    pub fn network(&self) -> Result<Network> {
        let tensors = self
            .file
            .tensors
            .iter()
            .filter(|(name, _)| name.starts_with("net."))
            .map(|(name, block)| {
                let tensor =
                    candle_core::Tensor::from_vec(block.to_f32()?, block.shape(), &Device::Cpu)?;
                Ok((name.clone(), tensor))
            })
            .collect::<Result<_>>()?;
        Network::from_tensors(self.shape(), &tensors)
    }
}

/// Refuses times that are no grid from 0 to 1.
///
/// # Errors
///
/// On the first that is wrong.
pub fn check_grid(times: &[f32]) -> Result<()> {
    HeapSolver::on_grid(SolverKind::Euler, times)?;
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

/// The file of a trained network: its tensors in the order and under the names of the contract,
/// the units, the grid and the metadata.
///
/// # Errors
///
/// candle's, when the weights cannot be read back from the device.
pub fn export(network: &Network, units: &Units, description: &Description) -> Result<TensorFile> {
    let mut tensors = std::collections::BTreeMap::new();
    for (name, tensor) in network.tensors() {
        let values = tensor.flatten_all()?.to_vec1::<f32>()?;
        tensors.insert(name, Block::f32(tensor.dims(), &values));
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
