//! What draws the samples: a float model or an integer one.

use anyhow::Result;
use flowlet::fixed::{self, INTEGER_CONTRACT};
use flowlet::{CONTRACT, Digest, HeapSolver, SolverKind};

use super::inputs::digest;
use crate::data::Matrix;
use crate::model::Model;
use crate::quantize::file::{AnyModel, IntegerFile};
use crate::quantize::golden;
use crate::quantize::numbers::guidance;
use crate::quantize::sampling as integer;
use crate::solve::sampling;

/// A model and its solver.
pub(super) enum Sampler {
    Float(Box<Model>, HeapSolver),
    Integer(Box<IntegerFile>, fixed::HeapSolver),
}

impl Sampler {
    /// Returns the sampler of a model. A solver and a number of steps that are `None` are the model's own.
    pub(super) fn new(
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

    pub(super) fn kind(&self) -> SolverKind {
        match self {
            Self::Float(_, solver) => solver.kind(),
            Self::Integer(_, solver) => solver.kind(),
        }
    }

    pub(super) fn steps(&self) -> usize {
        match self {
            Self::Float(_, solver) => solver.steps(),
            Self::Integer(_, solver) => solver.steps(),
        }
    }

    /// The evaluations of the network for a sample, without those of guidance.
    pub(super) fn evaluations(&self) -> usize {
        self.steps() * self.kind().evaluations()
    }

    /// The version of the numeric contract.
    pub(super) fn contract(&self) -> u32 {
        match self {
            Self::Float(..) => CONTRACT,
            Self::Integer(..) => INTEGER_CONTRACT,
        }
    }

    /// Returns the digest of the model's file.
    pub(super) fn digest(&self) -> Result<String> {
        let file = match self {
            Self::Float(model, _) => &model.file,
            Self::Integer(file, _) => &file.file,
        };
        let mut digest = Digest::new();
        digest.update_bytes(&file.to_bytes()?);
        Ok(format!("{:016x}", digest.value()))
    }

    /// Returns the digest of the solver's times.
    pub(super) fn times(&self) -> String {
        match self {
            Self::Float(_, solver) => digest(&solver.times().collect::<Vec<_>>()),
            Self::Integer(_, solver) => {
                format!("{:016x}", golden::digest(&solver.times().collect::<Vec<_>>()))
            }
        }
    }

    /// Returns samples in data units, `[n, D]`, from `x_0` (`[n, D]`, flow units) under `c` (`[n, C]`, the user's
    /// units).
    pub(super) fn sample(&self, x_0: &Matrix, c: &Matrix) -> Matrix {
        match self {
            Self::Float(model, solver) => sampling::sample(&model.mlp, solver, x_0, c),
            Self::Integer(file, solver) => integer::sample(&file.mlp, solver, x_0, c).data,
        }
    }
}
