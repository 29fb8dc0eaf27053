//! What a float model's numbers range over, along whole paths: activations change with t.

use std::cell::RefCell;

use anyhow::{Result, ensure};
use flowlet::{HeapSolver, SolverKind};
use rayon::prelude::*;

use super::float::{FloatNetwork, Packed};
use crate::coupling::source::Source;
use crate::data::{ConditionColumn, Matrix};
use crate::disk::quote::shortened;
use crate::model::Model;
use crate::model::tuning::conditions;
use crate::solve::textbook::{self, Space};

/// The fewest evaluations: one-step models get more paths than asked for.
const EVALUATIONS: usize = 1 << 15;

/// Paths are kept for fine-tuning until there are this many points.
const KEPT: usize = 1 << 18;

/// The fewest paths: one to tune on, and one to judge by.
const FEWEST: usize = 2;

/// Paths that are computed together.
const BATCH: usize = 256;

/// Points and velocities are limited to this magnitude, half of the state's range.
const HALF_RANGE: f64 = 1024.0;

/// One in this many numbers of a condition is an end of training's range.
const ENDS: usize = 8;

/// One in this many paths of a model that was trained with dropped conditions has none.
const DROPPED: usize = 10;

/// What was seen along the paths.
#[derive(Clone, Debug, Default)]
pub struct Calibration {
    /// The number of paths.
    pub paths: usize,
    /// The number of evaluations of the network along a path.
    pub evaluations: usize,
    /// The largest magnitude of each coordinate of a point, `[D]`.
    pub points: Vec<f32>,
    /// The largest magnitude of each coordinate of a velocity, `[D]`.
    pub velocities: Vec<f32>,
    /// The largest magnitude of each condition in flow units, `[C]`.
    pub conditions: Vec<f32>,
    /// The largest magnitude of the units after each layer but the last, `[L + 1]`.
    pub units: Vec<f32>,
    /// The network's inputs along the first paths, path by path: `[kept][evaluations][1 + D + C]` in flow units.
    pub inputs: Vec<f32>,
    /// The velocities there, `[kept][evaluations][D]`.
    pub outputs: Vec<f32>,
}

impl Calibration {
    /// Computes at least `paths` paths of a model with its own solver and grid, from its source, under conditions as
    /// training had them.
    ///
    /// # Errors
    ///
    /// Returns an error that names the column if the paths are not finite or leave half of the state's range.
    pub fn run(model: &Model, source: &Source, paths: usize, seed: u64) -> Result<Self> {
        let solver = model.solver(None, None)?;
        let evaluations = solver.evaluations();
        let paths = paths.max(EVALUATIONS.div_ceil(evaluations)).max(FEWEST);
        let shape = model.shape();
        let network = FloatNetwork::new(&model.file, shape)?.packed();
        let x_0 = source.starts(seed, paths, shape.data_dim);
        let c = drawn_conditions(model, paths, seed)?;
        let keep = KEPT.div_ceil(evaluations).max(FEWEST);
        let parts: Vec<usize> = (0..paths).step_by(BATCH).collect();
        let parts = parts.into_par_iter().map(|first| {
            let rows = first..paths.min(first + BATCH);
            let kept = keep.saturating_sub(first).min(rows.len());
            part(&network, &solver, &x_0.range(rows.clone()), &c.range(rows), kept)
        });
        let parts: Vec<Self> = parts.collect::<Result<_>>()?;
        let mut whole = Self { paths, evaluations, ..Self::default() };
        whole.conditions = largest(&c, shape.condition_dim);
        for part in parts {
            raise(&mut whole.points, &part.points);
            raise(&mut whole.velocities, &part.velocities);
            raise(&mut whole.units, &part.units);
            whole.inputs.extend(part.inputs);
            whole.outputs.extend(part.outputs);
        }
        whole.check(model)?;
        Ok(whole)
    }

    /// Checks that the state can hold the paths.
    fn check(&self, model: &Model) -> Result<()> {
        let names = model.data_columns();
        for (what, values) in [("paths", &self.points), ("velocities", &self.velocities)] {
            for (&most, name) in values.iter().zip(&names) {
                ensure!(
                    f64::from(most) < HALF_RANGE,
                    "the model's {what} reach {most:.4e} standard deviations in the column {}: expected less than \
                     {HALF_RANGE}, half of what an integer model holds",
                    shortened(name)
                );
            }
        }
        Ok(())
    }

    /// The number of paths whose inputs were kept.
    pub fn kept(&self) -> usize {
        self.outputs.len() / (self.points.len() * self.evaluations).max(1)
    }
}

/// Returns the conditions of `n` paths, `[n][C]` in flow units: every category, numbers with the mean and the scale of
/// training within its ranges, and the ends of these.
fn drawn_conditions(model: &Model, n: usize, seed: u64) -> Result<Matrix> {
    let units = model.units()?.condition;
    let columns = model.condition_columns();
    let affine = (&units.mean[..], &units.scale[..]);
    let mut c = conditions(&columns, affine, n, seed.wrapping_add(1));
    keep_to_ranges(&mut c, &columns, &model.description.condition_ranges);
    units.forward(&mut c);
    if model.description.label_dropout.is_some_and(|share| share > 0.0) {
        c.rows_mut().step_by(DROPPED).for_each(|c| c.fill(0.0));
    }
    Ok(c)
}

fn keep_to_ranges(c: &mut Matrix, columns: &[ConditionColumn], ranges: &[Option<[f32; 2]>]) {
    for ((own, _), range) in ConditionColumn::with_columns(columns).zip(ranges) {
        if let Some([low, high]) = *range {
            let column = own.start;
            for (row, c) in c.rows_mut().enumerate() {
                c[column] = match row % (2 * ENDS) {
                    1 => low,
                    row if row == 1 + ENDS => high,
                    _ => c[column].clamp(low, high),
                };
            }
        }
    }
}

/// Computes the paths of a batch. The inputs of the first `kept` of them are kept.
fn part(
    network: &Packed,
    solver: &HeapSolver,
    x_0: &Matrix,
    c: &Matrix,
    kept: usize,
) -> Result<Calibration> {
    let times: Vec<f32> = solver.times().collect();
    let seen = Calibration {
        points: vec![0.0; x_0.columns()],
        velocities: vec![0.0; x_0.columns()],
        ..Calibration::default()
    };
    let watched = Watched { network, c, columns: x_0.columns(), kept, seen: RefCell::new(seen) };
    let kind: SolverKind = solver.kind();
    let ends = textbook::path(&watched, kind, &times, x_0.values().to_vec())?;
    let mut seen = watched.seen.into_inner();
    if let Some(points) = ends.last() {
        raise(&mut seen.points, &magnitudes(points, x_0.columns()));
    }
    seen.inputs = path_by_path(&seen.inputs, kept, 1 + x_0.columns() + c.columns());
    seen.outputs = path_by_path(&seen.outputs, kept, x_0.columns());
    Ok(seen)
}

/// Reorders rows of `width` numbers, `[evaluations][paths]`, to `[paths][evaluations]`.
fn path_by_path(rows: &[f32], paths: usize, width: usize) -> Vec<f32> {
    let evaluations = rows.len() / (paths * width).max(1);
    let row =
        |path: usize, evaluation: usize| &rows[(evaluation * paths + path) * width..][..width];
    let path = |path: usize| (0..evaluations).flat_map(move |evaluation| row(path, evaluation));
    (0..paths).flat_map(path).copied().collect()
}

/// A batch of paths whose evaluations are recorded.
struct Watched<'a> {
    network: &'a Packed,
    /// `[n][C]`, flow units.
    c: &'a Matrix,
    /// D.
    columns: usize,
    kept: usize,
    seen: RefCell<Calibration>,
}

impl Space for Watched<'_> {
    type Point = Vec<f32>;

    fn velocity(&self, t: f64, x: &Vec<f32>) -> Result<Vec<f32>> {
        let n = self.c.rows();
        let mut inputs = Vec::with_capacity(n * (1 + self.columns + self.c.columns()));
        for (row, x) in x.chunks_exact(self.columns).enumerate() {
            inputs.push(t as f32);
            inputs.extend(x);
            inputs.extend(self.c.row(row));
        }
        let mut seen = self.seen.borrow_mut();
        let v = self.network.velocity(&inputs, n, |layer, units| {
            let most = units.iter().fold(0.0, |most: f32, y| most.max(y.abs()));
            let mut layers = vec![0.0; layer + 1];
            layers[layer] = most;
            raise(&mut seen.units, &layers);
        });
        raise(&mut seen.points, &magnitudes(x, self.columns));
        raise(&mut seen.velocities, &magnitudes(&v, self.columns));
        let width = inputs.len() / n;
        seen.inputs.extend(&inputs[..self.kept * width]);
        seen.outputs.extend(&v[..self.kept * self.columns]);
        Ok(v)
    }

    fn moved(&self, x: &Vec<f32>, by: &[(f64, &Vec<f32>)]) -> Result<Vec<f32>> {
        let coordinate = |(k, &x): (usize, &f32)| {
            let change = by.iter().map(|(a, v)| a * f64::from(v[k])).sum::<f64>();
            (f64::from(x) + change) as f32
        };
        Ok(x.iter().enumerate().map(coordinate).collect())
    }
}

/// Returns the largest magnitude in each column of rows. A value that is not finite counts as ∞.
fn magnitudes(rows: &[f32], columns: usize) -> Vec<f32> {
    let mut most = vec![0.0_f32; columns];
    for row in rows.chunks_exact(columns) {
        for (most, x) in most.iter_mut().zip(row) {
            *most = most.max(if x.is_finite() { x.abs() } else { f32::INFINITY });
        }
    }
    most
}

fn largest(matrix: &Matrix, columns: usize) -> Vec<f32> {
    if columns == 0 { Vec::new() } else { magnitudes(matrix.values(), columns) }
}

/// Raises each of `most` to `others` where that is larger.
fn raise(most: &mut Vec<f32>, others: &[f32]) {
    most.resize(most.len().max(others.len()), 0.0);
    for (most, &other) in most.iter_mut().zip(others) {
        *most = most.max(other);
    }
}
