//! An iterator over the steps of a path.

use alloc::vec::Vec;
use core::iter::FusedIterator;

use super::{HeapMlp, HeapSolver, HeapState, Scratch};

/// An iterator over the points of a path, each with its time, from [`HeapSolver::path`].
#[derive(Debug)]
pub struct HeapPath<'a> {
    pub(super) solver: &'a HeapSolver,
    pub(super) mlp: &'a HeapMlp,
    pub(super) c: &'a [f32],
    pub(super) scratch: &'a mut Scratch,
    /// The number of steps taken, the current point and the method's memory.
    pub state: HeapState,
}

impl HeapPath<'_> {
    /// The current point in data units, `[D]`.
    pub fn data(&self) -> Vec<f32> {
        let mut x = self.state.x.clone();
        self.mlp.to_data_units(&mut x);
        x
    }
}

impl Iterator for HeapPath<'_> {
    type Item = (f32, Vec<f32>);

    /// Takes a step. Returns the time (`t_i + dt_i`) and the point (flow units, `[D]`) after it.
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

impl HeapSolver {
    /// Returns an iterator that takes one step at a time, from `x_0` (`[D]`). It yields the time and the
    /// point after each of the `N` steps.
    ///
    /// # Panics
    ///
    /// The iterator panics as [`Self::sample`] does.
    pub fn path<'a>(
        &'a self,
        mlp: &'a HeapMlp,
        x_0: &[f32],
        c: &'a [f32],
        scratch: &'a mut Scratch,
    ) -> HeapPath<'a> {
        self.path_from(mlp, self.start(x_0), c, scratch)
    }

    /// Continues a path from a state.
    ///
    /// # Panics
    ///
    /// Panics as [`Self::path`] does.
    pub fn path_from<'a>(
        &'a self,
        mlp: &'a HeapMlp,
        state: HeapState,
        c: &'a [f32],
        scratch: &'a mut Scratch,
    ) -> HeapPath<'a> {
        HeapPath { solver: self, mlp, c, scratch, state }
    }
}
