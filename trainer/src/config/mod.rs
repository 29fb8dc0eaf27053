//! What a run is: data, model, training, sampling and a seed, from a preset, a file, or flags.

mod keys;
mod preset;
pub mod schedule;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flowlet::Digest;
use serde::{Deserialize, Serialize};
use toml::Table;

use crate::config::schedule::Decay;
use crate::coupling::CouplingKind;
use crate::coupling::source::NORMAL;
use crate::data::Component;
use crate::data::times::Times;
use crate::disk::files;
use crate::model::description;

pub use preset::preset;

/// A whole run. The file that lies beside the weights has every value in it, and the same
/// configuration gives the same run.
///
/// Paths are relative to the directory in which the command runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Of all random numbers.
    pub seed: u64,
    /// `[data]`
    pub data: DataConfig,
    /// `[source]`
    pub source: SourceConfig,
    /// `[model]`
    pub model: ModelConfig,
    /// `[train]`
    pub train: TrainConfig,
    /// `[few_steps]`
    pub few_steps: FewStepsConfig,
    /// `[sample]`
    pub sample: SampleConfig,
}

/// What is learned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataConfig {
    /// The name of a known distribution, or a CSV, TSV, NPY or safetensors file.
    pub source: String,
    /// Data columns by name, number or range of numbers; without them, all that are no condition.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Condition columns of the same file. For a known distribution: `class`, or none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub condition: Vec<String>,
    /// Another file whose columns are all conditions, row by row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<PathBuf>,
    /// Numeric condition columns whose values are names of categories.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categorical: Vec<String>,
    /// Rows that agree in this column are held out together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The part of a file's rows that is kept from training, to judge the model by.
    pub holdout: f64,
    /// Whether data and numeric conditions are brought to mean 0 and standard deviation 1.
    pub standardize: bool,
    /// Whether rows with missing values are skipped, rather than refused.
    pub skip_invalid: bool,
    /// Whether constant data columns are refused, rather than warned of.
    pub strict: bool,
    /// A Gaussian mixture of one's own, under the source `mixture`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            source: String::new(),
            columns: None,
            condition: Vec::new(),
            conditions: None,
            categorical: Vec::new(),
            group: None,
            holdout: 0.1,
            standardize: true,
            skip_invalid: false,
            strict: false,
            components: Vec::new(),
        }
    }
}

/// Where paths begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceConfig {
    /// `normal`, or what `[data]` may name as its source; then in the units of the data.
    pub distribution: String,
    /// A Gaussian mixture of one's own, under the distribution `mixture`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self { distribution: NORMAL.to_string(), components: Vec::new() }
    }
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelConfig {
    /// `H`
    pub hidden_width: usize,
    /// Hidden-to-hidden layers, `L`.
    pub hidden_layers: usize,
    /// By its name in a model file.
    pub activation: String,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { hidden_width: 64, hidden_layers: 1, activation: "gelu".to_string() }
    }
}

/// The training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TrainConfig {
    /// Optimiser steps.
    pub iterations: usize,
    /// Samples a step.
    pub batch_size: usize,
    /// Adam's step length.
    pub learning_rate: f64,
    /// How it goes after its warm-up.
    pub schedule: Decay,
    /// Iterations in which it rises from 0.
    pub warmup: usize,
    /// AdamW's.
    pub weight_decay: f64,
    /// The longest gradient; 0 for none.
    pub gradient_clip: f64,
    /// The decay of the weights' moving average, which is what is exported; 0 for none.
    pub ema: f64,
    /// How noise and data are paired.
    pub coupling: CouplingKind,
    /// Points that are paired at once, if pairs are transported.
    pub transport_size: usize,
    /// C²OT's r: the smaller, the more numeric conditions keep pairs apart.
    pub condition_ratio: f64,
    /// Whether plain transport of a conditional model is meant.
    pub force_transport: bool,
    /// The distribution of the training times.
    pub time: Times,
    /// The part of conditions that are replaced by none, for guidance.
    pub label_dropout: f64,
    /// Seconds between two checkpoints.
    pub checkpoint_seconds: u64,
    /// `auto`, `cpu` or `cuda`.
    pub device: String,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            iterations: 10_000,
            batch_size: 256,
            learning_rate: 1e-3,
            schedule: Decay::Constant,
            warmup: 0,
            weight_decay: 0.0,
            gradient_clip: 0.0,
            ema: 0.0,
            coupling: CouplingKind::Independent,
            transport_size: 1024,
            condition_ratio: 0.05,
            force_transport: false,
            time: Times::Uniform,
            label_dropout: 0.0,
            checkpoint_seconds: 60,
            device: "auto".to_string(),
        }
    }
}

/// A student that does in few steps what a teacher does in many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FewStepsConfig {
    /// The student's steps; 0 for a flow without a student.
    pub steps: usize,
    /// The teacher's `H`.
    pub teacher_hidden_width: usize,
    /// The teacher's `L`.
    pub teacher_hidden_layers: usize,
    /// How much more the teacher's condition counts than it does by itself: guidance, folded into the
    /// student. 1 for as much; others need a label dropout.
    pub guidance: f32,
    /// Pairs that the teacher makes.
    pub pairs: usize,
    /// Optimiser steps on the teacher's pairs.
    pub iterations: usize,
    /// Pairs a step.
    pub batch_size: usize,
    /// Adam's step length on the teacher's pairs.
    pub learning_rate: f64,
    /// Optimiser steps on the data that the student's own endpoints are nearest to.
    pub own_iterations: usize,
    /// Adam's step length there.
    pub own_learning_rate: f64,
    /// Points that are paired at once there.
    pub transport_size: usize,
}

impl FewStepsConfig {
    /// Optimiser steps that bring the student's own endpoints to the data. None under guidance: what
    /// it teaches is not what the data are.
    pub fn own_iterations(&self) -> usize {
        if self.guidance == 1.0 { self.own_iterations } else { 0 }
    }
}

impl Default for FewStepsConfig {
    fn default() -> Self {
        Self {
            steps: 0,
            teacher_hidden_width: 128,
            teacher_hidden_layers: 2,
            guidance: 1.0,
            pairs: 200_000,
            iterations: 12_000,
            batch_size: 512,
            learning_rate: 2e-3,
            own_iterations: 4_000,
            own_learning_rate: 1e-3,
            transport_size: 2048,
        }
    }
}

/// The sampling that the model is made for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SampleConfig {
    /// Steps of the uniform Euler grid.
    pub steps: usize,
}

impl Default for SampleConfig {
    fn default() -> Self {
        Self { steps: 50 }
    }
}

impl Config {
    /// Reads a configuration file. What it leaves out is the preset's, if its data source is one,
    /// and the default otherwise.
    ///
    /// # Errors
    ///
    /// On a file that cannot be read, is no TOML, or has a key or a value that does not exist;
    /// the message names the file and the key.
    pub fn read(path: &Path) -> Result<Self> {
        let text = String::from_utf8(files::read(path)?).with_context(|| {
            format!("{}: expected a TOML file, found bytes that are no text", path.display())
        })?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    /// [`Self::read`] from a text.
    ///
    /// # Errors
    ///
    /// As there, without a file's name.
    pub fn parse(text: &str) -> Result<Self> {
        let table: Table = toml::from_str(text)?;
        keys::check(&table)?;
        // On its own first: its errors have lines, those of a merged table have none.
        let stated: Self = toml::from_str(text)?;
        let base = match preset(&stated.data.source) {
            Some(base) if stated.data.components.is_empty() => base,
            _ => Self::default(),
        };
        let mut merged = Table::try_from(&base)?;
        merge(&mut merged, table);
        Ok(merged.try_into()?)
    }

    /// A teacher by what makes paths straight, and a student that takes `steps` steps.
    pub fn take_few_steps(&mut self, steps: usize) {
        self.few_steps.steps = steps;
        let train = &mut self.train;
        train.coupling = CouplingKind::ConditionalTransport;
        train.schedule = Decay::Cosine;
        train.learning_rate = 2e-3;
        train.ema = 0.999;
    }

    /// The text of a file that says everything.
    ///
    /// # Errors
    ///
    /// None that a configuration could cause.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }

    /// The digest of everything that the configuration says, in hexadecimal: a model carries it, so
    /// that one can tell whether it was made by this configuration.
    ///
    /// # Errors
    ///
    /// As [`Self::to_toml`].
    pub fn digest(&self) -> Result<String> {
        let mut digest = Digest::new();
        digest.update_bytes(self.to_toml()?.as_bytes());
        Ok(format!("{:016x}", digest.value()))
    }

    /// The solver steps that the model is made for.
    pub fn steps(&self) -> usize {
        if self.few_steps.steps > 0 { self.few_steps.steps } else { self.sample.steps }
    }

    /// Refuses values that no run can have.
    ///
    /// # Errors
    ///
    /// On the first; the message says what is expected.
    pub fn check(&self) -> Result<()> {
        let Self { seed, data, source: _, model, train, few_steps, sample } = self;
        ensure!(
            i64::try_from(*seed).is_ok(),
            "seed is {seed}: expected at most {}, the largest number in TOML",
            i64::MAX
        );
        if data.source.is_empty() {
            bail!("no data: name a preset, a file, or `source` under [data]");
        }
        ensure!(
            (0.0..1.0).contains(&data.holdout),
            "holdout is {}: expected a part from 0 up to, but not, 1",
            data.holdout
        );
        ensure!(
            data.components.is_empty() || data.source == "mixture",
            "components describe the source \"mixture\", but the source is {:?}",
            data.source
        );
        for (name, value, most) in [
            ("hidden_width", model.hidden_width, 1 << 14),
            ("iterations", train.iterations, u32::MAX as usize),
            ("batch_size", train.batch_size, 1 << 24),
            ("transport_size", train.transport_size, 1 << 14),
            ("teacher_hidden_width", few_steps.teacher_hidden_width, 1 << 14),
            ("pairs", few_steps.pairs, 1 << 28),
            ("iterations of [few_steps]", few_steps.iterations, u32::MAX as usize),
            ("batch_size of [few_steps]", few_steps.batch_size, 1 << 24),
            ("transport_size of [few_steps]", few_steps.transport_size, 1 << 14),
        ] {
            ensure!(
                (1..=most).contains(&value),
                "{name} is {value}: expected at least 1 and at most {most}"
            );
        }
        for (name, layers) in [
            ("hidden_layers", model.hidden_layers),
            ("teacher_hidden_layers", few_steps.teacher_hidden_layers),
        ] {
            ensure!(layers <= 64, "{name} is {layers}: expected at most 64, as the runtime reads");
        }
        let transported = [
            ("batch_size", train.batch_size, train.coupling != CouplingKind::Independent),
            ("batch_size of [few_steps]", few_steps.batch_size, few_steps.steps > 0),
        ];
        for (name, size, transported) in transported {
            ensure!(
                !transported || size <= 1 << 14,
                "{name} is {size}: expected at most 16384, as many as are paired at once"
            );
        }
        description::activation(&model.activation)?;
        ensure!(
            train.learning_rate.is_finite() && train.learning_rate > 0.0,
            "learning_rate is {}: expected a number above 0",
            train.learning_rate
        );
        for (name, value) in [
            ("weight_decay", train.weight_decay),
            ("gradient_clip", train.gradient_clip),
            ("learning_rate of [few_steps]", few_steps.learning_rate),
            ("own_learning_rate", few_steps.own_learning_rate),
        ] {
            ensure!(
                value.is_finite() && value >= 0.0,
                "{name} is {value}: expected a number that is not below 0"
            );
        }
        for (name, value) in [
            ("ema", train.ema),
            ("label_dropout", train.label_dropout),
            ("condition_ratio", train.condition_ratio),
        ] {
            ensure!(
                (0.0..1.0).contains(&value),
                "{name} is {value}: expected a number from 0 up to, but not, 1"
            );
        }
        ensure!(
            few_steps.guidance.is_finite(),
            "guidance is {}: expected a number",
            few_steps.guidance
        );
        ensure!(
            few_steps.guidance == 1.0 || train.label_dropout > 0.0,
            "guidance is {}, but label_dropout is 0: a teacher that always had its condition cannot do \
             without",
            few_steps.guidance
        );
        ensure!(
            train.warmup <= train.iterations,
            "warmup is {}: expected at most the {} iterations",
            train.warmup,
            train.iterations
        );
        // The golden file has every step of its paths.
        ensure!(
            sample.steps.max(few_steps.steps) <= MOST_STEPS,
            "steps is {}: expected at most {MOST_STEPS} of a model to be trained",
            sample.steps.max(few_steps.steps)
        );
        check_steps(sample.steps)
    }
}

/// Steps that a model may be made for, at most.
const MOST_STEPS: usize = 10_000;

/// Refuses a number of steps that no grid can have.
///
/// # Errors
///
/// When it is 0 or beyond 2²⁴.
pub fn check_steps(steps: usize) -> Result<()> {
    ensure!(
        (1..=1 << 24).contains(&steps),
        "steps is {steps}: expected at least 1 and at most 16777216"
    );
    Ok(())
}

/// Lays `over` on `base`, table by table.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_states_only_what_differs_from_its_preset() {
        let config = Config::parse("seed = 3\n[data]\nsource = \"mixture\"\n").unwrap();
        let expected = Config { seed: 3, ..preset("mixture").unwrap() };
        assert_eq!(config, expected);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut config = preset("8gaussians").unwrap();
        config.data.source = "mixture".into();
        config.data.components = vec![Component { weight: 1.0, mean: vec![0.5], std: vec![2.0] }];
        config.data.group = Some("episode".into());
        assert_eq!(Config::parse(&config.to_toml().unwrap()).unwrap(), config);
    }

    #[test]
    fn every_preset_passes_its_own_check() {
        for name in crate::data::PRESETS {
            preset(name).unwrap().check().unwrap();
        }
    }

    #[test]
    fn a_value_of_the_wrong_type_is_named_with_its_line() {
        let error = Config::parse("[train]\niterations = \"many\"\n").unwrap_err().to_string();
        assert!(error.contains("iterations") && error.contains('2'), "{error}");
    }

    #[test]
    fn impossible_values_are_refused_by_name() {
        for (text, name) in [
            ("[data]\nsource = \"moons\"\nholdout = 1.0", "holdout"),
            ("[data]\nsource = \"moons\"\n[model]\nactivation = \"sin\"", "sin"),
            ("seed = 3\n[data]\nsource = \"moons\"\n[train]\niterations = 0", "iterations is 0"),
            ("[data]\nsource = \"moons\"\n[model]\nhidden_width = 100000", "at most 16384"),
            ("[data]\nsource = \"moons\"\n[sample]\nsteps = 0", "steps"),
            ("[data]\nsource = \"moons\"\n[train]\nlearning_rate = -1.0", "learning_rate"),
            ("", "no data"),
        ] {
            let error = Config::parse(text).unwrap().check().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
