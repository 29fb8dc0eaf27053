//! `metrics.csv`, the losses and speed of training, written during the run.

use std::fs::{File, OpenOptions};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::disk::input;
use crate::disk::whole::write_whole;

/// A row of `metrics.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// The index of the phase, from 0.
    pub phase: usize,
    /// The iteration within the phase, from 1.
    pub iteration: usize,
    /// The mean training loss since the previous row.
    pub loss: f64,
    /// The loss on held-out data, which only some rows have.
    pub held_out_loss: Option<f64>,
    /// The learning rate of this iteration.
    pub learning_rate: f64,
    /// The Euclidean norm of the gradient in this iteration.
    pub gradient_norm: f64,
    /// The duration of the run so far, in seconds.
    pub seconds: f64,
}

/// The approximate maximum number of rows for each phase.
const ROWS: usize = 1000;

/// Returns the number of iterations between two rows, for a phase of `iterations` iterations.
pub fn row_every(iterations: usize) -> usize {
    iterations.div_ceil(ROWS).max(1)
}

/// Returns the rows of the file at `path` up to the first that cannot be read, and why it cannot.
///
/// # Errors
///
/// Returns an error if the file cannot be opened.
pub fn read(path: &Path) -> Result<(Vec<Measurement>, Option<csv::Error>)> {
    let (file, _) = input::open(path)?;
    let mut rows = Vec::new();
    for row in csv::Reader::from_reader(file).deserialize() {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => return Ok((rows, Some(error))),
        }
    }
    Ok((rows, None))
}

/// How far a run had come when it stopped.
#[derive(Clone, Copy, Debug)]
pub struct Done {
    /// The index of the phase, from 0.
    pub phase: usize,
    /// The iterations done in the phase.
    pub iteration: usize,
    /// The iterations of the whole phase.
    pub of: usize,
}

impl Done {
    /// Whether a run that did not stop would have the row too.
    fn keeps(&self, row: &Measurement) -> bool {
        let Self { phase, iteration, of } = *self;
        let at = (row.phase, row.iteration);
        let whole = iteration.is_multiple_of(row_every(of)) || iteration == of;
        at < (phase, iteration) || at == (phase, iteration) && whole
    }
}

/// The open file. It is flushed after each row, so that a plot can read it during the run.
#[derive(Debug)]
pub struct MetricsFile {
    writer: csv::Writer<File>,
}

impl MetricsFile {
    /// Creates the file at `path`. For a resumed run, the rows up to `done` are kept, except an extra row that
    /// was written because the run stopped.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written. Its rows are then unchanged.
    pub fn create(path: &Path, done: Option<Done>) -> Result<Self> {
        let mut kept = Vec::new();
        if let Some(done) = done
            && let Ok((rows, _)) = read(path)
        {
            // A row that was cut off is left out.
            kept.extend(rows.into_iter().take_while(|row| done.keeps(row)));
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in &kept {
            writer.serialize(row)?;
        }
        write_whole(path, &writer.into_inner()?)?;
        let file = OpenOptions::new().append(true).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let writer = csv::WriterBuilder::new().has_headers(kept.is_empty()).from_writer(file);
        Ok(Self { writer })
    }

    /// Appends a row.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full.
    pub fn write(&mut self, measurement: &Measurement) -> Result<()> {
        self.writer.serialize(measurement).context("cannot write metrics.csv")?;
        self.writer.flush().context("cannot write metrics.csv")
    }
}
