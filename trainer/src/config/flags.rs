//! The options of a run as command-line flags.

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use serde::Serialize;
use toml::{Table, Value};

use super::options::{
    Config, DataConfig, FewStepsConfig, ModelConfig, SampleConfig, SourceConfig, TrainConfig,
};
use super::size::Stated;

/// The flags that were given for options of a run.
#[derive(Clone, Debug)]
pub struct Flags(ArgMatches);

impl Flags {
    /// The name of the clap group of all these flags.
    pub const GROUP: &'static str = "Flags";

    /// Sets the options in `config` whose flags were given. All others stay unchanged.
    ///
    /// # Errors
    ///
    /// Returns clap's error if the arguments were not parsed by a command with these flags.
    pub fn apply(&self, config: &mut Config) -> Result<(), clap::Error> {
        config.update_from_arg_matches(&self.0)
    }

    /// Returns the value of `--few-steps`, if it was given.
    pub fn few_steps(&self) -> Option<usize> {
        self.0.get_one("few_steps").copied()
    }

    /// Returns the sizes whose flags were given.
    pub fn stated(&self) -> Stated {
        Stated {
            hidden_width: self.0.contains_id("hidden_width"),
            hidden_layers: self.0.contains_id("hidden_layers"),
            iterations: self.0.contains_id("iterations"),
            learning_rate: self.0.contains_id("learning_rate"),
        }
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        let before: Vec<_> = command.get_arguments().map(|arg| arg.get_id().clone()).collect();
        let command = add::<DataConfig>(command);
        let command = add::<SourceConfig>(command);
        let command = add::<ModelConfig>(command);
        let command = add::<TrainConfig>(command);
        let command = add::<FewStepsConfig>(command);
        let command = add::<SampleConfig>(command);
        // The flags of options outside all sections.
        let command = add::<Config>(command);
        let own = command.get_arguments().map(|arg| arg.get_id().clone());
        let own: Vec<_> = own.filter(|id| !before.contains(id)).collect();
        command.group(clap::ArgGroup::new(Self::GROUP).multiple(true).args(own))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.clone_from(matches);
        Ok(())
    }
}

/// Adds the flags of `S` that `command` does not have yet. Each flag's help shows its default: its own documentation
/// says which, if it depends on the data, or this adds it.
fn add<S: Args + Default + Serialize>(command: Command) -> Command {
    let defaults = Table::try_from(S::default()).unwrap_or_default();
    let flags = S::augment_args_for_update(Command::new("flags"));
    flags.get_arguments().cloned().fold(command, |command, flag| {
        if command.get_arguments().any(|known| known.get_id() == flag.get_id()) {
            return command;
        }
        let default = defaults.get(flag.get_id().as_str()).and_then(shown);
        // Orders the flag by its place in this command, not in its own struct.
        let flag = flag.display_order(None);
        command.arg(match default {
            Some(default) => with_default(flag, &default),
            None => flag,
        })
    })
}

/// Returns a default as help shows it, or `None` if it is off, empty, a list or a table.
fn shown(default: &Value) -> Option<String> {
    match default {
        Value::String(text) => Some(text.clone()).filter(|text| !text.is_empty()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(on) => on.then(|| on.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

fn with_default(flag: Arg, default: &str) -> Arg {
    let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
    if help.contains("[default: ") {
        return flag;
    }
    flag.help(format!("{help} [default: {default}]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> Command {
        Flags::augment_args(Command::new("train"))
    }

    /// Returns the default configuration with these flags applied.
    fn with(arguments: &[&str]) -> Result<Config, clap::Error> {
        let arguments = ["train"].iter().chain(arguments);
        let flags = Flags::from_arg_matches(&command().try_get_matches_from(arguments)?)?;
        let mut config = Config::default();
        flags.apply(&mut config)?;
        Ok(config)
    }

    #[test]
    fn every_flag_changes_its_option_and_no_other() {
        assert_eq!(with(&[]).unwrap(), Config::default());
        let flags: Vec<Arg> = command().get_arguments().cloned().collect();
        assert!(flags.len() > 25, "{}", flags.len());
        for flag in flags {
            let name = format!("--{}", flag.get_long().unwrap());
            let named =
                flag.get_possible_values().into_iter().map(|value| value.get_name().to_string());
            let values = named.chain(["7", "0.25", "beta:1,2", "x=0,1"].map(str::to_string));
            let changed = values.filter_map(|value| with(&[&format!("{name}={value}")]).ok());
            let lines = |config: &Config| -> Vec<String> {
                config.to_toml().unwrap().lines().map(str::to_string).collect()
            };
            let default = lines(&Config::default());
            let differences = changed.map(|config| {
                lines(&config).into_iter().filter(|line| !default.contains(line)).count()
            });
            assert_eq!(differences.max(), Some(1), "{name}");
        }
    }

    #[test]
    fn help_shows_the_default_of_each_option() {
        let help = command().render_long_help().to_string();
        for (flag, default) in [
            ("--hidden-width <H>", "[default: by --size for data from files, else".to_string()),
            ("--batch-size <N>", format!("[default: {}]", TrainConfig::default().batch_size)),
            ("--steps <N>", format!("[default: {}]", SampleConfig::default().steps)),
            ("--seed <SEED>", "[default: 0]".to_string()),
            ("--learning-rate <RATE>", "else 0.001]".to_string()),
            ("--source <NAME|FILE>", "[default: normal]".to_string()),
            ("--activation <NAME>", "[default: gelu]".to_string()),
        ] {
            let (_, after) = help.split_once(flag).unwrap_or_else(|| panic!("{flag}\n{help}"));
            let own = after.split("\n\n").next().unwrap();
            assert!(own.contains(&default), "{flag}{own}");
            assert_eq!(own.matches("[default: ").count(), 1, "{flag}{own}");
        }
    }

    #[test]
    fn the_error_for_a_wrong_name_lists_the_valid_ones() {
        for (flag, name) in [
            ("--activation", "gelu_tanh"),
            ("--coupling", "conditional-transport"),
            ("--device", "cuda"),
            ("--schedule", "cosine"),
        ] {
            let error = with(&[flag, "none"]).unwrap_err().to_string();
            assert!(error.contains(flag) && error.contains(name), "{error}");
        }
    }
}
