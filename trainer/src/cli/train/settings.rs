//! What a run is to be, by a target and by flags.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::cli::list::List;
use crate::config::{Config, preset};
use crate::coupling::CouplingKind;
use crate::run_directory::CONFIG_FILE;
use crate::schedule::Decay;
use crate::times::Times;

/// The target, and the flags that override its configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// A preset, a configuration file, or a data file
    #[arg(value_name = "TARGET")]
    target: Option<String>,

    /// Data columns by name, number or range, separated by commas (x,y or 0..112); without TARGET:
    /// the data file
    #[arg(long, value_name = "COLUMNS|FILE", help_heading = "Data")]
    data: Option<String>,
    /// Condition columns; text becomes one-hot. For a preset: class
    #[arg(long, value_name = "COLUMNS", help_heading = "Data")]
    condition: Option<List>,
    /// A file whose columns are all conditions, row by row
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    conditions: Option<PathBuf>,
    /// Numeric condition columns that are categories, one-hot like text
    #[arg(long, value_name = "COLUMNS", help_heading = "Data")]
    categorical: Option<List>,
    /// The part of the rows that is kept from training, to judge the model by [default: 0.1]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Data")]
    holdout: Option<f64>,
    /// Rows that agree in this column (an episode, say) are held out together
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    group: Option<String>,
    /// Bring data and numeric conditions to mean 0 and standard deviation 1; --standardize=false
    /// leaves them in their own units [default: true; for mixture: false]
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Data"
    )]
    standardize: Option<bool>,
    /// Skip and count rows with missing or non-finite values, rather than refuse them
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Data"
    )]
    skip_invalid: Option<bool>,
    /// Refuse constant data columns, rather than warn of them
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Data"
    )]
    strict: Option<bool>,

    /// Where paths begin: normal, a preset, or a data file in the units of the data
    /// [default: normal]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Data")]
    source: Option<String>,

    /// Units in each hidden layer, H [default: 64]
    #[arg(long, value_name = "H", help_heading = "Model")]
    hidden_width: Option<usize>,
    /// Hidden-to-hidden layers, L [default: 1]
    #[arg(long, value_name = "L", help_heading = "Model")]
    hidden_layers: Option<usize>,
    /// gelu, gelu_tanh, silu, selu, tanh, relu, elu or mish [default: gelu]
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    activation: Option<String>,

    /// Optimiser steps [default: 10000]
    #[arg(long, value_name = "N", help_heading = "Training")]
    iterations: Option<usize>,
    /// Samples a step [default: 256]
    #[arg(long, value_name = "B", help_heading = "Training")]
    batch_size: Option<usize>,
    /// Adam's step length [default: 0.001]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    learning_rate: Option<f64>,
    /// How the learning rate goes after its warm-up [default: constant]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Training")]
    schedule: Option<Decay>,
    /// Iterations in which the learning rate rises from 0 [default: 0]
    #[arg(long, value_name = "N", help_heading = "Training")]
    warmup: Option<usize>,
    /// AdamW's weight decay [default: 0]
    #[arg(long, value_name = "W", help_heading = "Training")]
    weight_decay: Option<f64>,
    /// The longest gradient; 0 for none [default: 0]
    #[arg(long, value_name = "NORM", help_heading = "Training")]
    gradient_clip: Option<f64>,
    /// The decay of the weights' moving average, which is exported; 0 for none [default: 0]
    #[arg(long, value_name = "DECAY", help_heading = "Training")]
    ema: Option<f64>,
    /// How noise and data are paired [default: independent]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Training")]
    coupling: Option<CouplingKind>,
    /// Points that are paired at once, if pairs are transported [default: 1024]
    #[arg(long, value_name = "N", help_heading = "Training")]
    transport_size: Option<usize>,
    /// The smaller, the more numeric conditions keep pairs apart (C²OT's r) [default: 0.05]
    #[arg(long, value_name = "R", help_heading = "Training")]
    condition_ratio: Option<f64>,
    /// Take plain transport even for a conditional model
    #[arg(long, help_heading = "Training")]
    force_transport: bool,
    /// Training times: uniform, logit-normal[:MEAN,STD] or beta:ALPHA,BETA [default: uniform]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    time: Option<Times>,
    /// The part of conditions that are replaced by none, for guidance [default: 0]
    #[arg(long, value_name = "PART", help_heading = "Training")]
    label_dropout: Option<f64>,
    /// Seconds between two checkpoints [default: 60]
    #[arg(long, value_name = "S", help_heading = "Training")]
    checkpoint_seconds: Option<u64>,
    /// auto, cpu or cuda [default: auto]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    device: Option<String>,
    /// Of all random numbers: the same seed gives the same model, to the byte [default: 0]
    #[arg(long, value_name = "K", help_heading = "Training")]
    seed: Option<u64>,
    /// Solver steps that the model is made for and judged by [default: 50]
    #[arg(long, value_name = "N", help_heading = "Training")]
    steps: Option<usize>,

    /// Train a teacher by transport, then a network that does in N steps what the teacher does in
    /// many. Unless TARGET is a configuration file or a flag says otherwise: conditional-transport,
    /// cosine, 0.002, an average of 0.999
    #[arg(long, value_name = "N", help_heading = "Few steps")]
    few_steps: Option<usize>,
    /// The teacher's hidden width [default: 128]
    #[arg(long, value_name = "H", help_heading = "Few steps")]
    teacher_hidden_width: Option<usize>,
    /// The teacher's hidden-to-hidden layers [default: 2]
    #[arg(long, value_name = "L", help_heading = "Few steps")]
    teacher_hidden_layers: Option<usize>,
}

impl Settings {
    /// The whole configuration, and the name of the run.
    pub(super) fn resolve(&self) -> Result<(Config, String)> {
        let (mut config, name) = match (&self.target, &self.data) {
            (Some(target), _) => open_target(target)?,
            (None, Some(file)) => open_target(file)?,
            (None, None) => bail!(
                "nothing to train on: name a preset, a configuration or a data file; \
                 `flowlet train --help` has examples"
            ),
        };
        // A configuration file says itself how its teacher is trained.
        let is_file = self.target.as_ref().is_some_and(|target| target.ends_with(".toml"));
        if let (Some(steps @ 1..), false) = (self.few_steps, is_file) {
            config.take_few_steps(steps);
        }
        let Config { seed, data, source, model, train, few_steps, sample } = &mut config;
        if self.target.is_some() {
            let columns = |list: &String| list.parse().map(|List(columns)| columns);
            data.columns = self.data.as_ref().map(columns).transpose()?.or(data.columns.take());
        }
        set(&mut data.condition, &self.condition.clone().map(|List(columns)| columns));
        if self.conditions.is_some() {
            data.conditions.clone_from(&self.conditions);
        }
        set(&mut data.categorical, &self.categorical.clone().map(|List(columns)| columns));
        if self.group.is_some() {
            data.group.clone_from(&self.group);
        }
        set(&mut data.holdout, &self.holdout);
        set(&mut data.standardize, &self.standardize);
        set(&mut data.skip_invalid, &self.skip_invalid);
        set(&mut data.strict, &self.strict);
        set(&mut model.hidden_width, &self.hidden_width);
        set(&mut model.hidden_layers, &self.hidden_layers);
        set(&mut model.activation, &self.activation);
        set(&mut train.iterations, &self.iterations);
        set(&mut train.batch_size, &self.batch_size);
        set(&mut train.learning_rate, &self.learning_rate);
        set(&mut few_steps.steps, &self.few_steps);
        set(&mut few_steps.teacher_hidden_width, &self.teacher_hidden_width);
        set(&mut few_steps.teacher_hidden_layers, &self.teacher_hidden_layers);
        set(&mut source.distribution, &self.source);
        set(&mut train.schedule, &self.schedule);
        set(&mut train.warmup, &self.warmup);
        set(&mut train.weight_decay, &self.weight_decay);
        set(&mut train.gradient_clip, &self.gradient_clip);
        set(&mut train.ema, &self.ema);
        set(&mut train.coupling, &self.coupling);
        set(&mut train.transport_size, &self.transport_size);
        set(&mut train.condition_ratio, &self.condition_ratio);
        train.force_transport |= self.force_transport;
        set(&mut train.time, &self.time);
        set(&mut train.label_dropout, &self.label_dropout);
        set(&mut train.checkpoint_seconds, &self.checkpoint_seconds);
        set(&mut train.device, &self.device);
        set(seed, &self.seed);
        set(&mut sample.steps, &self.steps);
        Ok((config, name))
    }
}

fn set<T: Clone>(value: &mut T, flag: &Option<T>) {
    if let Some(flag) = flag {
        value.clone_from(flag);
    }
}

fn open_target(target: &str) -> Result<(Config, String)> {
    if let Some(config) = preset(target) {
        return Ok((config, target.to_string()));
    }
    let path = Path::new(target);
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    if path.extension().is_some_and(|extension| extension == "toml") {
        let config = Config::read(path)?;
        // A run's own configuration is named after the run.
        let parent = path.parent().and_then(stem).filter(|_| path.ends_with(CONFIG_FILE));
        return Ok((config, parent.or(stem(path)).unwrap_or_default()));
    }
    let mut config = Config::default();
    config.data.source = target.to_string();
    Ok((config, stem(path).unwrap_or_default()))
}
