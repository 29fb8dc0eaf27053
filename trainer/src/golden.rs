//! Golden outputs: what candle and the f64 reference give for a model, and the digest of the
//! runtime's own bits. Any implementation, on any chip, can be held against them.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use flowlet::{Digest, HeapSolver, SolverKind};

use crate::data::Matrix;
use crate::description;
use crate::model::Model;
use crate::network::Network;
use crate::reference::Reference;
use crate::sampling;
use crate::storage::tensor;
use crate::tensor_file::{Block, TensorFile};
use crate::textbook::{self, Space};

/// The name of the golden outputs in a run's directory.
pub const GOLDEN_FILE: &str = "golden.safetensors";

/// Paths in a golden file.
pub const PATHS: usize = 64;

/// Times of the velocity grid, from 0 to 1.
const TIMES: usize = 11;

/// Points of the velocity grid at each time.
const POINTS: usize = 16;

/// Steps of the paths that each method's digest is over.
const METHOD_STEPS: usize = 8;

/// The first so many paths: a slow chip, too, should soon be done with all methods.
const METHOD_PATHS: usize = 8;

/// Golden outputs of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// The method of the paths.
    pub solver: SolverKind,
    /// The times before each step and after the last, `[N + 1]`.
    pub times: Vec<f32>,
    /// Starting points, `[P, D]`.
    pub x_0: Matrix,
    /// Conditions of the paths, `[P, C]`, in the user's units.
    pub condition: Matrix,
    /// Every point of every path, `[P][N + 1][D]`.
    pub path: Answers,
    /// For each method the digest of the runtime's bits from the first 8 of the same starting points,
    /// in 8 steps of equal length: the points after each step.
    pub methods: Vec<(SolverKind, u64)>,
    /// Where velocities were taken: times, `[G]`.
    pub grid_t: Vec<f32>,
    /// Points, `[G, D]`.
    pub grid_x: Matrix,
    /// Conditions, `[G, C]`, in the user's units.
    pub grid_condition: Matrix,
    /// The velocities there, `[G][D]`.
    pub velocity: Answers,
}

/// The same quantity by three implementations.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// candle's own operations, in f32.
    pub candle: Vec<f32>,
    /// The f64 reference.
    pub reference: Vec<f64>,
    /// The digest of the runtime's bits; for paths, of the points after each step.
    pub digest: u64,
}

impl Golden {
    /// Has candle, the reference and the runtime answer: paths from the runtime's noise of `seed` by
    /// the model's solver on its grid, and velocities on a grid of times and points. The conditions
    /// are taken in turn from the rows of `conditions` (`[any, C]`, user's units).
    ///
    /// # Errors
    ///
    /// candle's; or without a row of conditions for a model that has some.
    pub fn make(model: &Model, conditions: &Matrix, seed: u64) -> Result<Self> {
        let data_dim = model.mlp.data_dim();
        ensure!(
            conditions.rows() > 0 && conditions.columns() == model.mlp.condition_dim(),
            "expected rows of {} conditions, found {} of {}",
            model.mlp.condition_dim(),
            conditions.rows(),
            conditions.columns()
        );
        let cycle = |n: usize| {
            let rows: Vec<usize> = (0..n).map(|row| row % conditions.rows()).collect();
            conditions.select(&rows)
        };
        let points = sampling::noise(seed.wrapping_add(1), POINTS, data_dim);
        // Somewhat wider than the noise: where samples go, and a little beyond.
        let wide: Vec<f32> = points.values().iter().map(|x| 1.5 * x).collect();
        let mut golden = Self {
            solver: model.solver_kind(),
            times: Vec::new(),
            x_0: sampling::noise(seed, PATHS, data_dim),
            condition: cycle(PATHS),
            path: Answers { candle: Vec::new(), reference: Vec::new(), digest: 0 },
            methods: Vec::new(),
            grid_t: (0..TIMES * POINTS).map(|g| (g / POINTS) as f32 / (TIMES - 1) as f32).collect(),
            grid_x: Matrix::new(wide.repeat(TIMES), TIMES * POINTS, data_dim),
            grid_condition: cycle(TIMES * POINTS),
            velocity: Answers { candle: Vec::new(), reference: Vec::new(), digest: 0 },
        };
        golden.renew(model)?;
        Ok(golden)
    }

    /// Takes over the model's solver and grid, and replaces all answers and digests by new ones.
    ///
    /// # Errors
    ///
    /// candle's; or when the model is of another size.
    pub fn renew(&mut self, model: &Model) -> Result<()> {
        let solver = model.solver(None, None)?;
        (self.solver, self.times) = (solver.kind(), solver.times().collect());
        let (path, velocity) = self.runtime(model)?;
        self.path.digest = self.path_digest(&path);
        self.velocity.digest = digest(&velocity);
        self.methods = SolverKind::ALL
            .iter()
            .map(|&kind| Ok((kind, self.method_digest(model, kind)?)))
            .collect::<Result<_>>()?;
        self.answer(model)
    }

    /// Replaces candle's and the reference's answers by new ones.
    ///
    /// # Errors
    ///
    /// candle's.
    pub fn answer(&mut self, model: &Model) -> Result<()> {
        let reference = Reference::new(&model.file, model.mlp.activation())?;
        let paths = (0..self.x_0.rows()).map(|p| {
            reference.path(self.solver, &self.times, self.x_0.row(p), self.condition.row(p))
        });
        self.path.reference = paths.collect::<Result<Vec<_>>>()?.concat();
        self.velocity.reference = (0..self.grid_t.len())
            .flat_map(|g| {
                let x: Vec<f64> = self.grid_x.row(g).iter().copied().map(f64::from).collect();
                reference.velocity(f64::from(self.grid_t[g]), &x, self.grid_condition.row(g))
            })
            .collect();

        let candle = Candle::new(model)?;
        self.path.candle = candle.path(self.solver, &self.times, &self.x_0, &self.condition)?;
        let grid_t = Tensor::from_slice(&self.grid_t, (self.grid_t.len(), 1), &Device::Cpu)?;
        let c = candle.condition(&self.grid_condition)?;
        let v =
            candle.network.velocity_by_candle(&grid_t, &tensor(&self.grid_x, &Device::Cpu)?, &c)?;
        self.velocity.candle = v.flatten_all()?.to_vec1()?;
        Ok(())
    }

    /// The worst of [`Reference::rounding`] on the paths, times the paths' length in time (flow units),
    /// and on the grid.
    ///
    /// # Errors
    ///
    /// When the model is of another size.
    pub fn rounding(&self, model: &Model) -> Result<(f64, f64)> {
        self.check_size(model)?;
        let reference = Reference::new(&model.file, model.mlp.activation())?;
        let data_dim = self.x_0.columns();
        let points = self.path.reference.chunks_exact(data_dim).enumerate().map(|(k, x)| {
            let (p, i) = (k / self.times.len(), k % self.times.len());
            reference.rounding(f64::from(self.times[i]), x, self.condition.row(p))
        });
        let grid = (0..self.grid_t.len()).map(|g| {
            let x: Vec<f64> = self.grid_x.row(g).iter().copied().map(f64::from).collect();
            reference.rounding(f64::from(self.grid_t[g]), &x, self.grid_condition.row(g))
        });
        let (path, grid) = (points.fold(0.0, f64::max), grid.fold(0.0, f64::max));
        let time = self.times.last().zip(self.times.first()).map_or(0.0, |(b, a)| f64::from(b - a));
        Ok((path * time, grid))
    }

    /// What the runtime gives: the paths, `[P][N + 1][D]`, and the velocities, `[G][D]`.
    ///
    /// # Errors
    ///
    /// When the model is of another size.
    pub fn runtime(&self, model: &Model) -> Result<(Vec<f32>, Vec<f32>)> {
        self.check_size(model)?;
        let mlp = &model.mlp;
        let solver =
            HeapSolver::try_from_times(self.solver, &self.times).context("tensor times")?;
        let path = self.paths(&solver, model, self.x_0.rows());
        let mut scratch = mlp.scratch();
        let velocity = (0..self.grid_t.len())
            .flat_map(|g| {
                let (x, c) = (self.grid_x.row(g), self.grid_condition.row(g));
                mlp.velocity(self.grid_t[g], x, c, &mut scratch).to_vec()
            })
            .collect();
        Ok((path, velocity))
    }

    /// The digest that belongs into [`Self::methods`].
    ///
    /// # Errors
    ///
    /// When the model is of another size.
    pub fn method_digest(&self, model: &Model, kind: SolverKind) -> Result<u64> {
        self.check_size(model)?;
        let solver = HeapSolver::uniform(kind, METHOD_STEPS.try_into()?);
        let paths = self.paths(&solver, model, METHOD_PATHS);
        Ok(path_digest(&paths, METHOD_STEPS + 1, self.x_0.columns()))
    }

    /// From the first `most` starting points, `[P][N + 1][D]`.
    fn paths(&self, solver: &HeapSolver, model: &Model, most: usize) -> Vec<f32> {
        let mut scratch = model.mlp.scratch();
        let rows = 0..self.x_0.rows().min(most);
        rows.flat_map(|p| {
            solver.trajectory(&model.mlp, self.x_0.row(p), self.condition.row(p), &mut scratch)
        })
        .collect()
    }

    fn check_size(&self, model: &Model) -> Result<()> {
        let mlp = &model.mlp;
        ensure!(
            self.x_0.columns() == mlp.data_dim() && self.condition.columns() == mlp.condition_dim(),
            "the golden outputs are of a model with D = {}, C = {}, but the model has D = {}, C = {}",
            self.x_0.columns(),
            self.condition.columns(),
            mlp.data_dim(),
            mlp.condition_dim()
        );
        Ok(())
    }

    /// The digest of paths `[P][N + 1][D]`: without their starting points, which are given.
    pub fn path_digest(&self, path: &[f32]) -> u64 {
        path_digest(path, self.times.len(), self.x_0.columns())
    }

    /// The file.
    ///
    /// # Errors
    ///
    /// None that golden outputs could cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let matrix = |m: &Matrix| Block::f32(&[m.rows(), m.columns()], m.values());
        let path = [self.x_0.rows(), self.times.len(), self.x_0.columns()];
        let grid = [self.grid_t.len(), self.x_0.columns()];
        let tensors = [
            ("times", Block::f32(&[self.times.len()], &self.times)),
            ("x0", matrix(&self.x_0)),
            ("condition", matrix(&self.condition)),
            ("path.candle", Block::f32(&path, &self.path.candle)),
            ("path.reference", Block::f64(&path, &self.path.reference)),
            ("velocity.t", Block::f32(&[self.grid_t.len()], &self.grid_t)),
            ("velocity.x", matrix(&self.grid_x)),
            ("velocity.condition", matrix(&self.grid_condition)),
            ("velocity.candle", Block::f32(&grid, &self.velocity.candle)),
            ("velocity.reference", Block::f64(&grid, &self.velocity.reference)),
        ];
        let mut metadata = BTreeMap::from([
            ("flowlet.golden".to_string(), "1".to_string()),
            ("flowlet.solver".to_string(), self.solver.to_string()),
            ("flowlet.digest.path".to_string(), format!("{:016x}", self.path.digest)),
            ("flowlet.digest.velocity".to_string(), format!("{:016x}", self.velocity.digest)),
        ]);
        metadata.extend(
            self.methods.iter().map(|(kind, digest)| (key(*kind), format!("{digest:016x}"))),
        );
        let file = TensorFile {
            tensors: tensors.into_iter().map(|(name, block)| (name.to_string(), block)).collect(),
            metadata,
        };
        file.to_bytes()
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// When it is no golden file, naming what is missing.
    pub fn read(path: &Path) -> Result<Self> {
        let file = TensorFile::read(path)?;
        Self::from_file(&file).with_context(|| format!("{}: no golden file", path.display()))
    }

    fn from_file(file: &TensorFile) -> Result<Self> {
        let f32s = |name: &str| -> Result<Vec<f32>> {
            file.tensor(name)?.to_f32().with_context(|| format!("tensor {name}"))
        };
        let matrix = |name: &str| -> Result<Matrix> {
            let values = f32s(name)?;
            match *file.tensor(name)?.shape() {
                [rows, columns] => Ok(Matrix::new(values, rows, columns)),
                ref shape => {
                    anyhow::bail!("tensor {name}: expected two dimensions, found {shape:?}")
                }
            }
        };
        let answers = |name: &str, expected: &[usize]| -> Result<Answers> {
            let (candle, reference) = (format!("{name}.candle"), format!("{name}.reference"));
            for name in [&candle, &reference] {
                let found = file.tensor(name)?.shape();
                ensure!(
                    found == expected,
                    "tensor {name}: expected shape {expected:?}, found {found:?}"
                );
            }
            let key = format!("flowlet.digest.{name}");
            Ok(Answers {
                candle: f32s(&candle)?,
                reference: file.tensor(&reference)?.to_f64()?,
                digest: hexadecimal(file, &key)?
                    .with_context(|| format!("metadata {key} is missing"))?,
            })
        };
        let solver = match file.metadata.get("flowlet.solver") {
            Some(name) => description::solver(name)?,
            None => SolverKind::Euler,
        };
        let digests = SolverKind::ALL
            .iter()
            .map(|&kind| Ok(hexadecimal(file, &key(kind))?.map(|d| (kind, d))));
        let methods = digests.filter_map(Result::transpose).collect::<Result<_>>()?;
        let (x_0, times, grid_t) = (matrix("x0")?, f32s("times")?, f32s("velocity.t")?);
        let (condition, grid_x) = (matrix("condition")?, matrix("velocity.x")?);
        let grid_condition = matrix("velocity.condition")?;
        ensure!(times.len() >= 2, "tensor times: expected at least two, found {}", times.len());
        ensure!(
            condition.rows() == x_0.rows()
                && grid_x.rows() == grid_t.len()
                && grid_condition.rows() == grid_t.len()
                && grid_x.columns() == x_0.columns()
                && grid_condition.columns() == condition.columns(),
            "its tensors do not belong together"
        );
        let path = answers("path", &[x_0.rows(), times.len(), x_0.columns()])?;
        let velocity = answers("velocity", &[grid_t.len(), x_0.columns()])?;
        Ok(Self {
            solver,
            times,
            x_0,
            condition,
            path,
            methods,
            grid_t,
            grid_x,
            grid_condition,
            velocity,
        })
    }
}

/// The metadata key of a method's digest.
fn key(kind: SolverKind) -> String {
    format!("flowlet.digest.path.{kind}")
}

fn hexadecimal(file: &TensorFile, key: &str) -> Result<Option<u64>> {
    let Some(digest) = file.metadata.get(key) else { return Ok(None) };
    Ok(Some(u64::from_str_radix(digest, 16).with_context(|| format!("metadata {key}"))?))
}

/// The digest of paths `[P][points][D]` without their starting points.
fn path_digest(path: &[f32], points: usize, data_dim: usize) -> u64 {
    let mut digest = Digest::new();
    for path in path.chunks_exact(points * data_dim) {
        digest.update(&path[data_dim..]);
    }
    digest.value()
}

/// The digest of values.
pub fn digest(values: &[f32]) -> u64 {
    let mut digest = Digest::new();
    digest.update(values);
    digest.value()
}

/// A model that samples with candle's own operations in f32.
struct Candle {
    network: Network,
    condition_mean: Tensor,
    condition_scale: Tensor,
}

impl Candle {
    fn new(model: &Model) -> Result<Self> {
        let conditions = model.mlp.condition_dim();
        let read = |name: &str, absent: f32| -> Result<Tensor> {
            let values = match model.file.tensors.get(name) {
                Some(block) => block.to_f32()?,
                None => vec![absent; conditions],
            };
            Ok(Tensor::from_vec(values, conditions, &Device::Cpu)?)
        };
        Ok(Self {
            network: model.network()?,
            condition_mean: read("condition.mean", 0.0)?,
            condition_scale: read("condition.scale", 1.0)?,
        })
    }

    /// Conditions in flow units.
    fn condition(&self, c: &Matrix) -> Result<Tensor> {
        let c = tensor(c, &Device::Cpu)?;
        Ok(c.broadcast_sub(&self.condition_mean)?.broadcast_div(&self.condition_scale)?)
    }

    /// `[P][N + 1][D]`.
    fn path(&self, kind: SolverKind, times: &[f32], x_0: &Matrix, c: &Matrix) -> Result<Vec<f32>> {
        let under = Under { network: &self.network, c: self.condition(c)? };
        let points = textbook::path(&under, kind, times, tensor(x_0, &Device::Cpu)?)?;
        Ok(Tensor::stack(&points, 1)?.flatten_all()?.to_vec1()?)
    }
}

/// candle's network under conditions, one for each row.
struct Under<'a> {
    network: &'a Network,
    c: Tensor,
}

impl Space for Under<'_> {
    type Point = Tensor;

    fn velocity(&self, t: f64, x: &Tensor) -> Result<Tensor> {
        let t = Tensor::full(t as f32, (x.dim(0)?, 1), &Device::Cpu)?;
        Ok(self.network.velocity_by_candle(&t, x, &self.c)?)
    }

    fn moved(&self, x: &Tensor, by: &[(f64, &Tensor)]) -> Result<Tensor> {
        let mut x = x.clone();
        for &(factor, v) in by {
            x = (x + (v * factor)?)?;
        }
        Ok(x)
    }
}
