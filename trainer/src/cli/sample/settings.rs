//! The settings that determine the rows of a file: two runs with the same settings write the same bytes.

use serde::Serialize;

/// The settings, stored beside a part file. All are integers and strings, so that JSON restores equal values.
#[derive(Debug, Serialize)]
pub(super) struct Settings {
    /// The version of the numeric contract.
    pub(super) contract: u32,
    /// The digest of the model's file.
    pub(super) model: String,
    pub(super) samples: u64,
    pub(super) shard: String,
    pub(super) seed: u64,
    pub(super) solver: &'static str,
    pub(super) steps: usize,
    /// The digest of the solver's times.
    pub(super) times: String,
    pub(super) guidance: String,
    /// The digest of the conditions.
    pub(super) conditions: String,
    /// The digest of the starting points.
    pub(super) starts: String,
}
