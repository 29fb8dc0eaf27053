//! The subject of a report: a model, and what is known of its run.

use anyhow::{Context, Result, ensure};
use flowlet::HeapSolver;

use crate::coupling::Coupling;
use crate::coupling::batches::{Batches, BatchesOptions};
use crate::coupling::dataset::{Real, Units};
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::times::Times;
use crate::data::{ConditionColumn, Distribution, Matrix, Points, Target};
use crate::judge::sides::choose;
use crate::model::Model;
use crate::model::cost;
use crate::solve::sampling;
use crate::training::metrics::Measurement;

/// The subject of a report: a model, and what is known of its run.
#[derive(Debug)]
pub struct Subject {
    /// The model.
    pub model: Model,
    /// The title of the page.
    pub name: String,
    /// The model's units.
    pub units: Units,
    /// The distribution of the starting points.
    pub source: Source,
    /// The training data, if they are available.
    pub known: Option<Known>,
    /// The losses during training; empty if unknown.
    pub metrics: Vec<Measurement>,
    /// The condition of the fields and paths that are shown.
    pub shown: Shown,
    /// The seed of all random points.
    pub seed: u64,
}

/// The data that a model was trained on.
#[derive(Debug)]
pub struct Known {
    /// The data in the user's units.
    pub real: Real,
    /// The target distribution in flow units.
    pub target: Target,
    /// How training pairs data with noise.
    pub coupling: Coupling,
    /// The number of points that training pairs at once.
    pub transport_size: usize,
}

/// The condition that figures show.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The condition, `[C]`, in the user's units.
    pub c: Vec<f32>,
    /// A text for each condition, such as `label = cat`; empty without conditions.
    pub names: Vec<String>,
}

impl Shown {
    /// Joins the texts of all conditions, except for the one at `without`. Shows at most four; empty without
    /// conditions.
    pub fn name(&self, without: Option<usize>) -> String {
        const MOST: usize = 4;
        let names = self.names.iter().enumerate().filter(|(k, _)| Some(*k) != without);
        let mut names: Vec<String> = names.map(|(_, name)| name.clone()).collect();
        if names.len() > MOST {
            let more = names.len() - MOST;
            names.truncate(MOST);
            names.push(format!("{more} more"));
        }
        names.join(", ")
    }
}

/// Pairs of noise and data as training draws them, all in flow units.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// Noise, `[n, D]`.
    pub x_0: Matrix,
    /// Data, `[n, D]`.
    pub x_1: Matrix,
    /// Conditions of the data, `[n, C]`.
    pub c: Matrix,
}

/// The most points of a figure: the article's number.
const POINTS: usize = 100_000;

/// The most multiply-adds of a figure: a few seconds on two cores.
const WORK: usize = 100_000_000_000;

/// The fewest points of a figure, even if they exceed [`WORK`].
const FEWEST: usize = 1000;

/// A model with fewer steps than this was trained for exactly these steps: its velocities at other times
/// mean nothing.
const FEW_STEPS: usize = 15;

impl Subject {
    /// Returns the number of points for a figure whose points take `steps` evaluations each: at most 100,000,
    /// fewer for a large network, at least 1,000.
    pub fn points(&self, steps: usize) -> usize {
        let each = cost::multiply_adds(&self.model.shape()) * steps;
        (WORK / each.max(1)).clamp(FEWEST, POINTS)
    }

    /// Returns the model's own method with `steps` equal steps. A model that was made for fewer than 15 steps
    /// keeps its own steps.
    ///
    /// # Errors
    ///
    /// Returns an error if the model cannot take these steps; not expected of a model that was opened.
    pub fn solver(&self, steps: usize) -> Result<HeapSolver> {
        match self.model.description.steps {
            Some(own) if own < FEW_STEPS => self.model.solver(None, None),
            _ => self.model.solver(Some(self.model.solver_kind()), Some(steps)),
        }
    }

    /// Returns the first `n` starting points, `[n, D]` in flow units.
    pub fn starts(&self, n: usize) -> Matrix {
        self.source.starts(self.seed, n, self.model.mlp.data_dim())
    }

    /// Returns the shown condition in each of `n` rows, `[n, C]` in the user's units.
    pub fn shown_rows(&self, n: usize) -> Matrix {
        Matrix::new(self.shown.c.repeat(n), n, self.shown.c.len())
    }

    /// Returns samples with the shown condition, `[n, D]` in flow units.
    ///
    /// # Errors
    ///
    /// Returns an error if a sample is not finite.
    pub fn shown_samples(&self, steps: usize) -> Result<Matrix> {
        let n = self.points(steps);
        let solver = self.solver(steps)?;
        let x = sampling::integrate(&self.model.mlp, &solver, &self.starts(n), &self.shown_rows(n));
        self.finite(&x)?;
        Ok(x)
    }

    /// Returns samples with the conditions `c` (`[n, C]`, the user's units), `[n, D]` in the user's units.
    ///
    /// # Errors
    ///
    /// Returns an error if a sample is not finite.
    pub fn samples(&self, steps: usize, c: &Matrix) -> Result<Points> {
        let solver = self.solver(steps)?;
        let x = self.model.sample(&solver, &self.starts(c.rows()), c);
        self.finite(&x)?;
        Ok(Points { x, c: c.clone() })
    }

    fn finite(&self, x: &Matrix) -> Result<()> {
        ensure!(
            x.values().iter().all(|x| x.is_finite()),
            "{}: the model's samples are not finite, so there is nothing to draw",
            self.model.path.display()
        );
        Ok(())
    }

    /// Returns at most `n` points of real data in the user's units, from training and held-out rows; `None`
    /// if no data are available.
    pub fn real(&self, n: usize) -> Option<Points> {
        let known = self.known.as_ref()?;
        let mut rng = generator(self.seed, Stream::Evaluation);
        Some(match &known.real {
            Real::Distribution { distribution, by_class } => {
                distribution.draw(n, *by_class, &mut rng)
            }
            Real::Rows { train, held_out } => choose(&train.and(held_out), n, &mut rng),
        })
    }

    /// Returns the indices of the rows of `c` (`[n, C]`) that have the shown categories; numbers may differ.
    pub fn rows_shown(&self, c: &Matrix) -> Vec<usize> {
        let conditions = self.model.condition_columns();
        let one_hot: Vec<usize> = ConditionColumn::with_columns(&conditions)
            .filter(|(_, condition)| condition.categories.is_some())
            .flat_map(|(columns, _)| columns)
            .collect();
        let agrees = |row: usize, k: usize| (c.row(row)[k] - self.shown.c[k]).abs() < 0.5;
        (0..c.rows()).filter(|&row| one_hot.iter().all(|&k| agrees(row, k))).collect()
    }

    /// Whether the model has conditions.
    pub fn is_conditional(&self) -> bool {
        self.model.mlp.condition_dim() > 0
    }

    /// Returns the label of an axis that shows data column `column` in flow units.
    pub fn axis(&self, column: usize) -> String {
        let name = &self.model.data_columns()[column];
        if self.units.data.is_identity() { name.clone() } else { format!("{name} (flow units)") }
    }

    /// Returns the shown condition for a caption, such as `, under class = 0`; empty without conditions.
    pub fn under(&self) -> String {
        match self.shown.name(None) {
            name if name.is_empty() => name,
            name => format!(", under {name}"),
        }
    }
}

/// Repeats the rows of `matrix` in order, up to `n` rows.
pub fn repeat(matrix: &Matrix, n: usize) -> Matrix {
    let rows: Vec<usize> = (0..n).map(|row| row % matrix.rows()).collect();
    matrix.select(&rows)
}

impl Known {
    /// Returns the first `n` pairs of noise and data, paired as in training; `seed` gives the draws.
    ///
    /// # Errors
    ///
    /// Returns an error if the coupling fails.
    pub fn pairs(&self, source: &Source, seed: u64, n: usize) -> Result<Pairs> {
        let size = n.min(self.transport_size.max(1));
        let options = BatchesOptions {
            source: source.clone(),
            coupling: self.coupling.clone(),
            times: Times::Uniform,
            size,
            transport_size: self.transport_size,
            label_dropout: 0.0,
        };
        let target = self.target.reseeded(generator(seed, Stream::Target));
        let mut batches = Batches::new(target, options, seed);
        let mut pairs: [Vec<f32>; 3] = Default::default();
        let mut widths = [0; 3];
        for _ in 0..n.div_ceil(size) {
            let batch = batches.next_batch().context("cannot pair noise and data")?;
            for ((values, width), matrix) in
                pairs.iter_mut().zip(&mut widths).zip([&batch.x_0, &batch.x_1, &batch.c])
            {
                values.extend_from_slice(matrix.values());
                *width = matrix.columns();
            }
        }
        let [x_0, x_1, c] = pairs;
        let matrix = |mut values: Vec<f32>, width: usize| {
            values.truncate(n * width);
            Matrix::new(values, n, width)
        };
        let [data, _, conditions] = widths;
        Ok(Pairs { x_0: matrix(x_0, data), x_1: matrix(x_1, data), c: matrix(c, conditions) })
    }

    /// Returns the number of the data's rows; `usize::MAX` for a known distribution.
    pub fn rows(&self) -> usize {
        match &self.real {
            Real::Distribution { .. } => usize::MAX,
            Real::Rows { train, held_out } => train.x.rows() + held_out.x.rows(),
        }
    }

    /// Returns the density of one-dimensional data as a function of `x` in the user's units; `None` if it is
    /// unknown.
    pub fn density(&self) -> Option<impl Fn(f64) -> f64> {
        match &self.real {
            Real::Distribution { distribution: Distribution::Mixture(mixture), .. } => {
                Some(|x: f64| mixture.log_density(&[x]).exp())
            }
            _ => None,
        }
    }
}
