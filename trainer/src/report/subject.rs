//! What a report is about: a model, and what is known of its run.

use anyhow::{Context, Result, ensure};
use flowlet::HeapSolver;

use crate::coupling::Coupling;
use crate::coupling::batches::{Batches, BatchesOptions};
use crate::coupling::dataset::{Real, Units};
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::times::Times;
use crate::data::{Distribution, Matrix, Points, Target};
use crate::judge::sides::choose;
use crate::model::Model;
use crate::model::cost;
use crate::solve::sampling;
use crate::training::metrics::Measurement;

/// A model, and what is known of its run.
#[derive(Debug)]
pub struct Subject {
    /// The model.
    pub model: Model,
    /// What it is called in the page's title.
    pub name: String,
    /// Its units.
    pub units: Units,
    /// Where its paths begin.
    pub source: Source,
    /// The data that it learnt from, if they are at hand.
    pub known: Option<Known>,
    /// How training went; empty if nobody knows.
    pub metrics: Vec<Measurement>,
    /// Under which condition fields and paths are shown.
    pub shown: Shown,
    /// Of everything that is drawn.
    pub seed: u64,
}

/// The data that a model learnt from.
#[derive(Debug)]
pub struct Known {
    /// In the user's units.
    pub real: Real,
    /// In flow units.
    pub target: Target,
    /// How they were paired with noise.
    pub coupling: Coupling,
    /// Points that were paired at once.
    pub transport_size: usize,
}

/// A condition.
#[derive(Clone, Debug)]
pub struct Shown {
    /// `[C]`, in the user's units.
    pub c: Vec<f32>,
    /// Each as the user would say it: `label = cat`; empty without conditions.
    pub names: Vec<String>,
}

impl Shown {
    /// All of them but `without`, of many the first; empty if there are none.
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

/// Noise and data in flow units, as training paired them, and the data's conditions in flow units.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// `[n, D]`
    pub x_0: Matrix,
    /// `[n, D]`
    pub x_1: Matrix,
    /// `[n, C]`
    pub c: Matrix,
}

/// Points of a picture, at most: the article's number.
const POINTS: usize = 100_000;

/// Multiply-adds of a picture, at most: some seconds on two cores.
const WORK: usize = 100_000_000_000;

/// Points of a picture even so.
const FEWEST: usize = 1000;

/// With fewer steps than this a model was trained for these steps, and knows nothing of other times.
const FEW_STEPS: usize = 15;

impl Subject {
    /// How many points are worth their evaluations in `steps` steps.
    pub fn points(&self, steps: usize) -> usize {
        let each = cost::multiply_adds(&self.model.shape()) * steps;
        (WORK / each.max(1)).clamp(FEWEST, POINTS)
    }

    /// The method that the model was made for in `steps` equal steps; the model's own steps if it was made
    /// for few.
    ///
    /// # Errors
    ///
    /// None that an opened model could cause.
    pub fn solver(&self, steps: usize) -> Result<HeapSolver> {
        match self.model.description.steps {
            Some(own) if own < FEW_STEPS => self.model.solver(None, None),
            _ => self.model.solver(Some(self.model.solver_kind()), Some(steps)),
        }
    }

    /// The first `n` starting points, `[n, D]`.
    pub fn starts(&self, n: usize) -> Matrix {
        self.source.starts(self.seed, n, self.model.mlp.data_dim())
    }

    /// The condition that is shown, for `n` rows.
    pub fn shown_rows(&self, n: usize) -> Matrix {
        Matrix::new(self.shown.c.repeat(n), n, self.shown.c.len())
    }

    /// Samples in flow units under the condition that is shown, `[n, D]`.
    ///
    /// # Errors
    ///
    /// When one is not finite.
    pub fn shown_samples(&self, steps: usize) -> Result<Matrix> {
        let n = self.points(steps);
        let solver = self.solver(steps)?;
        let x = sampling::integrate(&self.model.mlp, &solver, &self.starts(n), &self.shown_rows(n));
        self.finite(&x)?;
        Ok(x)
    }

    /// Samples in the user's units, a row for each of `c` (`[n, C]`).
    ///
    /// # Errors
    ///
    /// When one is not finite.
    pub fn samples(&self, steps: usize, c: &Matrix) -> Result<Points> {
        let solver = self.solver(steps)?;
        let x = sampling::sample(&self.model.mlp, &solver, &self.starts(c.rows()), c);
        self.finite(&x)?;
        Ok(Points { x, c: c.clone() })
    }

    fn finite(&self, x: &Matrix) -> Result<()> {
        ensure!(
            x.values().iter().all(|x| x.is_finite()),
            "{}: its samples are not finite: there is nothing to draw",
            self.model.path.display()
        );
        Ok(())
    }

    /// Real data in the user's units, at most `n`, whether training saw them or not; none if none are at
    /// hand.
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

    /// The rows of `c` (`[n, C]`) whose categories are those that are shown; numbers may differ.
    pub fn rows_shown(&self, c: &Matrix) -> Vec<usize> {
        let (mut one_hot, mut column) = (Vec::new(), 0);
        for condition in self.model.condition_columns() {
            if condition.categories.is_some() {
                one_hot.extend(column..column + condition.width());
            }
            column += condition.width();
        }
        let agrees = |row: usize, k: usize| (c.row(row)[k] - self.shown.c[k]).abs() < 0.5;
        (0..c.rows()).filter(|&row| one_hot.iter().all(|&k| agrees(row, k))).collect()
    }

    /// Whether the model has conditions.
    pub fn is_conditional(&self) -> bool {
        self.model.mlp.condition_dim() > 0
    }

    /// The name of an axis for a coordinate of the flow.
    pub fn axis(&self, column: usize) -> String {
        let name = &self.model.data_columns()[column];
        if self.units.data.is_identity() { name.clone() } else { format!("{name} (flow units)") }
    }

    /// `, class = 0`, or nothing.
    pub fn under(&self) -> String {
        match self.shown.name(None) {
            name if name.is_empty() => name,
            name => format!(", under {name}"),
        }
    }
}

/// The rows of `matrix` again and again, `n` in all.
pub fn repeat(matrix: &Matrix, n: usize) -> Matrix {
    let rows: Vec<usize> = (0..n).map(|row| row % matrix.rows()).collect();
    matrix.select(&rows)
}

impl Known {
    /// The first `n` pairs of noise and data, as training would draw them.
    ///
    /// # Errors
    ///
    /// When points cannot be paired.
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
            let batch = batches.next_batch().context("pairs of noise and data")?;
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

    /// Different rows of the data; without end for a known distribution.
    pub fn rows(&self) -> usize {
        match &self.real {
            Real::Distribution { .. } => usize::MAX,
            Real::Rows { train, held_out } => train.x.rows() + held_out.x.rows(),
        }
    }

    /// The density of the data on a line at `x`, in the user's units; none if nobody knows it.
    pub fn density(&self) -> Option<impl Fn(f64) -> f64> {
        match &self.real {
            Real::Distribution { distribution: Distribution::Mixture(mixture), .. } => {
                Some(|x: f64| mixture.log_density(&[x]).exp())
            }
            _ => None,
        }
    }
}
