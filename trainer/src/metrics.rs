//! `metrics.csv`: how training goes, while it goes.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

/// A row of `metrics.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Which of the run's phases it is, from 0.
    pub phase: usize,
    /// Optimiser steps done in it, from 1.
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
    /// Creates the file at `path`. If a run goes on there after so many iterations of a phase, the
    /// rows up to then stay.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn create(path: &Path, done: Option<(usize, usize)>) -> Result<Self> {
        let context = || format!("cannot write {}", path.display());
        let mut kept = Vec::new();
        if let Some(done) = done
            && let Ok(mut reader) = csv::Reader::from_path(path)
        {
            // A row that was cut short is no row.
            let rows = reader.deserialize::<Measurement>().map_while(|row| row.ok());
            kept.extend(rows.take_while(|row| (row.phase, row.iteration) <= done));
        }
        let file = File::create(path).with_context(context)?;
        let mut metrics = Self { writer: csv::Writer::from_writer(file) };
        for row in &kept {
            metrics.write(row)?;
        }
        Ok(metrics)
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
