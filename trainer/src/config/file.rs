//! Configuration files.

use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

use super::keys;
use super::options::Config;
use super::preset::preset;
use crate::disk::files;

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

    /// The text of a file that says everything.
    ///
    /// # Errors
    ///
    /// None that a configuration could cause.
    pub fn to_toml(&self) -> Result<String> {
        Ok(toml::to_string(self)?)
    }
}

/// Lays `over` on `base`, table by table.
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
    use crate::data::Component;

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
    fn a_wrong_value_is_named_with_its_line() {
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
