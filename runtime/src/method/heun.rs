//! Heun's method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::advance_into;
use super::{Method, SolverKind};
use crate::scalar::Scalar;

/// Heun's method, the explicit trapezoidal rule: two evaluations per step, order 2. The second evaluation is
/// at the end of the step.
///
/// ```text
/// v₁ = v(t, x)
/// v₂ = v(t.later(dt), x + (v₁ · dt))
/// x ← x + ((v₁ + v₂) · (dt · 0.5))
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heun;

impl Method for Heun {
    const KIND: SolverKind = SolverKind::Heun;
    type Memory<const D: usize, T: Scalar> = ();
}

impl Formula for Heun {
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
        velocity(t, x, v_1);
        advance_into(point, x, v_1, dt);
        velocity(t.later(dt), point, v_2);
        finish(x, v_1, v_2, dt.half());
    }
}

/// `x ← x + ((v₁ + v₂) · h)`, for each coordinate.
fn finish<T: Scalar>(x: &mut [T], v_1: &[T], v_2: &[T], h: T) {
    for ((x, &v_1), &v_2) in x.iter_mut().zip(v_1).zip(v_2) {
        *x = x.advanced_by_two([v_1, v_2], h);
    }
}
