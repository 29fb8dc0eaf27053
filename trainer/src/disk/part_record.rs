//! The record of a part file, `NAME.part.json`.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::input;

/// The settings of a part file, and how much of it is on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The settings that determine the rows, by name.
    pub(super) settings: Map<String, Value>,
    /// The number of rows that are on the disk.
    pub(super) rows: u64,
    /// The length of the file after those rows, in bytes.
    pub(super) bytes: u64,
}

impl Record {
    /// Reads a record.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is not a record.
    pub(super) fn read(path: &Path) -> Result<Self> {
        Ok(serde_json::from_slice(&input::read(path)?)?)
    }

    /// Returns the first setting in which the records differ: its name, its value here and its value in
    /// `other`.
    pub(super) fn difference(&self, other: &Self) -> Option<[String; 3]> {
        let mut names = other.settings.keys().chain(self.settings.keys());
        let name = names.find(|&name| self.settings.get(name) != other.settings.get(name))?;
        let value =
            |record: &Self| record.settings.get(name).map_or("none".to_string(), Value::to_string);
        Some([name.clone(), value(self), value(other)])
    }

    /// Writes the record to `path` atomically: to the file `new`, which is then renamed. `new` is the same
    /// name each time, so that killed processes leave at most one such file.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full. The earlier record stays.
    pub(super) fn write(&self, path: &Path, new: &Path) -> Result<()> {
        let context = || format!("cannot write {}", path.display());
        let mut file = File::create(new).with_context(context)?;
        file.write_all(&serde_json::to_vec_pretty(self)?).with_context(context)?;
        file.sync_all().with_context(context)?;
        fs::rename(new, path).with_context(context)
    }
}
