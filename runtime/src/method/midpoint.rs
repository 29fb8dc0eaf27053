//! The midpoint method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::{advance, advance_into};
use super::{Method, SolverKind};
use crate::scalar::Scalar;

/// The midpoint method: two evaluations per step, order 2.
///
/// ```text
/// h  = dt · 0.5
/// v₁ = v(t, x)
/// v₂ = v(t.later(h), x + (v₁ · h))
/// x ← x + (v₂ · dt)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Midpoint;

impl Method for Midpoint {
    const KIND: SolverKind = SolverKind::Midpoint;
    type Memory<const D: usize, T: Scalar> = ();
}

impl Formula for Midpoint {
    type Velocities<X: Copy> = [X; 2];

    #[inline(always)]
    fn velocities<X: Copy>(x: X) -> [X; 2] {
        [x; 2]
    }

    #[inline(always)]
    fn step<T: Scalar>(
        x: &mut [T],
        StepTime { t, dt, .. }: StepTime<T>,
        _: Option<&[T]>,
        Stages { point, v: [v_1, v_2, ..] }: &mut Stages<'_, T>,
        mut velocity: impl FnMut(T, &[T], &mut [T]),
    ) {
        let h = dt.half();
        velocity(t, x, v_1);
        advance_into(point, x, v_1, h);
        velocity(t.later(h), point, v_2);
        advance(x, v_2, dt);
    }
}
