//! The two-step Adams–Bashforth method.

use super::{Method, Point, SolverKind, along};
use crate::kernel;

/// The two-step Adams–Bashforth method: one evaluation a step, order 2. It leans on the velocity at
/// the step before, which is its memory.
///
/// ```text
/// v = v(t, x)
/// x ← x + ((v + ((v − v_before) · ((dt · 0.5) ÷ dt_before))) · dt)
/// ```
///
/// A step that has none before, as the first, is Euler's. One such step keeps the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdamsBashforth2;

impl super::sealed::Sealed for AdamsBashforth2 {}

impl Method for AdamsBashforth2 {
    const KIND: SolverKind = SolverKind::AdamsBashforth2;
    type Memory<X: Point> = Option<X>;

    fn start<X: Point>() -> Option<X> {
        None
    }

    fn step<X: Point>(
        mut velocity: impl FnMut(f32, X) -> X,
        (t, dt): (f32, f32),
        dt_before: Option<f32>,
        mut x: X,
        before: &mut Option<X>,
    ) -> X {
        let v = velocity(t, x);
        let (Some(v_before), Some(dt_before)) = (before.replace(v), dt_before) else {
            return along(x, &v, dt);
        };
        let lean = kernel::lean(dt, dt_before);
        let (v, v_before) = (v.coordinates(), v_before.coordinates());
        kernel::adams_bashforth(x.coordinates_mut(), v, v_before, lean, dt);
        x
    }
}
