//! The digest of a configuration.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use flowlet::Digest;
use toml::{Table, Value};

use super::options::Config;
use super::words::NORMAL;
use crate::data::PRESETS;

/// The options that may name a file: section and key.
const FILES: [(&str, &str); 3] =
    [("data", "source"), ("data", "conditions"), ("source", "distribution")];

impl Config {
    /// Returns a digest of the configuration, 16 hexadecimal digits. A model file holds the digest of the
    /// configuration that it was trained with.
    ///
    /// The digest covers only the options that differ from their defaults, so that a new option does not
    /// change existing digests. Instead of file names it covers `data`, the digest of the data, so that
    /// moving the files does not change it either.
    ///
    /// # Errors
    ///
    /// Returns an error if the configuration cannot be written as TOML, for example because its seed exceeds
    /// `i64::MAX`, which [`Config::check`] refuses.
    pub fn digest(&self, data: &str) -> Result<String> {
        let mut stated = Table::try_from(self)?;
        for (section, key) in FILES {
            if let Some(Value::Table(section)) = stated.get_mut(section)
                && section.get(key).and_then(Value::as_str).is_some_and(is_file)
            {
                section.remove(key);
            }
        }
        Ok(digest(&stated, &Table::try_from(Self::default())?, data))
    }
}

/// Whether `name` is a file rather than a known distribution.
fn is_file(name: &str) -> bool {
    name != NORMAL && !PRESETS.contains(&name)
}

fn digest(stated: &Table, defaults: &Table, data: &str) -> String {
    let mut text = format!("digest of the data = {data}\n");
    for (key, value) in leaves(stated, defaults) {
        let _ = writeln!(text, "{key} = {value}");
    }
    let mut digest = Digest::new();
    digest.update_bytes(text.as_bytes());
    format!("{:016x}", digest.value())
}

/// Returns the values that differ from their defaults, by full key, such as `train.ema`.
fn leaves<'a>(stated: &'a Table, defaults: &Table) -> BTreeMap<String, &'a Value> {
    let mut found = BTreeMap::new();
    for (key, value) in stated {
        match (value, defaults.get(key)) {
            (value, Some(default)) if value == default => {}
            (Value::Table(section), Some(Value::Table(defaults))) => {
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
}
