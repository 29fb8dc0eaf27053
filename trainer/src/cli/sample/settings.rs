//! Everything that the rows of a file depend on: two runs with the same settings write the same bytes.

use anyhow::Result;
use flowlet::{CONTRACT, Digest, HeapSolver};
use serde::Serialize;

use super::Args;
use super::inputs::{Conditions, Starts, digest};
use super::shard::Shard;
use crate::model::Model;

/// Stored beside a part file. Only numbers and strings, so that JSON gives back equal values.
#[derive(Debug, Serialize)]
pub(super) struct Settings {
    /// The version of the numeric contract.
    contract: u32,
    /// The digest of the model's file.
    model: String,
    samples: u64,
    shard: String,
    seed: u64,
    solver: &'static str,
    steps: usize,
    /// The digest of the solver's times.
    times: String,
    guidance: String,
    /// The digest of the conditions.
    conditions: String,
    /// The digest of the starting points.
    starts: String,
}

impl Settings {
    pub(super) fn new(
        args: &Args,
        model: &Model,
        solver: &HeapSolver,
        n: u64,
        starts: &Starts,
        conditions: &Conditions,
    ) -> Result<Self> {
        let mut file = Digest::new();
        file.update_bytes(&model.file.to_bytes()?);
        Ok(Self {
            contract: CONTRACT,
            model: format!("{:016x}", file.value()),
            samples: n,
            shard: args.shard.unwrap_or(Shard::WHOLE).to_string(),
            seed: args.seed,
            solver: solver.kind().name(),
            steps: solver.steps(),
            times: digest(&solver.times().collect::<Vec<_>>()),
            guidance: args.guidance.map_or("none".to_string(), |weight| weight.to_string()),
            conditions: conditions.digest(),
            starts: starts.digest(),
        })
    }
}
