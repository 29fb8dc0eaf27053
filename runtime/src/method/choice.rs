//! Steps with a method that is chosen at run time.

use super::sealed::{Formula, Stages, StepTime};
use super::{AdamsBashforth2, Euler, Heun, Midpoint, Rk4, SolverKind};

impl SolverKind {
    /// Takes a step with this method: [`Formula::step`].
    #[inline]
    pub(crate) fn step(
        self,
        x: &mut [f32],
        time: StepTime,
        before: Option<&[f32]>,
        stages: &mut Stages<'_>,
        velocity: impl FnMut(f32, &[f32], &mut [f32]),
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
