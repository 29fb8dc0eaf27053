//! An iterator over the steps of a path.

use alloc::vec::Vec;
use core::iter::FusedIterator;

use super::model::check_point;
use super::{HeapMlp, HeapModel, HeapSolverOf, HeapState, ScratchOf};
use crate::scalar::Scalar;
use crate::scalar::sealed::Arithmetic as _;

/// An iterator over the points of a path, each with its time, from [`HeapSolverOf::path`].
#[derive(Debug)]
pub struct HeapPath<'a, M: HeapModel = HeapMlp> {
    pub(super) solver: &'a HeapSolverOf<M::Number>,
    pub(super) mlp: &'a M,
    pub(super) c: &'a [M::Number],
    pub(super) scratch: &'a mut ScratchOf<M::Number, M::Buffers>,
    /// The number of steps taken, the current point and the method's memory.
    pub state: HeapState<M::Number>,
}

impl<M: HeapModel> HeapPath<'_, M> {
    /// The current point in data units, `[D]`.
    ///
    /// # Panics
    ///
    /// Panics if the state's point has another length.
    pub fn data(&self) -> Vec<M::Number> {
        check_point(self.mlp, &self.state.x);
        let mut x = self.state.x.clone();
        self.mlp.point_to_data_units(&mut x);
        x
    }
}

impl<M: HeapModel> Iterator for HeapPath<'_, M> {
    type Item = (M::Number, Vec<M::Number>);

    /// Takes a step. Returns the time (`t_i + dt_i`) and the point (flow units, `[D]`) after it.
    fn next(&mut self) -> Option<Self::Item> {
        let time = self.solver.as_steps().get(self.state.i)?;
        self.solver.step(self.mlp, &mut self.state, self.c, self.scratch);
        Some((time.t.later(time.dt), self.state.x.clone()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.solver.steps().saturating_sub(self.state.i);
        (left, Some(left))
    }
}

impl<M: HeapModel> ExactSizeIterator for HeapPath<'_, M> {}

impl<M: HeapModel> FusedIterator for HeapPath<'_, M> {}

impl<T: Scalar> HeapSolverOf<T> {
    /// Returns an iterator that takes one step at a time, from `x_0` (`[D]`). It yields the time and the
    /// point after each of the `N` steps.
    ///
    /// # Panics
    ///
    /// The iterator panics as [`Self::sample`] does.
    pub fn path<'a, M: HeapModel<Number = T>>(
        &'a self,
        mlp: &'a M,
        x_0: &[T],
        c: &'a [T],
        scratch: &'a mut ScratchOf<T, M::Buffers>,
    ) -> HeapPath<'a, M> {
        self.path_from(mlp, self.start(x_0), c, scratch)
    }

    /// Continues a path from a state.
    ///
    /// # Panics
    ///
    /// Panics as [`Self::path`] does.
    pub fn path_from<'a, M: HeapModel<Number = T>>(
        &'a self,
        mlp: &'a M,
        state: HeapState<T>,
        c: &'a [T],
        scratch: &'a mut ScratchOf<T, M::Buffers>,
    ) -> HeapPath<'a, M> {
        HeapPath { solver: self, mlp, c, scratch, state }
    }
}
