//! Golden outputs of a model: the results of candle and of the f64 reference, and digests of the runtime's own
//! bits. Any implementation, on any chip, can be compared with them.

mod candle;
mod file;
mod inputs;

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
use flowlet::{Digest, HeapSolver, SolverKind};

pub(crate) use self::file::{digests, digests_by_method, hexadecimal, solver_of};
pub use self::inputs::{Inputs, METHOD_PATHS, METHOD_STEPS};

use self::candle::{Candle, tensor};
use crate::coupling::source::Source;
use crate::data::Matrix;
use crate::judge::reference::Reference;
use crate::model::Model;
use crate::network::Shape;

/// Golden outputs of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    /// The method that computes the paths.
    pub solver: SolverKind,
    /// The times before each step and after the last step, `[N + 1]`.
    pub times: Vec<f32>,
    /// Starting points, `[P, D]`.
    pub x_0: Matrix,
    /// Conditions of the paths, `[P, C]`, in the user's units.
    pub condition: Matrix,
    /// Every point of every path, `[P][N + 1][D]`.
    pub path: Answers,
    /// Each method and the digest of the runtime's bits: the points after each of 8 equal steps, from the first
    /// 8 starting points.
    pub methods: Vec<(SolverKind, u64)>,
    /// The velocity grid's times, `[G]`.
    pub grid_t: Vec<f32>,
    /// The velocity grid's points, `[G, D]`.
    pub grid_x: Matrix,
    /// The velocity grid's conditions, `[G, C]`, in the user's units.
    pub grid_condition: Matrix,
    /// The velocities on the grid, `[G][D]`.
    pub velocity: Answers,
}

/// The same quantity by three implementations: the numbers of two, and the digest of the third.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// By candle's own operations, in f32.
    pub candle: Vec<f32>,
    /// By the f64 reference.
    pub reference: Vec<f64>,
    /// The digest of the runtime's bits. For paths, of the points after each step.
    pub digest: u64,
}

impl Golden {
    /// Computes golden outputs of a model by candle, the reference and the runtime: paths from the starting points
    /// of `source` with `seed`, by the model's solver on its grid, and velocities on a grid of times and points.
    /// Their conditions are the rows of `conditions` (`[any, C]`, user's units), repeated in turn.
    ///
    /// # Errors
    ///
    /// When `conditions` has no row or not C columns, or when candle fails.
    pub fn make(model: &Model, source: &Source, conditions: &Matrix, seed: u64) -> Result<Self> {
        let size = (model.mlp.data_dim(), model.mlp.condition_dim());
        let inputs = Inputs::new(source, conditions, size, seed)?;
        let none = || Answers { candle: Vec::new(), reference: Vec::new(), digest: 0 };
        let mut golden = Self {
            solver: model.solver_kind(),
            times: Vec::new(),
            x_0: inputs.x_0,
            condition: inputs.condition,
            path: none(),
            methods: Vec::new(),
            grid_t: inputs.grid_t,
            grid_x: inputs.grid_x,
            grid_condition: inputs.grid_condition,
            velocity: none(),
        };
        golden.renew(model)?;
        Ok(golden)
    }

    /// Adopts the model's solver and grid, and computes all answers and digests anew.
    ///
    /// # Errors
    ///
    /// When the model has another D or C, or candle fails.
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

    /// Computes candle's and the reference's answers anew.
    ///
    /// # Errors
    ///
    /// When candle fails.
    pub fn answer(&mut self, model: &Model) -> Result<()> {
        let reference = Reference::new(&model.file, model.mlp.activation())?;
        let paths = (0..self.x_0.rows()).map(|p| {
            reference.path(self.solver, &self.times, self.x_0.row(p), self.condition.row(p))
        });
        self.path.reference = paths.flatten().collect();
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
        let v = candle.network.velocity(&grid_t, &tensor(&self.grid_x)?, &c)?;
        self.velocity.candle = v.flatten_all()?.to_vec1()?;
        Ok(())
    }

    /// Returns the expected rounding error of the paths and of the velocities. For the velocities it is the
    /// largest [`Reference::rounding`] on the grid; for the paths, the largest on a path's points times its duration
    /// and its growth: an error grows where neighbouring paths part. Flow units.
    ///
    /// # Errors
    ///
    /// When the model has another D or C.
    pub fn rounding(&self, model: &Model) -> Result<(f64, f64)> {
        self.check_size(model)?;
        let reference = Reference::new(&model.file, model.mlp.activation())?;
        let data_dim = self.x_0.columns();
        let paths = self.path.reference.chunks_exact(data_dim * self.times.len()).enumerate();
        let paths = paths.map(|(p, path)| {
            let points = path
                .chunks_exact(data_dim)
                .zip(&self.times)
                .map(|(x, &t)| reference.rounding(f64::from(t), x, self.condition.row(p)));
            points.fold(0.0, f64::max) * self.growth(&reference, p, path)
        });
        let grid = (0..self.grid_t.len()).map(|g| {
            let x: Vec<f64> = self.grid_x.row(g).iter().copied().map(f64::from).collect();
            reference.rounding(f64::from(self.grid_t[g]), &x, self.grid_condition.row(g))
        });
        let (path, grid) = (paths.fold(0.0, f64::max), grid.fold(0.0, f64::max));
        let time = self.times.last().zip(self.times.first()).map_or(0.0, |(b, a)| f64::from(b - a));
        Ok((path * time, grid))
    }

    /// Returns how far a neighbour of path `p` goes from it, relative to how far it starts from it: at least 1.
    fn growth(&self, reference: &Reference, p: usize, path: &[f64]) -> f64 {
        /// The distance of the neighbour's start, in each coordinate.
        const APART: f32 = 1.0 / 1024.0;
        let x_0: Vec<f32> = self.x_0.row(p).iter().map(|x| x + APART).collect();
        let neighbour = reference.path(self.solver, &self.times, &x_0, self.condition.row(p));
        let apart = path.iter().zip(&neighbour).map(|(a, b)| (a - b).abs());
        (apart.fold(0.0, f64::max) / f64::from(APART)).max(1.0)
    }

    /// Computes the paths, `[P][N + 1][D]`, and the velocities, `[G][D]`, by the runtime.
    ///
    /// # Errors
    ///
    /// When the model has another D or C, or the times are not a valid grid.
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

    /// Computes the digest of a method for [`Self::methods`].
    ///
    /// # Errors
    ///
    /// When the model has another D or C.
    pub fn method_digest(&self, model: &Model, kind: SolverKind) -> Result<u64> {
        self.check_size(model)?;
        let solver = HeapSolver::uniform(kind, METHOD_STEPS.try_into()?);
        let paths = self.paths(&solver, model, METHOD_PATHS);
        Ok(path_digest(&paths, METHOD_STEPS + 1, self.x_0.columns()))
    }

    /// Computes the runtime's paths from the first `most` starting points, `[P][N + 1][D]`.
    fn paths(&self, solver: &HeapSolver, model: &Model, most: usize) -> Vec<f32> {
        let mut scratch = model.mlp.scratch();
        let rows = 0..self.x_0.rows().min(most);
        rows.flat_map(|p| {
            solver.trajectory(&model.mlp, self.x_0.row(p), self.condition.row(p), &mut scratch)
        })
        .collect()
    }

    fn check_size(&self, model: &Model) -> Result<()> {
        check_size([self.x_0.columns(), self.condition.columns()], model.shape())
    }

    /// Returns the digest of paths `[P][N + 1][D]` without their starting points, which are inputs.
    pub fn path_digest(&self, path: &[f32]) -> u64 {
        path_digest(path, self.times.len(), self.x_0.columns())
    }
}

/// Checks that golden outputs of `[D, C]` belong to a model of this shape.
///
/// # Errors
///
/// Returns an error with both sizes.
pub(crate) fn check_size([data_dim, condition_dim]: [usize; 2], model: Shape) -> Result<()> {
    ensure!(
        (data_dim, condition_dim) == (model.data_dim, model.condition_dim),
        "the golden outputs belong to a model with D = {data_dim}, C = {condition_dim}, but this model has D = {}, \
         C = {}",
        model.data_dim,
        model.condition_dim
    );
    Ok(())
}

/// Returns the digest of paths `[P][points][D]` without their starting points.
fn path_digest(path: &[f32], points: usize, data_dim: usize) -> u64 {
    digest_of(steps_of(path, points, data_dim).map(|x| x.to_le_bytes()))
}

/// Returns the digest of values.
pub fn digest(values: &[f32]) -> u64 {
    digest_of(values.iter().map(|x| x.to_le_bytes()))
}

/// Returns the numbers of paths `[P][points][D]` without their starting points, which are inputs.
pub(crate) fn steps_of<T>(path: &[T], points: usize, data_dim: usize) -> impl Iterator<Item = &T> {
    path.chunks_exact(points * data_dim).flat_map(move |path| &path[data_dim..])
}

/// Returns the digest of numbers, each as its bytes.
pub(crate) fn digest_of(numbers: impl Iterator<Item = [u8; 4]>) -> u64 {
    let mut digest = Digest::new();
    numbers.for_each(|bytes| digest.update_bytes(&bytes));
    digest.value()
}
