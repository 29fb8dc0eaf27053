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

/// Rows for each phase, at most about.
const ROWS: usize = 1000;

/// After how many iterations each a phase of so many has a row.
pub fn row_every(iterations: usize) -> usize {
    iterations.div_ceil(ROWS).max(1)
}

/// The file, flushed after each row, so that a plot can read it while the run goes on.
#[derive(Debug)]
pub struct MetricsFile {
    writer: csv::Writer<File>,
}

impl MetricsFile {
    /// Creates the file at `path`. If a run goes on there after so many iterations of a phase, which has
    /// a row every so many, the rows up to then stay; not one that was only written because the run
    /// stopped.
    ///
    /// # Errors
    ///
    /// When it cannot be created.
    pub fn create(path: &Path, done: Option<(usize, usize, usize)>) -> Result<Self> {
        let context = || format!("cannot write {}", path.display());
        let mut kept = Vec::new();
        if let Some((phase, iteration, every)) = done
            && let Ok(mut reader) = csv::Reader::from_path(path)
        {
            // A row that was cut short is no row.
            let rows = reader.deserialize::<Measurement>().map_while(|row| row.ok());
            kept.extend(rows.take_while(|row| {
                let at = (row.phase, row.iteration);
                at < (phase, iteration) || at == (phase, iteration) && iteration % every == 0
            }));
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
