//! The description of a model in its file: the `__metadata__`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use flowlet::{MAX_HEADER, SolverKind};
use safetensors::tensor::Dtype;

use crate::config::words::{DeviceKind, check_steps, solver};
use crate::data::ConditionColumn;
use crate::disk::quote::quoted;
use crate::disk::tensor_file::TensorFile;
use crate::network::Shape;

/// The version of the file format that this crate writes.
const FORMAT: &str = "1";

/// The most bytes that one tensor takes in a file's header.
const TENSOR: usize = 160;

/// The most tensors of a file besides the weights and biases: units, the grid, the self-test.
const OTHER_TENSORS: usize = 20;

/// The most axes of an array in numpy.
const MOST_AXES: usize = 64;

/// The name of the default source distribution.
const NOISE: &str = "standard normal";

/// The metadata of a model, without its sizes, which the runtime reads itself. All of it is optional in a
/// file. What is absent is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Description {
    /// The solver that the model was made for.
    pub solver: Option<SolverKind>,
    /// The number of solver steps that the model was made for.
    pub steps: Option<usize>,
    /// The source distribution, as the configuration names it. `None` for the standard normal distribution.
    pub source: Option<String>,
    /// The names of the data columns, `[D]`. Empty if unknown.
    pub data_columns: Vec<String>,
    /// The shape of a row of data, if it is an array of several axes. Its product is D.
    pub data_shape: Option<Vec<usize>>,
    /// The user's condition columns. One-hot ones take several of the `C` columns.
    pub conditions: Vec<ConditionColumn>,
    /// The share of conditions that were dropped in training: 0 if guidance does not work. `None` if unknown, or without
    /// conditions.
    pub label_dropout: Option<f64>,
    /// The least and the largest value of each of [`Self::conditions`] in the training rows; `None` for categories.
    /// Empty if unknown, or if there is no number.
    pub condition_ranges: Vec<Option<[f32; 2]>>,
    /// The iteration whose weights were kept, if they were chosen by the held-out loss.
    pub kept_iteration: Option<usize>,
    /// The training seed.
    pub seed: Option<u64>,
    /// The digest of the resolved configuration, in hexadecimal.
    pub config: Option<String>,
    /// The device that trained the model. `None` for the CPU.
    pub device: Option<DeviceKind>,
}

impl Description {
    /// Returns the metadata of a model file.
    ///
    /// # Errors
    ///
    /// Returns the error of writing names as JSON, which does not occur for strings.
    pub fn to_metadata(&self, shape: Shape) -> Result<BTreeMap<String, String>> {
        let mut pairs = vec![
            ("format", FORMAT.to_string()),
            ("data_dim", shape.data_dim.to_string()),
            ("condition_dim", shape.condition_dim.to_string()),
            ("hidden_width", shape.hidden_width.to_string()),
            ("hidden_layers", shape.hidden_layers.to_string()),
            ("activation", shape.activation.to_string()),
            ("source", self.source.clone().unwrap_or_else(|| NOISE.to_string())),
            ("trainer", concat!("flowlet-trainer ", env!("CARGO_PKG_VERSION")).to_string()),
        ];
        if let Some(solver) = self.solver {
            pairs.push(("solver", solver.to_string()));
        }
        if let Some(steps) = self.steps {
            pairs.push(("steps", steps.to_string()));
        }
        if !self.data_columns.is_empty() {
            pairs.push(("data_columns", serde_json::to_string(&self.data_columns)?));
        }
        if let Some(shape) = &self.data_shape {
            pairs.push(("data_shape", serde_json::to_string(shape)?));
        }
        if !self.conditions.is_empty() {
            pairs.push(("conditions", serde_json::to_string(&self.conditions)?));
        }
        if let Some(dropout) = self.label_dropout {
            pairs.push(("label_dropout", dropout.to_string()));
        }
        if !self.condition_ranges.is_empty() {
            pairs.push(("condition_ranges", serde_json::to_string(&self.condition_ranges)?));
        }
        if let Some(iteration) = self.kept_iteration {
            pairs.push(("kept_iteration", iteration.to_string()));
        }
        if let Some(seed) = self.seed {
            pairs.push(("seed", seed.to_string()));
        }
        if let Some(config) = &self.config {
            pairs.push(("config", config.clone()));
        }
        if let Some(device) = self.device {
            pairs.push(("device", device.name().to_string()));
        }
        Ok(pairs.into_iter().map(|(key, value)| (format!("flowlet.{key}"), value)).collect())
    }

    /// Checks that a model of `shape` with this description will be a file that the runtime reads: that its names are
    /// not too long.
    ///
    /// # Errors
    ///
    /// Returns an error with the size of the header and the most that it may have.
    pub fn check_size(&self, shape: Shape) -> Result<()> {
        let tensors = TENSOR * (2 * (shape.hidden_layers + 2) + OTHER_TENSORS);
        let names = serde_json::to_string(&self.to_metadata(shape)?)?.len();
        let most = MAX_HEADER as usize - tensors;
        ensure!(
            names <= most,
            "the names of the columns and categories take {names} bytes in the header of the model's file, expected at \
             most {most}: choose shorter names, fewer columns or fewer categories"
        );
        Ok(())
    }

    /// Parses the metadata of a model file.
    ///
    /// # Errors
    ///
    /// Returns an error that names the key if a value is not valid.
    pub fn from_metadata(metadata: &BTreeMap<String, String>) -> Result<Self> {
        let get = |key: &str| metadata.get(&format!("flowlet.{key}"));
        let context =
            |key: &str, value: &str| format!("metadata flowlet.{key} is {}", quoted(value));
        Ok(Self {
            solver: get("solver")
                .map(|value| solver(value).with_context(|| context("solver", value)))
                .transpose()?,
            source: get("source").filter(|source| *source != NOISE).cloned(),
            steps: get("steps")
                .map(|value| value.parse().with_context(|| context("steps", value)))
                .transpose()?,
            data_columns: get("data_columns")
                .map(|value| {
                    serde_json::from_str(value).with_context(|| context("data_columns", value))
                })
                .transpose()?
                .unwrap_or_default(),
            data_shape: get("data_shape")
                .map(|value| {
                    serde_json::from_str(value).with_context(|| context("data_shape", value))
                })
                .transpose()?,
            conditions: get("conditions")
                .map(|value| {
                    serde_json::from_str(value).with_context(|| context("conditions", value))
                })
                .transpose()?
                .unwrap_or_default(),
            condition_ranges: get("condition_ranges")
                .map(|value| {
                    serde_json::from_str(value).with_context(|| context("condition_ranges", value))
                })
                .transpose()?
                .unwrap_or_default(),
            seed: get("seed")
                .map(|value| value.parse().with_context(|| context("seed", value)))
                .transpose()?,
            label_dropout: get("label_dropout")
                .map(|value| value.parse().with_context(|| context("label_dropout", value)))
                .transpose()?,
            kept_iteration: get("kept_iteration")
                .map(|value| value.parse().with_context(|| context("kept_iteration", value)))
                .transpose()?,
            config: get("config").cloned(),
            device: get("device")
                .map(|value| DeviceKind::from_name(value).with_context(|| context("device", value)))
                .transpose()?,
        })
    }
}

impl Description {
    /// Checks that the description agrees with the model's sizes.
    ///
    /// # Errors
    ///
    /// Returns an error for the first contradiction. The message names the key.
    pub fn check(&self, shape: Shape) -> Result<()> {
        let columns = self.data_columns.len();
        ensure!(
            columns == 0 || columns == shape.data_dim,
            "metadata flowlet.data_columns: expected {} names, found {columns}",
            shape.data_dim
        );
        let lengths = self.data_shape.iter().flatten();
        let product = lengths.fold(1_usize, |product, &length| product.saturating_mul(length));
        ensure!(
            self.data_shape
                .as_ref()
                .is_none_or(|axes| axes.len() < MOST_AXES && product == shape.data_dim),
            "metadata flowlet.data_shape: expected lengths whose product is {}, found {:?}",
            shape.data_dim,
            self.data_shape.as_deref().unwrap_or_default()
        );
        let width: usize = self.conditions.iter().map(ConditionColumn::width).sum();
        ensure!(
            self.conditions.is_empty() || width == shape.condition_dim,
            "metadata flowlet.conditions: expected {} columns in all, found {width}",
            shape.condition_dim
        );
        for ConditionColumn { name, categories } in &self.conditions {
            let names = categories.iter().flatten().collect::<BTreeSet<_>>();
            ensure!(
                categories.as_ref().is_none_or(|all| !all.is_empty() && all.len() == names.len()),
                "metadata flowlet.conditions: expected distinct categories for {name}, at least one"
            );
        }
        let ranges = self.condition_ranges.len();
        ensure!(
            ranges == 0 || ranges == self.conditions.len(),
            "metadata flowlet.condition_ranges: expected {} ranges, found {ranges}",
            self.conditions.len()
        );
        if let Some(steps) = self.steps {
            check_steps(steps).context("metadata flowlet.steps")?;
        }
        Ok(())
    }
}

/// Whether the metadata of a file define the order of its input columns and its activation.
pub fn states_its_convention(metadata: &BTreeMap<String, String>) -> bool {
    metadata.contains_key("flowlet.format")
}

/// The metadata key of the integer contract's version, in the file of an integer model.
pub const INTEGER_KEY: &str = "flowlet.integer";

/// Whether a file holds an integer model.
pub fn is_integer(file: &TensorFile) -> bool {
    file.metadata.contains_key(INTEGER_KEY)
        || file.tensors.get("net.0.weight").is_some_and(|weight| weight.dtype() == Dtype::I16)
}

/// The convention that is assumed for a file without metadata.
pub const ASSUMPTION: &str = "input columns t, x, c; exact GELU; t from 0 (noise) to 1 (data)";

#[cfg(test)]
mod tests {
    use super::*;
    use flowlet::ActivationKind;

    #[test]
    fn ranges_of_conditions_are_kept_and_must_fit_the_conditions() {
        let shape = Shape {
            data_dim: 1,
            condition_dim: 1,
            hidden_width: 4,
            hidden_layers: 0,
            activation: ActivationKind::Gelu,
        };
        let own = Description {
            conditions: crate::data::default_conditions(1),
            condition_ranges: vec![Some([-0.1, 7.25e20])],
            ..Description::default()
        };
        let metadata = own.to_metadata(shape).unwrap();
        assert_eq!(Description::from_metadata(&metadata).unwrap(), own);
        own.check(shape).unwrap();
        let two = Description { condition_ranges: vec![None, None], ..own };
        let error = two.check(shape).unwrap_err().to_string();
        assert!(error.contains("condition_ranges: expected 1 ranges, found 2"), "{error}");
    }

    #[test]
    fn the_device_is_in_the_metadata_unless_it_is_the_cpu() {
        let shape = Shape {
            data_dim: 1,
            condition_dim: 0,
            hidden_width: 4,
            hidden_layers: 0,
            activation: ActivationKind::Gelu,
        };
        let cpu = Description::default();
        assert!(!cpu.to_metadata(shape).unwrap().contains_key("flowlet.device"));
        let cuda = Description { device: Some(DeviceKind::Cuda), ..cpu };
        let metadata = cuda.to_metadata(shape).unwrap();
        assert_eq!(metadata["flowlet.device"], "cuda");
        assert_eq!(Description::from_metadata(&metadata).unwrap(), cuda);
        let other = BTreeMap::from([("flowlet.device".to_string(), "abacus".to_string())]);
        let error = Description::from_metadata(&other).unwrap_err();
        assert!(format!("{error:#}").contains("expected one of auto, cpu, cuda"), "{error:#}");
    }
}
