//! Euler's method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::advance;
use super::{Method, SolverKind};
use crate::scalar::Scalar;

/// Euler's method: one evaluation per step, order 1.
///
/// ```text
/// v = v(t, x)
/// x ← x + (v · dt)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Euler;

impl Method for Euler {
    const KIND: SolverKind = SolverKind::Euler;
    type Memory<const D: usize, T: Scalar> = ();
}

impl Formula for Euler {
    type Velocities<X: Copy> = [X; 1];

    #[inline(always)]
    fn velocities<X: Copy>(x: X) -> [X; 1] {
        [x; 1]
    }

    #[inline(always)]
    fn step<T: Scalar>(
        x: &mut [T],
        StepTime { t, dt, .. }: StepTime<T>,
        _: Option<&[T]>,
        Stages { v: [v, ..], .. }: &mut Stages<'_, T>,
        mut velocity: impl FnMut(T, &[T], &mut [T]),
    ) {
        velocity(t, x, v);
        advance(x, v, dt);
    }
}
