//! `metrics.csv`: how training goes, while it goes.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;

/// A row of `metrics.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Optimiser steps done, from 1.
    pub iteration: usize,
    /// The mean training loss since the row before.
    pub loss: f64,
    /// The loss on held-out data; measured in some rows only.
    pub held_out_loss: Option<f64>,
    /// The optimiser's step length.
    pub learning_rate: f64,
    /// The Euclidean norm of the gradient at this step.
    pub gradient_norm: f64,
    /// Since training began.
    pub seconds: f64,
}

/// The file, flushed after each row, so that a plot can read it while the run goes on.
#[derive(Debug)]
pub struct MetricsFile {
    writer: csv::Writer<File>,
}

impl MetricsFile {
    /// Creates the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn create(path: &Path) -> Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { writer: csv::Writer::from_writer(file) })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// When the disk is full, say.
    pub fn write(&mut self, measurement: &Measurement) -> Result<()> {
        self.writer.serialize(measurement).context("cannot write metrics.csv")?;
        self.writer.flush().context("cannot write metrics.csv")
    }
}
