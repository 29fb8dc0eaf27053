//! What draws the samples: a float model or an integer one.

use anyhow::Result;
use flowlet::fixed::{self, INTEGER_CONTRACT};
use flowlet::{CONTRACT, HeapSolver, SolverKind};

use super::file::{AnyModel, IntegerFile};
use super::golden::digest as integer_digest;
use super::numbers::{floats, guidance, points, user_units};
use super::reference::{STATE_BITS, TIME_BITS};
use super::sampling as integer;
use crate::coupling::source::Source;
use crate::data::Matrix;
use crate::disk::digest::digest as digest_of_bytes;
use crate::judge::golden::digest;
use crate::model::Model;

/// A model and its solver.
#[derive(Debug)]
pub enum Sampler {
    /// In floats.
    Float(Box<Model>, HeapSolver),
    /// In whole numbers.
    Integer(Box<IntegerFile>, fixed::HeapSolver),
}

impl AnyModel {
    /// Returns samples by `kind` in `steps`, as [`Sampler::sample`].
    ///
    /// # Errors
    ///
    /// Returns an error if the number of steps is 0 or above 2²⁴.
    pub fn sample(
        &self,
        kind: SolverKind,
        steps: usize,
        x_0: &Matrix,
        c: &Matrix,
    ) -> Result<Matrix> {
        let (kind, steps) = (Some(kind), Some(steps));
        Ok(match self {
            Self::Float(model) => model.sample(&model.solver(kind, steps)?, x_0, c),
            Self::Integer(file) => file.sample(&file.solver(kind, steps)?, x_0, c),
        })
    }
}

/// One path, as floats.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The times before each step and after the last step, `[N + 1]`.
    pub times: Vec<f32>,
    /// The points at these times, `[N + 1, D]`, in flow units.
    pub points: Matrix,
    /// The last point in data units, `[D]`.
    pub sample: Vec<f32>,
}

impl Sampler {
    /// Returns the sampler of a model, with classifier-free guidance by `weight`. A solver and a number of steps that are
    /// `None` are the model's own.
    ///
    /// # Errors
    ///
    /// Returns an error if the number of steps is 0 or above 2²⁴, or an integer model does not hold the weight.
    pub fn new(
        opened: AnyModel,
        kind: Option<SolverKind>,
        steps: Option<usize>,
        weight: Option<f32>,
    ) -> Result<Self> {
        Ok(match opened {
            AnyModel::Float(model) => {
                let mut solver = model.solver(kind, steps)?;
                if let Some(weight) = weight {
                    solver = solver.guided(weight, model.mlp.null_condition().to_vec());
                }
                Self::Float(model, solver)
            }
            AnyModel::Integer(file) => {
                let mut solver = file.solver(kind, steps)?;
                if let Some(weight) = weight {
                    solver = solver.guided(guidance(weight)?, file.mlp.null_condition().to_vec());
                }
                Self::Integer(file, solver)
            }
        })
    }

    /// The method.
    pub fn kind(&self) -> SolverKind {
        match self {
            Self::Float(_, solver) => solver.kind(),
            Self::Integer(_, solver) => solver.kind(),
        }
    }

    /// The number of steps.
    pub fn steps(&self) -> usize {
        match self {
            Self::Float(_, solver) => solver.steps(),
            Self::Integer(_, solver) => solver.steps(),
        }
    }

    /// The evaluations of the network for a sample, without those of guidance.
    pub fn evaluations(&self) -> usize {
        self.steps() * self.kind().evaluations()
    }

    /// The version of the numeric contract.
    pub fn contract(&self) -> u32 {
        match self {
            Self::Float(..) => CONTRACT,
            Self::Integer(..) => INTEGER_CONTRACT,
        }
    }

    /// Returns the digest of the model's file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file cannot be written again.
    pub fn digest(&self) -> Result<String> {
        let file = match self {
            Self::Float(model, _) => &model.file,
            Self::Integer(file, _) => &file.file,
        };
        Ok(digest_of_bytes(&file.to_bytes()?))
    }

    /// Returns the digest of the solver's times.
    pub fn times(&self) -> String {
        let digest = match self {
            Self::Float(_, solver) => digest(&solver.times().collect::<Vec<_>>()),
            Self::Integer(_, solver) => integer_digest(&solver.times().collect::<Vec<_>>()),
        };
        format!("{digest:016x}")
    }

    /// Returns the starting points of samples `first` to `first + n` of `seed`, `[n, D]` in flow units. Where they are
    /// noise, those of an integer model are its own.
    pub fn starts(&self, source: &Source, seed: u64, first: u64, n: usize) -> Matrix {
        match (self, source) {
            (Self::Integer(file, _), Source::Normal) => {
                integer::noise_from(seed, first, n, file.mlp.data_dim())
            }
            (Self::Integer(file, _), _) => source.starts_from(seed, first, n, file.mlp.data_dim()),
            (Self::Float(model, _), _) => source.starts_from(seed, first, n, model.mlp.data_dim()),
        }
    }

    /// Returns samples in data units, `[n, D]`, from `x_0` (`[n, D]`, flow units) under `c` (`[n, C]`, the user's
    /// units).
    pub fn sample(&self, x_0: &Matrix, c: &Matrix) -> Matrix {
        match self {
            Self::Float(model, solver) => model.sample(solver, x_0, c),
            Self::Integer(file, solver) => file.sample(solver, x_0, c),
        }
    }

    /// Returns the path from `x_0` (`[D]`, flow units) under `c` (`[C]`, the user's units).
    pub fn path(&self, x_0: &[f32], c: &[f32]) -> Path {
        match self {
            Self::Float(model, solver) => {
                let mlp = &model.mlp;
                let points = solver.trajectory(mlp, x_0, c, &mut mlp.scratch());
                let mut sample = points[points.len() - x_0.len()..].to_vec();
                mlp.to_data_units(&mut sample);
                model.columns.apply(&mut sample);
                let points = Matrix::new(points, solver.steps() + 1, x_0.len());
                Path { times: solver.times().collect(), points, sample }
            }
            Self::Integer(file, solver) => {
                let (mlp, one) = (&file.mlp, |x: &[f32]| Matrix::new(x.to_vec(), 1, x.len()));
                let c = user_units(&one(c), file.model.condition_units.bits);
                let path = solver.trajectory(mlp, &points(&one(x_0)), &c, &mut mlp.scratch());
                let mut x = path[path.len() - x_0.len()..].to_vec();
                mlp.to_data_units(&mut x);
                file.columns.apply(&mut x);
                Path {
                    times: floats(&solver.times().collect::<Vec<_>>(), TIME_BITS),
                    points: Matrix::new(floats(&path, STATE_BITS), solver.steps() + 1, x.len()),
                    sample: floats(&x, mlp.data_bits()),
                }
            }
        }
    }
}
