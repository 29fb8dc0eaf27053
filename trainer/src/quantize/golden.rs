//! Golden outputs of an integer model, computed by the independent [`Reference`]. Any implementation, on any chip, must
//! give these numbers.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use flowlet::SolverKind;
use rayon::prelude::*;
use safetensors::tensor::Dtype;

use super::file::IntegerFile;
use super::integer::{CONTRACT, IntegerModel};
use super::numbers::{points, times, user_units};
use super::reference::{Reference, WEIGHT_BITS, to_data, uniform};
use crate::disk::tensor_file::{Block, TensorFile};
use crate::judge::golden::{
    Inputs, METHOD_PATHS, METHOD_STEPS, check_size, digest_of, digests, digests_by_method,
    hexadecimal, solver_of, steps_of,
};
use crate::model::description::INTEGER_KEY;

/// The guidance weight of the guided paths: 1.5.
pub const GUIDANCE: i32 = 3 << (WEIGHT_BITS - 1);

/// The metadata key of the digest of the guided paths.
const GUIDED: &str = "flowlet.digest.guided";

/// What golden outputs are computed for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Questions {
    /// The method that computes the paths.
    pub solver: SolverKind,
    /// The times before each step and after the last step, `[N + 1]`.
    pub times: Vec<i32>,
    /// Starting points, `[P][D]`.
    pub x_0: Vec<i32>,
    /// Conditions of the paths, `[P][C]`, in the user's units.
    pub condition: Vec<i32>,
    /// The velocity grid's times, `[G]`.
    pub grid_t: Vec<i32>,
    /// The velocity grid's points, `[G][D]`.
    pub grid_x: Vec<i32>,
    /// The velocity grid's conditions, `[G][C]`, in the user's units.
    pub grid_condition: Vec<i32>,
}

/// The outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers {
    /// Every point of every path, `[P][N + 1][D]`.
    pub path: Vec<i32>,
    /// The paths' last points in data units, `[P][D]`.
    pub data: Vec<i32>,
    /// Each method and the digest of the points after each of 8 equal steps, from the first 8 starting points.
    pub methods: Vec<(SolverKind, u64)>,
    /// The same digest of Euler's method under guidance by [`GUIDANCE`], away from the conditions' means. `None` without
    /// conditions.
    pub guided: Option<u64>,
    /// The velocities on the grid, `[G][D]`.
    pub velocity: Vec<i32>,
}

/// Golden outputs of an integer model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntegerGolden {
    /// D.
    pub data_dim: usize,
    /// C.
    pub condition_dim: usize,
    /// What is computed.
    pub questions: Questions,
    /// What must come out.
    pub answers: Answers,
}

impl IntegerGolden {
    /// Computes golden outputs of a model: paths by its own solver and steps, and velocities.
    pub fn make(opened: &IntegerFile, inputs: &Inputs) -> Self {
        let model = &opened.model;
        let bits = model.condition_units.bits;
        let questions = Questions {
            solver: opened.floats.solver_kind(),
            times: opened.own_times(),
            x_0: points(&inputs.x_0),
            condition: user_units(&inputs.condition, bits),
            grid_t: times(&inputs.grid_t),
            grid_x: points(&inputs.grid_x),
            grid_condition: user_units(&inputs.grid_condition, bits),
        };
        let answers = questions.answer(model);
        let (data_dim, condition_dim) = (model.shape.data_dim, model.shape.condition_dim);
        Self { data_dim, condition_dim, questions, answers }
    }

    /// Adopts the model's solver and grid, and computes all answers anew.
    ///
    /// # Errors
    ///
    /// When the model has another D or C.
    pub fn renew(&mut self, opened: &IntegerFile) -> Result<()> {
        check_size([self.data_dim, self.condition_dim], opened.model.shape)?;
        self.questions.solver = opened.floats.solver_kind();
        self.questions.times = opened.own_times();
        self.answers = self.questions.answer(&opened.model);
        Ok(())
    }

    /// Returns the bytes of a golden file.
    ///
    /// # Errors
    ///
    /// When the length of an answer does not fit its shape.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let Self { data_dim, condition_dim, questions: q, answers: a } = self;
        let (d, c) = (*data_dim, *condition_dim);
        let (paths, grid) = (q.x_0.len() / d, q.grid_t.len());
        let tensors = [
            ("times", Block::i32(&[q.times.len()], &q.times)),
            ("x0", Block::i32(&[paths, d], &q.x_0)),
            ("condition", Block::i32(&[paths, c], &q.condition)),
            ("path", Block::i32(&[paths, q.times.len(), d], &a.path)),
            ("data", Block::i32(&[paths, d], &a.data)),
            ("velocity.t", Block::i32(&[grid], &q.grid_t)),
            ("velocity.x", Block::i32(&[grid, d], &q.grid_x)),
            ("velocity.condition", Block::i32(&[grid, c], &q.grid_condition)),
            ("velocity", Block::i32(&[grid, d], &a.velocity)),
        ];
        let path = path_digest(&a.path, q.times.len(), d);
        let mut metadata = digests(q.solver, path, digest(&a.velocity), &a.methods);
        metadata.insert(INTEGER_KEY.to_string(), CONTRACT.to_string());
        metadata.extend(a.guided.map(|digest| (GUIDED.to_string(), format!("{digest:016x}"))));
        let tensors = tensors.into_iter().map(|(name, block)| (name.to_string(), block)).collect();
        TensorFile { tensors, metadata }.to_bytes()
    }

    /// Reads a golden file.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not a golden file of an integer model; the error names what is missing or
    /// wrong.
    pub fn read(path: &Path) -> Result<Self> {
        let file = TensorFile::read(path)?;
        let context = || format!("{}: not a golden file of an integer model", path.display());
        Self::from_file(&file).with_context(context)
    }

    fn from_file(file: &TensorFile) -> Result<Self> {
        let read = |name: &str, expected: &[usize]| -> Result<Vec<i32>> {
            let block = file.tensor(name)?;
            block.check_shape(name, expected)?;
            block.to_i32(Dtype::I32).with_context(|| format!("tensor {name}"))
        };
        let sizes = |name: &str| -> Result<[usize; 2]> {
            let found = file.tensor(name)?.shape();
            let sizes = <[usize; 2]>::try_from(found).ok().filter(|[rows, _]| *rows > 0);
            sizes.with_context(|| format!("tensor {name}: expected rows, found shape {found:?}"))
        };
        ensure!(
            file.metadata.get(INTEGER_KEY).map(String::as_str) == Some(CONTRACT),
            "expected metadata {INTEGER_KEY} {CONTRACT}"
        );
        let ([paths, d], [grid, c]) = (sizes("x0")?, sizes("velocity.condition")?);
        ensure!(d > 0, "tensor x0: expected at least one column");
        let points = file.tensor("times")?.shape().iter().product::<usize>();
        ensure!(points >= 2, "tensor times: expected at least 2 times, found {points}");
        let times = read("times", &[points])?;
        let steps = times.windows(2).all(|pair| pair[0] < pair[1] && pair[0] >= 0);
        ensure!(steps && times[points - 1] <= 1 << 30, "tensor times: expected rising times");
        let questions = Questions {
            solver: solver_of(file)?,
            times,
            x_0: read("x0", &[paths, d])?,
            condition: read("condition", &[paths, c])?,
            grid_t: read("velocity.t", &[grid])?,
            grid_x: read("velocity.x", &[grid, d])?,
            grid_condition: read("velocity.condition", &[grid, c])?,
        };
        let answers = Answers {
            path: read("path", &[paths, points, d])?,
            data: read("data", &[paths, d])?,
            methods: digests_by_method(file)?,
            guided: hexadecimal(file, GUIDED)?,
            velocity: read("velocity", &[grid, d])?,
        };
        Ok(Self { data_dim: d, condition_dim: c, questions, answers })
    }
}

impl Questions {
    /// Computes the answers of a model by the reference.
    pub fn answer(&self, model: &IntegerModel) -> Answers {
        let (d, c) = (model.shape.data_dim, model.shape.condition_dim);
        let paths = self.x_0.len() / d;
        let field = |p: usize| Reference::new(model, &self.condition[p * c..][..c]);
        let x_0 = |p: usize| &self.x_0[p * d..][..d];
        let few = 0..paths.min(METHOD_PATHS);
        let digest_of = |kind: SolverKind, guided: bool| {
            let null = &model.condition_units.mean;
            let paths = few.clone().flat_map(|p| {
                let field = if guided { field(p).guided(GUIDANCE, null) } else { field(p) };
                field.path(kind, &uniform(METHOD_STEPS), x_0(p))
            });
            path_digest(&paths.collect::<Vec<_>>(), METHOD_STEPS + 1, d)
        };
        let path: Vec<i32> = (0..paths)
            .into_par_iter()
            .flat_map_iter(|p| field(p).path(self.solver, &self.times, x_0(p)))
            .collect();
        let ends = path.chunks_exact(self.times.len() * d).map(|path| &path[path.len() - d..]);
        let velocity = |g: usize| {
            let c = &self.grid_condition[g * c..][..c];
            Reference::new(model, c).velocity(self.grid_t[g], &self.grid_x[g * d..][..d])
        };
        Answers {
            data: ends.flat_map(|x| to_data(model, x)).collect(),
            methods: SolverKind::ALL.iter().map(|&kind| (kind, digest_of(kind, false))).collect(),
            guided: (c > 0).then(|| digest_of(SolverKind::Euler, true)),
            velocity: (0..self.grid_t.len()).flat_map(velocity).collect(),
            path,
        }
    }
}

/// Returns the digest of paths `[P][points][D]` without their starting points.
pub fn path_digest(path: &[i32], points: usize, data_dim: usize) -> u64 {
    digest_of(steps_of(path, points, data_dim).map(|x| x.to_le_bytes()))
}

/// Returns the digest of numbers.
pub fn digest(values: &[i32]) -> u64 {
    digest_of(values.iter().map(|x| x.to_le_bytes()))
}
