//! The options of a run. Each field is the only definition of its option. The field's name is the key in a
//! configuration file, its documentation is the help text of the flag, and [`Default`] has its default. A
//! field with `#[arg(skip)]` has no flag.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::ArgAction;
use flowlet::ActivationKind;
use serde::{Deserialize, Serialize};

use super::list::List;
use super::schedule::Decay;
use super::words::{CouplingKind, DeviceKind, Keep, NORMAL, activation_name, activation_parser};
use crate::data::kinds::{Bounds, KindOptions};
use crate::data::table_options::{Decimal, Index, Separator, TableOptions};
use crate::data::times::Times;
use crate::data::{Component, Windows};

/// The whole configuration of a run. Each run's directory holds it as a file with every value. The same
/// configuration and data give the same run.
///
/// File names are relative to the current directory. In a configuration file they are relative to its folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
pub struct Config {
    /// Seed of all random numbers: the same seed gives the same model, to the byte
    #[arg(long, value_name = "SEED")]
    pub seed: u64,
    /// `[data]`
    #[command(flatten)]
    pub data: DataConfig,
    /// `[source]`
    #[command(flatten)]
    pub source: SourceConfig,
    /// `[model]`
    #[command(flatten)]
    pub model: ModelConfig,
    /// `[train]`
    #[command(flatten)]
    pub train: TrainConfig,
    /// `[few_steps]`
    #[command(flatten)]
    pub few_steps: FewStepsConfig,
    /// `[sample]`
    #[command(flatten)]
    pub sample: SampleConfig,
}

/// Names of columns.
pub type Columns = Vec<String>;

/// The data that the model learns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Data")]
pub struct DataConfig {
    /// The name of a known distribution, or a data file
    #[arg(skip)]
    pub source: String,
    /// The digest of the rows that a run read from files, in its `config.toml`. Commands that read the run's data
    /// refuse other rows. A new run on the configuration ignores it
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Data columns by name, number or range of numbers; by default all columns that have no other use
    #[arg(skip)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// Condition columns of the data file; text becomes one-hot. For a preset: `class`
    #[arg(long, value_name = "COLUMNS", value_parser = columns)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub condition: Columns,
    /// Another file with a row of conditions for each row of data; all its columns are conditions
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<PathBuf>,
    /// Columns whose values are categories. A data column may hold text or numbers; each sample gets one of its values.
    /// Condition columns of text are categories without this flag
    #[arg(long, value_name = "COLUMNS", value_parser = columns)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub categorical: Columns,
    /// Column of groups, such as episodes: rows of one group are held out together. Or a file of one column, with the group
    /// of each row
    #[arg(long, value_name = "COLUMN|FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Trajectories: each row is K frames of an episode, the data of a policy that plans K actions; the episodes are the
    /// groups of --group. 0 is off
    #[arg(long, value_name = "K")]
    pub window: usize,
    /// Frames from the beginning of a window to that of the next
    #[arg(long, value_name = "S")]
    pub stride: usize,
    /// Frames whose conditions a window has: its first one, and M - 1 before it. An episode's first frame is repeated where
    /// there is none before it
    #[arg(long, value_name = "M")]
    pub history: usize,
    /// Share of a file's rows that is held out from training, to judge the model
    #[arg(long, value_name = "SHARE")]
    pub holdout: f64,
    /// Scale data and numeric conditions to mean 0 and standard deviation 1; `--standardize=false` keeps
    /// their units, as the preset mixture does
    #[arg(
        long,
        value_name = "BOOL",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub standardize: bool,
    /// Skip and count rows with missing or non-finite values, instead of refusing them
    #[arg(
        long,
        value_name = "BOOL",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub skip_invalid: bool,
    /// Refuse constant data columns, instead of warning about them
    #[arg(
        long,
        value_name = "BOOL",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub strict: bool,
    /// What to do with a nameless first column of row numbers, as pandas writes it
    #[arg(long, value_enum, value_name = "WHAT")]
    pub index: Index,
    /// What separates the cells of text files [default: found out]
    #[arg(long, value_enum, value_name = "CHARACTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<Separator>,
    /// Decimal sign of text files [default: found out]
    #[arg(long, value_enum, value_name = "CHARACTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<Decimal>,
    /// Data columns of whole numbers: samples are rounded, and kept within the data's range
    #[arg(long, value_name = "COLUMNS", value_parser = columns)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub integer: Columns,
    /// Bounds of a data column, which samples keep: share=0,1 or price=0, (several times for several columns)
    #[arg(long, value_name = "COLUMN=LEAST,MOST")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bounds: Vec<Bounds>,
    /// Data columns above 0: samples are at least the smallest value in the data
    #[arg(long, value_name = "COLUMNS", value_parser = columns)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub positive: Columns,
    /// A Gaussian mixture of the user's own; `source` is `mixture`
    #[arg(skip)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

impl DataConfig {
    /// Returns the columns that are categories of the data: those of the data file that are no conditions.
    pub fn categories_of_data(&self) -> Vec<String> {
        // Windows have their columns once for each frame, and no categories but those of conditions.
        let others = self.conditions.is_some() || self.window > 0;
        let is_condition = |name: &&String| others || self.condition.contains(name);
        self.categorical.iter().filter(|name| !is_condition(name)).cloned().collect()
    }

    /// Returns what the data columns can hold.
    pub fn kinds(&self) -> KindOptions<'_> {
        let Self { integer, bounds, positive, .. } = self;
        KindOptions { integer, bounds, positive }
    }

    /// Returns how windows are cut from trajectories, if the data are such.
    pub fn windows(&self) -> Option<Windows> {
        let Self { window: length, stride, history, .. } = *self;
        (length > 0).then_some(Windows { length, stride, history })
    }

    /// Returns how the run's tables are read.
    pub fn table(&self) -> TableOptions {
        TableOptions { separator: self.separator, decimal: self.decimal }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            source: String::new(),
            digest: None,
            columns: None,
            condition: Vec::new(),
            conditions: None,
            categorical: Vec::new(),
            group: None,
            window: 0,
            stride: 1,
            history: 1,
            holdout: 0.1,
            standardize: true,
            skip_invalid: false,
            strict: false,
            index: Index::Drop,
            separator: None,
            decimal: None,
            integer: Vec::new(),
            bounds: Vec::new(),
            positive: Vec::new(),
            components: Vec::new(),
        }
    }
}

/// The source distribution, where paths start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Data")]
pub struct SourceConfig {
    /// Distribution of the starting points: normal, a preset, or a data file in the units of the data
    #[arg(long = "source", value_name = "NAME|FILE")]
    pub distribution: String,
    /// A Gaussian mixture of the user's own; `distribution` is `mixture`
    #[arg(skip)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Component>,
}

impl Default for SourceConfig {
    fn default() -> Self {
        Self { distribution: NORMAL.to_string(), components: Vec::new() }
    }
}

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Model")]
pub struct ModelConfig {
    /// Units in each hidden layer, H [default: by --size for data from files, else 64]
    #[arg(long, value_name = "H")]
    pub hidden_width: usize,
    /// Hidden-to-hidden layers, L [default: by --size for data from files, else 1]
    #[arg(long, value_name = "L")]
    pub hidden_layers: usize,
    /// Activation of the hidden units
    #[arg(long, value_name = "NAME", value_parser = activation_parser())]
    #[serde(with = "activation_name")]
    pub activation: ActivationKind,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self { hidden_width: 64, hidden_layers: 1, activation: ActivationKind::Gelu }
    }
}

/// The training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Training")]
pub struct TrainConfig {
    /// Optimiser steps [default: by --size for data from files, else 10000]
    #[arg(long, value_name = "N")]
    pub iterations: usize,
    /// Pairs of noise and data in each step
    #[arg(long, value_name = "N")]
    pub batch_size: usize,
    /// Learning rate of Adam [default: by --size for data from files, else 0.001]
    #[arg(long, value_name = "RATE")]
    pub learning_rate: f64,
    /// Learning rate after the warm-up [default: cosine for data from files, constant for presets]
    #[arg(long, value_enum, value_name = "NAME")]
    pub schedule: Decay,
    /// Iterations in which the learning rate rises from 0
    #[arg(long, value_name = "N")]
    pub warmup: usize,
    /// Weight decay of AdamW
    #[arg(long, value_name = "RATE")]
    pub weight_decay: f64,
    /// Largest norm of the gradient: longer ones are scaled down to it; 0 is off
    #[arg(long, value_name = "NORM")]
    pub gradient_clip: f64,
    /// Decay of the weights' moving average, which is exported in their place; 0 is off [default: 0.999]
    #[arg(long, value_name = "DECAY")]
    pub ema: f64,
    /// The weights that become the model [default: best for data from files, last for presets]
    #[arg(long, value_enum, value_name = "NAME")]
    pub keep: Keep,
    /// How noise and data are paired
    #[arg(long, value_enum, value_name = "NAME")]
    pub coupling: CouplingKind,
    /// Points that one optimal transport pairs
    #[arg(long, value_name = "N")]
    pub transport_size: usize,
    /// Target ratio r of C²OT: the smaller it is, the closer the numeric conditions of a pair must agree
    #[arg(long, value_name = "R")]
    pub condition_ratio: f64,
    /// Allow `--coupling transport` for a conditional model
    #[arg(
        long,
        value_name = "BOOL",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true"
    )]
    pub force_transport: bool,
    /// Distribution of the training times: uniform, logit-normal, logit-normal:MEAN,STD or
    /// beta:ALPHA,BETA
    #[arg(long, value_name = "NAME")]
    pub time: Times,
    /// Share of conditions that are replaced by zeros in training, which guidance needs
    #[arg(long, value_name = "SHARE")]
    pub label_dropout: f64,
    /// Seconds between two checkpoints
    #[arg(long, value_name = "SECONDS")]
    pub checkpoint_seconds: u64,
    /// Device that trains
    #[arg(long, value_enum, value_name = "NAME")]
    pub device: DeviceKind,
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
            keep: Keep::Last,
            coupling: CouplingKind::Independent,
            transport_size: 1024,
            condition_ratio: 0.05,
            force_transport: false,
            time: Times::Uniform,
            label_dropout: 0.0,
            checkpoint_seconds: 60,
            device: DeviceKind::Cpu,
        }
    }
}

/// A student that reaches in few steps the endpoints that a teacher reaches in many.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Few steps")]
pub struct FewStepsConfig {
    /// Train a teacher with optimal transport, then a student that needs only N steps; 0 is off. Unless
    /// TARGET is a configuration file, the teacher has its own defaults: `--coupling conditional-transport
    /// --schedule cosine --learning-rate 0.002 --ema 0.999`
    #[arg(long = "few-steps", id = "few_steps", value_name = "N")]
    pub steps: usize,
    /// Units in each hidden layer of the teacher
    #[arg(long, value_name = "H")]
    pub teacher_hidden_width: usize,
    /// Hidden-to-hidden layers of the teacher
    #[arg(long, value_name = "L")]
    pub teacher_hidden_layers: usize,
    /// Classifier-free guidance weight of the teacher, which the student learns; 1 is off. Other weights need
    /// a label dropout above 0
    #[arg(skip)]
    pub guidance: f32,
    /// Learn from a teacher of your own, made by any program: FILE has its starting points x_0, which are standard
    /// normal noise, its samples x_1 and, if there are any, the conditions c. The student takes --few-steps steps
    /// [default: 1]; --iterations, --batch-size and --learning-rate are then the student's. Where TARGET names data
    /// too, the student's samples are then matched to them
    #[arg(long, value_name = "FILE")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pairs: Option<PathBuf>,
    /// Columns of --pairs that hold the starting points, as many as --x-1 [default: x_0]
    #[arg(long = "x-0", value_name = "COLUMNS", value_parser = columns)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub x_0: Columns,
    /// Columns of --pairs that hold the samples, in the units of the data [default: x_1]
    #[arg(long = "x-1", value_name = "COLUMNS", value_parser = columns)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub x_1: Columns,
    /// Number of pairs (starting point and endpoint) that the run's own teacher computes
    #[arg(skip)]
    pub teacher_samples: usize,
    /// Optimiser steps on the teacher's pairs
    #[arg(skip)]
    pub iterations: usize,
    /// Pairs in each step
    #[arg(skip)]
    pub batch_size: usize,
    /// Learning rate of Adam on the teacher's pairs
    #[arg(skip)]
    pub learning_rate: f64,
    /// Optimiser steps that pair the student's own endpoints with data
    #[arg(skip)]
    pub own_iterations: usize,
    /// Learning rate of Adam in these steps
    #[arg(skip)]
    pub own_learning_rate: f64,
    /// Points that one optimal transport pairs in these steps
    #[arg(skip)]
    pub transport_size: usize,
}

impl Default for FewStepsConfig {
    fn default() -> Self {
        Self {
            steps: 0,
            teacher_hidden_width: 128,
            teacher_hidden_layers: 2,
            guidance: 1.0,
            pairs: None,
            x_0: Vec::new(),
            x_1: Vec::new(),
            teacher_samples: 200_000,
            iterations: 12_000,
            batch_size: 512,
            learning_rate: 2e-3,
            own_iterations: 4_000,
            own_learning_rate: 1e-3,
            transport_size: 2048,
        }
    }
}

/// The solver steps that the model is made for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, clap::Args)]
#[serde(default)]
#[command(next_help_heading = "Sampling")]
pub struct SampleConfig {
    /// Euler steps that the model is made for and judged with
    #[arg(long, value_name = "N")]
    pub steps: usize,
}

impl Default for SampleConfig {
    fn default() -> Self {
        Self { steps: 50 }
    }
}

/// The decay of the moving average that is the default for all runs but the article's. It halves the spread of a
/// model's quality over seeds, and more.
const EMA: f64 = 0.999;

impl Config {
    /// The defaults, with averaged weights.
    pub(super) fn averaged() -> Self {
        let mut config = Self::default();
        config.train.ema = EMA;
        config
    }

    /// Turns on training of a student with `steps` steps, and sets the teacher's options to values that make
    /// its paths straight.
    pub fn take_few_steps(&mut self, steps: usize) {
        self.few_steps.steps = steps;
        let train = &mut self.train;
        train.coupling = CouplingKind::ConditionalTransport;
        train.schedule = Decay::Cosine;
        train.learning_rate = 2e-3;
        train.ema = EMA;
    }

    /// Returns the number of optimiser steps that pair the student's own endpoints with data. It is 0 without data,
    /// and with guidance, since guided samples are not distributed like the data.
    pub fn own_iterations(&self) -> usize {
        let matched = self.has_data() && self.few_steps.guidance == 1.0;
        if matched { self.few_steps.own_iterations } else { 0 }
    }

    /// Whether there are data. Without them, the pairs of another teacher are all that the model learns from.
    pub fn has_data(&self) -> bool {
        !self.data.source.is_empty()
    }

    /// Returns the number of solver steps that the model is made for.
    pub fn steps(&self) -> usize {
        if self.few_steps.steps > 0 { self.few_steps.steps } else { self.sample.steps }
    }
}

fn columns(text: &str) -> Result<Columns, Infallible> {
    text.parse().map(|List(names)| names)
}
