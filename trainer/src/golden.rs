//! Golden outputs: what candle and the f64 reference give for a model, and the digest of the
//! runtime's own bits. Any implementation, on any chip, can be held against them.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use flowlet::Digest;

use crate::data::Matrix;
use crate::model::Model;
use crate::network::Network;
use crate::reference::Reference;
use crate::sampling;
use crate::tensor_file::{Block, TensorFile};

/// The name of the golden outputs in a run's directory.
pub const GOLDEN_FILE: &str = "golden.safetensors";

/// Paths in a golden file.
pub const PATHS: usize = 64;

/// Times of the velocity grid, from 0 to 1.
const TIMES: usize = 11;

/// Points of the velocity grid at each time.
const POINTS: usize = 16;

/// Golden outputs of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// The times before each step and after the last, `[N + 1]`.
    pub times: Vec<f32>,
    /// Starting points, `[P, D]`.
    pub x_0: Matrix,
    /// Conditions of the paths, `[P, C]`, in the user's units.
    pub condition: Matrix,
    /// Every point of every path, `[P][N + 1][D]`.
    pub path: Answers,
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
    /// Has candle and the reference answer anew: paths from the runtime's noise of `seed` over the
    /// uniform grid of the model's steps, and velocities on a grid of times and points. The
    /// conditions are taken in turn from the rows of `conditions` (`[any, C]`, user's units).
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
            times: model.solver(None)?.times().collect(),
            x_0: sampling::noise(seed, PATHS, data_dim),
            condition: cycle(PATHS),
            path: Answers { candle: Vec::new(), reference: Vec::new(), digest: 0 },
            grid_t: (0..TIMES * POINTS).map(|g| (g / POINTS) as f32 / (TIMES - 1) as f32).collect(),
            grid_x: Matrix::new(wide.repeat(TIMES), TIMES * POINTS, data_dim),
            grid_condition: cycle(TIMES * POINTS),
            velocity: Answers { candle: Vec::new(), reference: Vec::new(), digest: 0 },
        };
        golden.answer(model)?;
        let (path, velocity) = golden.runtime(model)?;
        golden.path.digest = golden.path_digest(&path);
        golden.velocity.digest = digest(&velocity);
        Ok(golden)
    }

    /// Replaces candle's and the reference's answers by new ones.
    ///
    /// # Errors
    ///
    /// candle's.
    pub fn answer(&mut self, model: &Model) -> Result<()> {
        let reference = Reference::new(&model.file, model.mlp.activation())?;
        self.path.reference = (0..self.x_0.rows())
            .flat_map(|p| reference.path(&self.times, self.x_0.row(p), self.condition.row(p)))
            .collect();
        self.velocity.reference = (0..self.grid_t.len())
            .flat_map(|g| {
                let x: Vec<f64> = self.grid_x.row(g).iter().copied().map(f64::from).collect();
                reference.velocity(f64::from(self.grid_t[g]), &x, self.grid_condition.row(g))
            })
            .collect();

        let candle = Candle::new(model)?;
        self.path.candle = candle.path(&self.times, &self.x_0, &self.condition)?;
        let grid_t = Tensor::from_slice(&self.grid_t, (self.grid_t.len(), 1), &Device::Cpu)?;
        let c = candle.condition(&self.grid_condition)?;
        let v = candle.network.velocity_by_candle(&grid_t, &tensor(&self.grid_x)?, &c)?;
        self.velocity.candle = v.flatten_all()?.to_vec1()?;
        Ok(())
    }

    /// What the runtime gives: the paths, `[P][N + 1][D]`, and the velocities, `[G][D]`.
    ///
    /// # Errors
    ///
    /// When the model is of another size.
    pub fn runtime(&self, model: &Model) -> Result<(Vec<f32>, Vec<f32>)> {
        let mlp = &model.mlp;
        ensure!(
            self.x_0.columns() == mlp.data_dim() && self.condition.columns() == mlp.condition_dim(),
            "the golden outputs are of a model with D = {}, C = {}, but the model has D = {}, C = {}",
            self.x_0.columns(),
            self.condition.columns(),
            mlp.data_dim(),
            mlp.condition_dim()
        );
        let solver = model.solver(Some(self.times.len() - 1))?;
        let mut scratch = mlp.scratch();
        let path = (0..self.x_0.rows())
            .flat_map(|p| {
                solver.trajectory(mlp, self.x_0.row(p), self.condition.row(p), &mut scratch)
            })
            .collect();
        let velocity = (0..self.grid_t.len())
            .flat_map(|g| {
                let (x, c) = (self.grid_x.row(g), self.grid_condition.row(g));
                mlp.velocity(self.grid_t[g], x, c, &mut scratch).to_vec()
            })
            .collect();
        Ok((path, velocity))
    }

    /// The digest of paths `[P][N + 1][D]`: without their starting points, which are given.
    pub fn path_digest(&self, path: &[f32]) -> u64 {
        let data_dim = self.x_0.columns();
        let mut digest = Digest::new();
        for path in path.chunks_exact(self.times.len() * data_dim) {
            digest.update(&path[data_dim..]);
        }
        digest.value()
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
        let metadata = [
            ("flowlet.golden", "1".to_string()),
            ("flowlet.solver", "euler".to_string()),
            ("flowlet.digest.path", format!("{:016x}", self.path.digest)),
            ("flowlet.digest.velocity", format!("{:016x}", self.velocity.digest)),
        ];
        let file = TensorFile {
            tensors: tensors.into_iter().map(|(name, block)| (name.to_string(), block)).collect(),
            metadata: metadata.into_iter().map(|(key, value)| (key.to_string(), value)).collect(),
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
            let digest =
                file.metadata.get(&key).with_context(|| format!("metadata {key} is missing"))?;
            Ok(Answers {
                candle: f32s(&candle)?,
                reference: file.tensor(&reference)?.to_f64()?,
                digest: u64::from_str_radix(digest, 16)
                    .with_context(|| format!("metadata {key}"))?,
            })
        };
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
        Ok(Self { times, x_0, condition, path, grid_t, grid_x, grid_condition, velocity })
    }
}

/// The digest of values.
pub fn digest(values: &[f32]) -> u64 {
    let mut digest = Digest::new();
    digest.update(values);
    digest.value()
}

fn tensor(matrix: &Matrix) -> Result<Tensor> {
    Ok(Tensor::from_slice(matrix.values(), (matrix.rows(), matrix.columns()), &Device::Cpu)?)
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
        let c = tensor(c)?;
        Ok(c.broadcast_sub(&self.condition_mean)?.broadcast_div(&self.condition_scale)?)
    }

    /// `[P][N + 1][D]`.
    fn path(&self, times: &[f32], x_0: &Matrix, c: &Matrix) -> Result<Vec<f32>> {
        let c = self.condition(c)?;
        let mut x = tensor(x_0)?;
        let mut points = vec![x.clone()];
        for pair in times.windows(2) {
            let t = Tensor::full(pair[0], (x_0.rows(), 1), &Device::Cpu)?;
            let v = self.network.velocity_by_candle(&t, &x, &c)?;
            x = (x + (v * f64::from(pair[1] - pair[0]))?)?;
            points.push(x.clone());
        }
        Ok(Tensor::stack(&points, 1)?.flatten_all()?.to_vec1()?)
    }
}
