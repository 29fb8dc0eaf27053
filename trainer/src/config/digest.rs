//! The digest of a configuration.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use toml::{Table, Value};

use super::options::Config;
use super::places::without_files;
use super::words::DeviceKind;
use crate::disk::digest as bytes;

impl Config {
    /// Returns a digest of the configuration, 16 hexadecimal digits. A model file holds the digest of the
    /// configuration that it was trained with.
    ///
    /// The digest covers only the options that differ from their defaults, so that a new option does not
    /// change existing digests. Instead of file names it covers `data`, the digest of the data, so that
    /// moving the files does not change it either. The device `auto` counts as the default.
    ///
    /// # Errors
    ///
    /// Returns an error if the configuration cannot be written as TOML, for example because its seed exceeds
    /// `i64::MAX`, which [`Config::check`] refuses.
    pub fn digest(&self, data: &str) -> Result<String> {
        Ok(digest(&self.settings()?, &Table::try_from(Self::default())?, data))
    }

    /// Returns the options that determine the model, without the names of data files: their contents determine
    /// the model, not their paths.
    fn settings(&self) -> Result<Table> {
        let mut config = self.clone();
        config.data.digest = None;
        if config.train.device == DeviceKind::Auto {
            config.train.device = DeviceKind::default();
        }
        let mut table = Table::try_from(&config)?;
        without_files(&mut table);
        Ok(table)
    }

    /// Returns the settings that differ from those of `run`: the full key, such as `train.ema`, the value
    /// here, and the value there.
    ///
    /// # Errors
    ///
    /// Returns an error if a configuration cannot be written as TOML: see [`Self::digest`].
    pub fn differences(&self, run: &Self) -> Result<Vec<(String, String, String)>> {
        let (own, theirs) = (self.settings()?, run.settings()?);
        let theirs = leaves(&theirs, &Table::new());
        let difference = |(key, value): (String, &Value)| {
            let there = theirs.get(&key).copied();
            let there = there.map_or_else(|| "none".to_string(), ToString::to_string);
            let here = value.to_string();
            (here != there).then_some((key, here, there))
        };
        Ok(leaves(&own, &Table::new()).into_iter().filter_map(difference).collect())
    }
}

fn digest(stated: &Table, defaults: &Table, data: &str) -> String {
    let mut text = format!("digest of the data = {data}\n");
    for (key, value) in leaves(stated, defaults) {
        let _ = writeln!(text, "{key} = {value}");
    }
    bytes::digest(text.as_bytes())
}

/// Returns the values that differ from their defaults, by full key, such as `train.ema`.
fn leaves<'a>(stated: &'a Table, defaults: &Table) -> BTreeMap<String, &'a Value> {
    let mut found = BTreeMap::new();
    for (key, value) in stated {
        match (value, defaults.get(key)) {
            (value, Some(default)) if value == default => {}
            (Value::Table(section), defaults) => {
                let none = Table::new();
                let defaults = defaults.and_then(Value::as_table).unwrap_or(&none);
                let inner = leaves(section, defaults).into_iter();
                found.extend(inner.map(|(inner, value)| (format!("{key}.{inner}"), value)));
            }
            (value, _) => {
                found.insert(key.clone(), value);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn an_option_at_its_default_does_not_change_the_digest() {
        let before = digest(&table("[a]\nb = 2"), &table("[a]\nb = 1"), "d");
        let defaults = table("e = 3\n[a]\nb = 1\nlater = \"off\"\n[f]\ng = 0.5");
        let after = table("e = 3\n[a]\nb = 2\nlater = \"off\"\n[f]\ng = 0.5");
        assert_eq!(digest(&after, &defaults, "d"), before);
        for other in ["[a]\nb = 2\nlater = \"on\"", "[a]\nb = 3", "e = 4\n[a]\nb = 2"] {
            assert_ne!(digest(&table(other), &defaults, "d"), before, "{other}");
        }
        assert_ne!(digest(&after, &defaults, "other data"), before);
    }

    #[test]
    fn the_digest_covers_the_contents_of_files_and_the_names_of_distributions() {
        let of = |source: &str, start: &str, data: &str| {
            let mut config = Config::default();
            config.data.source = source.to_string();
            config.source.distribution = start.to_string();
            config.digest(data).unwrap()
        };
        assert_eq!(of("a.csv", "x.npy", "1"), of("b/c.csv", "y/z.npy", "1"));
        assert_ne!(of("a.csv", "x.npy", "1"), of("a.csv", "x.npy", "2"));
        assert_ne!(of("moons", "normal", "1"), of("mixture", "normal", "1"));
        assert_ne!(of("moons", "normal", "1"), of("moons", "8gaussians", "1"));
    }

    #[test]
    fn the_digest_covers_the_device_that_trained_and_not_the_place_of_the_data() {
        let digest = |config: &Config| config.digest("d").unwrap();
        let with = |device| {
            let mut config = Config::default();
            config.train.device = device;
            digest(&config)
        };
        assert_eq!(with(DeviceKind::Cpu), with(DeviceKind::Auto));
        assert_ne!(with(DeviceKind::Cpu), with(DeviceKind::Cuda));
        let mut config = Config::default();
        config.data.digest = Some("1".to_string());
        assert_eq!(digest(&config), with(DeviceKind::Cpu));
    }

    #[test]
    fn settings_that_differ_are_named_with_both_values() {
        let run = Config::default();
        let mut other = run.clone();
        (other.seed, other.data.group) = (1, Some("episode".to_string()));
        (other.data.source, other.data.digest) = ("a.csv".to_string(), Some("1".to_string()));
        let text = |(key, here, there): (&str, &str, &str)| {
            (key.to_string(), here.to_string(), there.to_string())
        };
        let expected = [("data.group", "\"episode\"", "none"), ("seed", "1", "0")].map(text);
        assert_eq!(other.differences(&run).unwrap(), expected);
        other.source.distribution = "moons".to_string();
        assert_eq!(
            other.differences(&run).unwrap()[2],
            text(("source.distribution", "\"moons\"", "\"normal\""))
        );
    }
}
