//! The two-step Adams–Bashforth method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::advance;
use super::{Method, SolverKind};
use crate::scalar::Scalar;

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
    type Memory<const D: usize, T: Scalar> = Option<[T; D]>;
}

impl Formula for AdamsBashforth2 {
    type Velocities<X: Copy> = [X; 1];

    #[inline(always)]
    fn velocities<X: Copy>(x: X) -> [X; 1] {
        [x; 1]
    }

    #[inline(always)]
    fn step<T: Scalar>(
        x: &mut [T],
        StepTime { t, dt, dt_before }: StepTime<T>,
        before: Option<&[T]>,
        Stages { v: [v, ..], .. }: &mut Stages<'_, T>,
        mut velocity: impl FnMut(T, &[T], &mut [T]),
    ) {
        velocity(t, x, v);
        let (Some(before), Some(dt_before)) = (before, dt_before) else {
            return advance(x, v, dt);
        };
        extrapolate(x, v, before, dt.lean(dt_before), dt);
    }
}

/// The step after the first one, for each coordinate.
fn extrapolate<T: Scalar>(x: &mut [T], v: &[T], before: &[T], lean: T, dt: T) {
    for ((x, &v), &before) in x.iter_mut().zip(v).zip(before) {
        *x = x.extrapolated(v, before, lean, dt);
    }
}
