//! A path, step by step.

use alloc::vec::Vec;
use core::iter::FusedIterator;

use super::{HeapMlp, HeapSolver, Scratch};

/// Where a path is between two steps, as [`State`](crate::State): it may be copied, stored, changed and taken up again,
/// with the same bits.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct HeapState {
    /// The steps taken.
    pub i: usize,
    /// The point after them, in flow units, `[D]`.
    pub x: Vec<f32>,
    /// What [`SolverKind::AdamsBashforth2`](crate::SolverKind::AdamsBashforth2) remembers: the velocity at the start of
    /// the step before, `[D]`. `None` for the other methods, and before the first step.
    pub memory: Option<Vec<f32>>,
}

impl HeapState {
    /// At `x` (`[D]`) after `i` steps, with no memory of them.
    pub fn at(i: usize, x: &[f32]) -> Self {
        Self { i, x: x.to_vec(), memory: None }
    }
}

/// An iterator over the points of a path, each with its time, from [`HeapSolver::path`].
#[derive(Debug)]
pub struct HeapPath<'a> {
    pub(super) solver: &'a HeapSolver,
    pub(super) mlp: &'a HeapMlp,
    pub(super) c: &'a [f32],
    pub(super) scratch: &'a mut Scratch,
    /// The steps taken, the point after them and the method's memory.
    pub state: HeapState,
}

impl HeapPath<'_> {
    /// The point that the path is at, in data units, `[D]`.
    pub fn data(&self) -> Vec<f32> {
        let mut x = self.state.x.clone();
        self.mlp.to_data_units(&mut x);
        x
    }
}

impl Iterator for HeapPath<'_> {
    type Item = (f32, Vec<f32>);

    /// Takes a step and gives the time (`t_i + dt_i`) and the point (flow units, `[D]`) after it.
    fn next(&mut self) -> Option<Self::Item> {
        let time = self.solver.as_steps().get(self.state.i)?;
        self.solver.step(self.mlp, &mut self.state, self.c, self.scratch);
        Some((time.t + time.dt, self.state.x.clone()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.solver.steps().saturating_sub(self.state.i);
        (left, Some(left))
    }
}

impl ExactSizeIterator for HeapPath<'_> {}

impl FusedIterator for HeapPath<'_> {}
