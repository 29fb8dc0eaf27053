//! The record of a part file: `NAME.part.json`.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::files;

/// What a part file is part of, and how much of it is on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What the rows are a function of, by name.
    pub(super) settings: Map<String, Value>,
    /// Rows that are on the disk.
    pub(super) rows: u64,
    /// Where they end.
    pub(super) bytes: u64,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// When there is none, or it is damaged.
    pub(super) fn read(path: &Path) -> Result<Self> {
        Ok(serde_json::from_slice(&files::read(path)?)?)
    }

    /// The first setting in which the records differ: its name, and the value in each.
    pub(super) fn difference(&self, other: &Self) -> Option<[String; 3]> {
        let mut names = other.settings.keys().chain(self.settings.keys());
        let name = names.find(|&name| self.settings.get(name) != other.settings.get(name))?;
        let value =
            |record: &Self| record.settings.get(name).map_or("none".to_string(), Value::to_string);
        Some([name.clone(), value(self), value(other)])
    }

    /// Writes the record to `path`, by way of `new`: whole or not at all. The same `new` each time leaves
    /// no more than one such file, however often the process is killed here.
    ///
    /// # Errors
    ///
    /// When the disk is full, say; the record before stays.
    pub(super) fn write(&self, path: &Path, new: &Path) -> Result<()> {
        let context = || format!("cannot write {}", path.display());
        let mut file = File::create(new).with_context(context)?;
        file.write_all(&serde_json::to_vec_pretty(self)?).with_context(context)?;
        file.sync_all().with_context(context)?;
        fs::rename(new, path).with_context(context)
    }
}
