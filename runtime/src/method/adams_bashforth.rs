//! The two-step Adams–Bashforth method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::{advance, advanced, half};
use super::{Method, SolverKind};

/// The two-step Adams–Bashforth method: one evaluation per step, order 2. It also uses the velocity at the
/// start of the previous step (`v_before`), which is its memory.
///
/// ```text
/// v = v(t, x)
/// x ← x + ((v + ((v − v_before) · ((dt · 0.5) ÷ dt_before))) · dt)
/// ```
///
/// A step without memory, such as the first one, is an Euler step. One Euler step does not lower the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdamsBashforth2;

impl Method for AdamsBashforth2 {
    const KIND: SolverKind = SolverKind::AdamsBashforth2;
    type Memory<const D: usize> = Option<[f32; D]>;
}

impl Formula for AdamsBashforth2 {
    type Velocities<X: Copy> = [X; 1];

    #[inline(always)]
    fn velocities<X: Copy>(x: X) -> [X; 1] {
        [x; 1]
    }

    #[inline(always)]
    fn step(
        x: &mut [f32],
        StepTime { t, dt, dt_before }: StepTime,
        before: Option<&[f32]>,
        Stages { v: [v, ..], .. }: &mut Stages<'_>,
        mut velocity: impl FnMut(f32, &[f32], &mut [f32]),
    ) {
        velocity(t, x, v);
        let (Some(before), Some(dt_before)) = (before, dt_before) else {
            return advance(x, v, dt);
        };
        extrapolate(x, v, before, half(dt) / dt_before, dt);
    }
}

/// `x ← x + ((v + ((v − v_before) · factor)) · dt)`, for each coordinate.
fn extrapolate(x: &mut [f32], v: &[f32], before: &[f32], factor: f32, dt: f32) {
    for ((x, &v), &before) in x.iter_mut().zip(v).zip(before) {
        *x = advanced(*x, v + (v - before) * factor, dt);
    }
}
