//! An iterator over the steps of a path.

use core::iter::FusedIterator;

use super::{SolverOf, State};
use crate::method::Method;
use crate::scalar::Scalar;
use crate::velocity::VelocityField;

/// An iterator over the points of a path, each with its time, from [`SolverOf::path`].
///
/// Its whole state is in [`Self::state`], which may be copied, stored or changed between two steps.
/// [`SolverOf::path_from`] continues from a copy, with the same bits.
#[derive(Debug)]
pub struct Path<'a, S: Method, M, const D: usize, const C: usize, const N: usize, T: Scalar = f32> {
    pub(super) solver: &'a SolverOf<S, N, T>,
    pub(super) field: &'a M,
    pub(super) c: [T; C],
    /// The number of steps taken, the current point and the method's memory.
    pub state: State<D, S::Memory<D, T>, T>,
}

impl<S: Method, M, const D: usize, const C: usize, const N: usize, T: Scalar> Clone
    for Path<'_, S, M, D, C, N, T>
{
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<S: Method, M, const D: usize, const C: usize, const N: usize, T: Scalar>
    Path<'_, S, M, D, C, N, T>
where
    M: VelocityField<D, C, T>,
{
    /// The current point, in data units.
    pub fn data(&self) -> [T; D] {
        self.field.to_data_units(self.state.x)
    }
}

impl<S: Method, M, const D: usize, const C: usize, const N: usize, T: Scalar> Iterator
    for Path<'_, S, M, D, C, N, T>
where
    M: VelocityField<D, C, T>,
{
    type Item = (T, [T; D]);

    /// Takes a step. Returns the time (`t_i + dt_i`) and the point (flow units) after it.
    fn next(&mut self) -> Option<Self::Item> {
        let time = self.solver.steps().get(self.state.i)?;
        self.solver.step(self.field, &mut self.state, self.c);
        Some((time.t.later(time.dt), self.state.x))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = N.saturating_sub(self.state.i);
        (left, Some(left))
    }
}

impl<S: Method, M, const D: usize, const C: usize, const N: usize, T: Scalar> ExactSizeIterator
    for Path<'_, S, M, D, C, N, T>
where
    M: VelocityField<D, C, T>,
{
}

impl<S: Method, M, const D: usize, const C: usize, const N: usize, T: Scalar> FusedIterator
    for Path<'_, S, M, D, C, N, T>
where
    M: VelocityField<D, C, T>,
{
}

impl<S: Method, const N: usize, T: Scalar> SolverOf<S, N, T> {
    /// Returns an iterator that takes one step at a time. It yields the time and the point after each of the
    /// `N` steps.
    pub fn path<'a, const D: usize, const C: usize, M: VelocityField<D, C, T>>(
        &'a self,
        field: &'a M,
        x_0: [T; D],
        c: [T; C],
    ) -> Path<'a, S, M, D, C, N, T> {
        self.path_from(field, self.start(x_0), c)
    }

    /// Continues a path from a state, for example from a saved game.
    pub fn path_from<'a, const D: usize, const C: usize, M: VelocityField<D, C, T>>(
        &'a self,
        field: &'a M,
        state: State<D, S::Memory<D, T>, T>,
        c: [T; C],
    ) -> Path<'a, S, M, D, C, N, T> {
        Path { solver: self, field, c, state }
    }
}
