//! The configuration of a run, from the target and the flags.

use std::path::Path;

use anyhow::{Result, bail, ensure};

use super::sizing::Sizing;
use crate::config::list::List;
use crate::config::size::{SizeKind, Stated};
use crate::config::words::DeviceKind;
use crate::config::{Config, Flags, preset};
use crate::disk::compressed::without_ending;
use crate::disk::input::is_standard_input;
use crate::disk::names::CONFIG_FILE;

/// The target, and the flags that override its configuration.
#[derive(Debug, clap::Args)]
pub(super) struct Settings {
    /// A preset, a configuration file, or a data file; - is standard input (text or NPY)
    #[arg(value_name = "TARGET")]
    target: Option<String>,

    /// Data columns by name, number or range, separated by commas (x,y or 0..112); without TARGET:
    /// the data file
    #[arg(long, value_name = "COLUMNS|FILE", help_heading = "Data")]
    data: Option<String>,

    /// How the sizes are chosen that are not stated: width, layers, iterations and learning rate [default: auto
    /// for data from files]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Model")]
    size: Option<SizeKind>,

    /// Train the best model that so many seconds allow: times about two seconds of training, then sets the iterations,
    /// and the sizes that are not stated. The run's config.toml holds them as numbers
    #[arg(
        long,
        value_name = "SECONDS",
        help_heading = "Training",
        value_parser = seconds,
        conflicts_with = "iterations"
    )]
    seconds: Option<f64>,

    #[command(flatten)]
    flags: Flags,
}

impl Settings {
    /// Returns the whole configuration, except for the sizes that the data decide, and the name of the run.
    pub(super) fn resolve(&self) -> Result<(Config, Sizing, String)> {
        let (mut config, stated, name) = match (&self.target, &self.data) {
            (Some(target), _) => open_target(target)?,
            (None, Some(file)) => open_target(file)?,
            (None, None) if self.flags.gives("pairs") => {
                (Config::for_source(""), Stated::default(), "pairs".to_string())
            }
            (None, None) => bail!(
                "nothing to train on: name a preset, a configuration or a data file; \
                 `flowlet train --help` has examples"
            ),
        };
        let read = config.clone();
        // A configuration file has its own settings for the teacher.
        let target = self.target.as_ref().or(self.data.as_ref());
        let is_file = target.is_some_and(|target| target.ends_with(".toml"));
        let few_steps = self.flags.few_steps();
        if let (Some(steps @ 1..), false, false) = (few_steps, is_file, self.flags.gives("pairs")) {
            config.take_few_steps(steps);
        }
        self.flags.apply(&mut config)?;
        self.give_to_student(&mut config, &read)?;
        let name = match &config.few_steps.pairs {
            Some(pairs) if !config.has_data() && target.is_none() => stem(pairs).unwrap_or(name),
            _ => name,
        };
        if let (Some(_), Some(columns)) = (&self.target, &self.data) {
            let List(columns) = columns.parse()?;
            config.data.columns = Some(columns);
        }
        if is_file {
            let advice = |_: &str| "write its path from there".to_string();
            read.check_files(Path::new(target.unwrap_or(&name)), &config, advice)?;
        }
        // A flag overrides what a configuration file states.
        let stated = if self.size.is_some() { Stated::default() } else { stated };
        let stated = stated.or(self.flags.stated());
        Ok((config, Sizing { kind: self.size, seconds: self.seconds, stated }, name))
    }

    /// With the pairs of another teacher, gives the flags of the training to the student, which alone is trained. Those
    /// that it has no use for are errors. `read` is the configuration without the flags.
    fn give_to_student(&self, config: &mut Config, read: &Config) -> Result<()> {
        if config.few_steps.pairs.is_none() {
            let without = ["x_0", "x_1"].into_iter().find(|flag| self.flags.gives(flag));
            return without.map_or(Ok(()), |flag| {
                bail!("{} names columns of the file of --pairs, which is not given", flag_of(flag))
            });
        }
        let Config { train, few_steps, .. } = config;
        few_steps.steps = few_steps.steps.max(1);
        for flag in ["teacher_hidden_width", "teacher_hidden_layers"] {
            ensure!(
                !self.flags.gives(flag),
                "{} is about a teacher that is trained here, but --pairs has the samples of another: leave it out",
                flag_of(flag)
            );
        }
        if self.flags.gives("iterations") {
            few_steps.iterations = std::mem::replace(&mut train.iterations, read.train.iterations);
        }
        if self.flags.gives("batch_size") {
            few_steps.batch_size = std::mem::replace(&mut train.batch_size, read.train.batch_size);
        }
        if self.flags.gives("learning_rate") {
            few_steps.learning_rate =
                std::mem::replace(&mut train.learning_rate, read.train.learning_rate);
        }
        let used = ["train.checkpoint_seconds", "train.device"];
        for (key, ..) in config.differences(read)? {
            ensure!(
                !key.starts_with("train.") || used.contains(&key.as_str()),
                "{} is about training on data, but a student learns from the pairs of its teacher: leave it out",
                flag_of(&key)
            );
        }
        Ok(())
    }

    /// Returns the configuration of a stopped run, from its file `path`. Flags that name files may give new
    /// paths of the run's files. All other flags must have the values that the run already has.
    pub(super) fn resume(&self, path: &Path) -> Result<Config> {
        for (flag, given) in
            [("--size", self.size.is_some()), ("--seconds", self.seconds.is_some())]
        {
            ensure!(
                !given,
                "a run is resumed with its own settings, but the command says {flag}: leave it out, or train a new run \
                 without --resume"
            );
        }
        let run = Config::read(path)?;
        let mut config = run.clone();
        self.flags.apply(&mut config)?;
        self.give_to_student(&mut config, &run)?;
        if let Some(file) = &self.data {
            config.data.source.clone_from(file);
        }
        if config.train.device == DeviceKind::Auto {
            config.train.device = run.train.device;
        }
        let differences = config.differences(&run)?;
        let differences: Vec<String> = differences
            .iter()
            .map(|(key, here, there)| format!("{} {here} (the run has {there})", flag_of(key)))
            .collect();
        ensure!(
            differences.is_empty(),
            "a run is resumed with its own settings, but the command says {}: leave {} out, or train a new run \
             without --resume",
            differences.join(", "),
            if differences.len() == 1 { "it" } else { "them" }
        );
        run.check_files(path, &config, |flag| {
            format!("if it has been moved, say where with `{flag} FILE`; its rows must be the same")
        })?;
        Ok(config)
    }
}

/// Returns the flag that sets the option `key`, such as `train.batch_size`.
fn flag_of(key: &str) -> String {
    match key {
        "data.source" => "--data".to_string(),
        "source.distribution" => "--source".to_string(),
        "few_steps.steps" => "--few-steps".to_string(),
        _ => format!("--{}", key.rsplit('.').next().unwrap_or(key).replace('_', "-")),
    }
}

/// The most seconds that a run may be given: a week.
const MOST_SECONDS: f64 = 604_800.0;

fn seconds(text: &str) -> Result<f64> {
    let seconds: f64 = text.parse().unwrap_or(f64::NAN);
    ensure!(
        (1.0..=MOST_SECONDS).contains(&seconds),
        "expected a number of seconds from 1 to {MOST_SECONDS}, a week"
    );
    Ok(seconds)
}

/// Returns the configuration of a target, the sizes that it states, and its name.
fn open_target(target: &str) -> Result<(Config, Stated, String)> {
    let stated = Stated::default();
    if let Some(config) = preset(target) {
        return Ok((config, stated, target.to_string()));
    }
    let path = Path::new(target);
    if is_standard_input(path) {
        return Ok((Config::for_source(target), stated, "standard-input".to_string()));
    }
    if path.extension().is_some_and(|extension| extension == "toml") {
        let (mut config, stated) = Config::read_stated(path)?;
        // Trains on what the file holds now, perhaps with another split.
        config.data.digest = None;
        // For RUN/config.toml, the name is RUN.
        let parent = path.parent().and_then(stem).filter(|_| path.ends_with(CONFIG_FILE));
        return Ok((config, stated, parent.or(stem(path)).unwrap_or_default()));
    }
    let name = stem(path).unwrap_or_default();
    // The slash says in the configuration that the name is no distribution.
    let source = if path.is_dir() && !target.ends_with('/') {
        format!("{target}/")
    } else {
        target.to_string()
    };
    Ok((Config::for_source(&source), stated, name))
}

/// Returns a file's name without its endings: of points.csv.gz, it is points.
fn stem(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let stem = Path::new(without_ending(&name)).file_stem()?;
    Some(stem.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::{Args, Command, FromArgMatches};

    use super::*;

    #[test]
    fn a_configuration_file_keeps_its_settings_for_the_teacher() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("moons.toml");
        fs::write(&file, "[data]\nsource = \"moons\"\n[train]\nlearning_rate = 0.5\n").unwrap();
        let rate = |arguments: &[&str]| {
            let command = Settings::augment_args(Command::new("train"));
            let arguments = ["train", "--few-steps", "1"].iter().chain(arguments);
            let matches = command.try_get_matches_from(arguments).unwrap();
            let settings = Settings::from_arg_matches(&matches).unwrap();
            settings.resolve().unwrap().0.train.learning_rate
        };
        let file = file.to_str().unwrap();
        assert_eq!(rate(&["moons"]), 0.002);
        assert_eq!(rate(&[file]), 0.5);
        assert_eq!(rate(&["--data", file]), 0.5);
    }
}
