//! The digest of a configuration.

use std::collections::BTreeMap;
use std::fmt::Write;

use anyhow::Result;
use flowlet::Digest;
use toml::{Table, Value};

use super::options::Config;
use super::words::NORMAL;
use crate::data::PRESETS;

/// Where a configuration may name a file: a section and a key.
const FILES: [(&str, &str); 3] =
    [("data", "source"), ("data", "conditions"), ("source", "distribution")];

impl Config {
    /// A number over what the run is, in hexadecimal. A model carries it, so that one can tell whether it
    /// was made by this configuration.
    ///
    /// It covers the options that differ from their defaults, so that an option which is added later
    /// changes no digest. It covers `data`, the digest of the data, in place of the names of the files
    /// that they come from, so that another folder changes none either.
    ///
    /// # Errors
    ///
    /// None that a configuration could cause.
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

/// Whether what a configuration names is no distribution.
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

/// The values that are not their defaults, under their whole keys, such as `train.ema`.
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
    fn an_option_at_its_default_changes_no_digest() {
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
    fn files_count_by_what_is_in_them_and_distributions_by_their_names() {
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
