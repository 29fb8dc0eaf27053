//! Euler's method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::advance;
use super::{Method, SolverKind};

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
    type Memory<const D: usize> = ();
}

impl Formula for Euler {
    type Velocities<X: Copy> = [X; 1];

    #[inline(always)]
    fn velocities<X: Copy>(x: X) -> [X; 1] {
        [x; 1]
    }

    #[inline(always)]
    fn step(
        x: &mut [f32],
        StepTime { t, dt, .. }: StepTime,
        _: Option<&[f32]>,
        Stages { v: [v, ..], .. }: &mut Stages<'_>,
        mut velocity: impl FnMut(f32, &[f32], &mut [f32]),
    ) {
        velocity(t, x, v);
        advance(x, v, dt);
    }
}
