//! Reads and writes configuration files.

use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::keys;
use super::options::Config;
use super::size::Stated;
use crate::disk::input;

impl Config {
    /// Reads a configuration file. An option that it leaves out gets the value of [`Self::for_source`] for the
    /// data's source. File names in it are relative to its folder. The returned names are
    /// relative to the current directory.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read, is not TOML, or has an unknown key or an invalid value.
    /// The message names the file and the key.
    pub fn read(path: &Path) -> Result<Self> {
        Self::read_stated(path).map(|(config, _)| config)
    }

    /// Reads a configuration file like [`Self::read`]. Also returns the sizes that it states itself.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::read`].
    pub fn read_stated(path: &Path) -> Result<(Self, Stated)> {
        let text = String::from_utf8(input::read(path)?).with_context(|| {
            format!("{}: expected a TOML file, found bytes that are not UTF-8", path.display())
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let (mut config, stated) =
            Self::parse_stated(&text).with_context(|| path.display().to_string())?;
        config.opened_from(folder).with_context(|| path.display().to_string())?;
        Ok((config, stated))
    }

    /// Parses the text of a configuration file, like [`Self::read`], but leaves file names as they are.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not TOML, or has an unknown key or an invalid value.
    pub fn parse(text: &str) -> Result<Self> {
        Self::parse_stated(text).map(|(config, _)| config)
    }

    fn parse_stated(text: &str) -> Result<(Self, Stated)> {
        let table: Table = toml::from_str(text)?;
        keys::check(&table)?;
        // Parses the text before merging, since errors of a merged table would have no line numbers.
        let stated: Self = toml::from_str(text)?;
        let base = if stated.data.components.is_empty() {
            Self::for_source(&stated.data.source)
        } else {
            Self::averaged()
        };
        let sizes = Stated::of(&table);
        let mut merged = Table::try_from(&base)?;
        merge(&mut merged, table);
        Ok((merged.try_into()?, sizes))
    }

    /// Returns the text of a configuration file with every option.
    ///
    /// # Errors
    ///
    /// Returns an error if the seed exceeds `i64::MAX`, which [`Config::check`] refuses.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }
}

/// Merges `over` into `base`, table by table. Values of `over` win.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::preset::preset;
    use crate::data::Component;

    #[test]
    fn a_file_states_only_what_differs_from_its_preset() {
        let config = Config::parse("seed = 3\n[data]\nsource = \"mixture\"\n").unwrap();
        let expected = Config { seed: 3, ..preset("mixture").unwrap() };
        assert_eq!(config, expected);
    }

    #[test]
    fn a_written_configuration_is_read_back_unchanged() {
        let mut config = preset("8gaussians").unwrap();
        config.data.source = "mixture".into();
        config.data.components = vec![Component { weight: 1.0, mean: vec![0.5], std: vec![2.0] }];
        config.data.group = Some("episode".into());
        config.data.digest = Some("0123456789abcdef".into());
        assert_eq!(Config::parse(&config.to_toml().unwrap()).unwrap(), config);
    }

    #[test]
    fn a_wrong_value_is_refused_with_its_line() {
        for (value, expected) in [
            ("[train]\niterations = \"many\"\n", "iterations"),
            (
                "[model]\nactivation = \"sin\"\n",
                "no activation is called \"sin\": expected one of gelu",
            ),
            ("[train]\ndevice = \"tpu\"\n", "expected one of `auto`, `cpu`, `cuda`"),
        ] {
            let error = Config::parse(value).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains("line 2"), "{error}");
        }
    }
}
