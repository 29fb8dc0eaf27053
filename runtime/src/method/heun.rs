//! Heun's method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::{advance_into, advanced, half};
use super::{Method, SolverKind};

/// Heun's method, the explicit trapezoidal rule: two evaluations per step, order 2. The second evaluation is
/// at the end of the step.
///
/// ```text
/// v₁ = v(t, x)
/// v₂ = v(t + dt, x + (v₁ · dt))
/// x ← x + ((v₁ + v₂) · (dt · 0.5))
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heun;

impl Method for Heun {
    const KIND: SolverKind = SolverKind::Heun;
    type Memory<const D: usize> = ();
}

impl Formula for Heun {
    type Velocities<X: Copy> = [X; 2];

    #[inline(always)]
    fn velocities<X: Copy>(x: X) -> [X; 2] {
        [x; 2]
    }

    #[inline(always)]
    fn step(
        x: &mut [f32],
        StepTime { t, dt, .. }: StepTime,
        _: Option<&[f32]>,
        Stages { point, v: [v_1, v_2, ..] }: &mut Stages<'_>,
        mut velocity: impl FnMut(f32, &[f32], &mut [f32]),
    ) {
        velocity(t, x, v_1);
        advance_into(point, x, v_1, dt);
        velocity(t + dt, point, v_2);
        finish(x, v_1, v_2, half(dt));
    }
}

/// `x ← x + ((v₁ + v₂) · h)`, for each coordinate.
fn finish(x: &mut [f32], v_1: &[f32], v_2: &[f32], h: f32) {
    for ((x, &v_1), &v_2) in x.iter_mut().zip(v_1).zip(v_2) {
        *x = advanced(*x, v_1 + v_2, h);
    }
}
