//! The record of a file of many rows, `.flowlet.NAME.json`.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::input;
use super::whole::write_whole;

/// The settings of a file of rows, and how much of it is on the disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The settings that determine the rows, by name.
    pub(super) settings: Map<String, Value>,
    /// Whether the user asked to replace an earlier file.
    pub(super) replace: bool,
    /// Whether these are all rows.
    pub(super) complete: bool,
    /// The number of rows that are on the disk.
    pub(super) rows: u64,
    /// The length of the file after those rows, in bytes.
    pub(super) bytes: u64,
}

impl Record {
    /// Reads the record `path`. Returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be read or is not a record.
    pub(super) fn read(path: &Path) -> Result<Option<Self>> {
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            _ => Ok(Some(serde_json::from_slice(&input::read(path)?)?)),
        }
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

    /// Writes the record whole or not at all, and syncs it to the disk.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full. The earlier record stays.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(self)?;
        write_whole(path, &bytes).context("cannot record the rows on the disk")
    }
}
