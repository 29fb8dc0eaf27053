//! The midpoint method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::{advance, advance_into, half};
use super::{Method, SolverKind};

/// The midpoint method: two evaluations per step, order 2.
///
/// ```text
/// h  = dt · 0.5
/// v₁ = v(t, x)
/// v₂ = v(t + h, x + (v₁ · h))
/// x ← x + (v₂ · dt)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Midpoint;

impl Method for Midpoint {
    const KIND: SolverKind = SolverKind::Midpoint;
    type Memory<const D: usize> = ();
}

impl Formula for Midpoint {
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
        let h = half(dt);
        velocity(t, x, v_1);
        advance_into(point, x, v_1, h);
        velocity(t + h, point, v_2);
        advance(x, v_2, dt);
    }
}
