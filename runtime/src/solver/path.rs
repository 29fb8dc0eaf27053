//! A path in the making.

use core::iter::FusedIterator;

use super::{Method, Solver};
use crate::velocity::VelocityField;

/// A path in the making, from [`Solver::path`].
///
/// Its whole state is `(i, x)`, and for a method that looks back its memory: a game may copy it,
/// store it, change `x` between two steps, and go on with `path_from`, with the same bits.
#[derive(Debug)]
pub struct Path<'a, S: Method, M, const D: usize, const C: usize, const N: usize> {
    pub(super) solver: &'a Solver<S, N>,
    pub(super) field: &'a M,
    pub(super) c: [f32; C],
    /// The steps taken.
    pub i: usize,
    /// Where the path is after them, in flow units.
    pub x: [f32; D],
    /// What the step before left for the next: `()`, or of
    /// [`AdamsBashforth2`](super::AdamsBashforth2) the velocity at its start. Without it, `None`,
    /// the next step is Euler's: so it may be after `x` was moved far.
    pub memory: S::Memory<[f32; D]>,
}

impl<S: Method, M, const D: usize, const C: usize, const N: usize> Clone
    for Path<'_, S, M, D, C, N>
{
    fn clone(&self) -> Self {
        Self { ..*self }
    }
}

impl<S: Method, M: VelocityField<D, C>, const D: usize, const C: usize, const N: usize>
    Path<'_, S, M, D, C, N>
{
    /// Where the path is, in data units.
    pub fn data(&self) -> [f32; D] {
        self.field.to_data_units(self.x)
    }
}

impl<S: Method, M: VelocityField<D, C>, const D: usize, const C: usize, const N: usize> Iterator
    for Path<'_, S, M, D, C, N>
{
    type Item = (f32, [f32; D]);

    /// Takes a step and gives the time (`t_i + dt_i`) and the point (flow units) after it.
    fn next(&mut self) -> Option<Self::Item> {
        let (&t, &dt) = (self.solver.t.get(self.i)?, self.solver.dt.get(self.i)?);
        let velocity = |t, x| self.field.velocity(t, x, self.c);
        self.x = self.solver.advance(velocity, self.i, self.x, &mut self.memory);
        self.i += 1;
        Some((t + dt, self.x))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = N.saturating_sub(self.i);
        (left, Some(left))
    }
}

impl<S: Method, M: VelocityField<D, C>, const D: usize, const C: usize, const N: usize>
    ExactSizeIterator for Path<'_, S, M, D, C, N>
{
}

impl<S: Method, M: VelocityField<D, C>, const D: usize, const C: usize, const N: usize>
    FusedIterator for Path<'_, S, M, D, C, N>
{
}
