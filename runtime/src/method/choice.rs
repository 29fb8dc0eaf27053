//! Steps with a method that is chosen at run time.

use super::sealed::{Formula, Stages, StepTime};
use super::{AdamsBashforth2, Euler, Heun, Midpoint, Rk4, SolverKind};
use crate::scalar::Scalar;

impl SolverKind {
    /// Takes a step with this method: [`Formula::step`].
    #[inline]
    pub(crate) fn step<T: Scalar>(
        self,
        x: &mut [T],
        time: StepTime<T>,
        before: Option<&[T]>,
        stages: &mut Stages<'_, T>,
        velocity: impl FnMut(T, &[T], &mut [T]),
    ) {
        match self {
            Self::Euler => Euler::step(x, time, before, stages, velocity),
            Self::Midpoint => Midpoint::step(x, time, before, stages, velocity),
            Self::Heun => Heun::step(x, time, before, stages, velocity),
            Self::Rk4 => Rk4::step(x, time, before, stages, velocity),
            Self::AdamsBashforth2 => AdamsBashforth2::step(x, time, before, stages, velocity),
        }
    }
}
