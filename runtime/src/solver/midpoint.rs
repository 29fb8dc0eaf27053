//! The midpoint method.

use super::{Method, OneStep, Point, SolverKind, along};
use crate::kernel;

/// The midpoint method: two evaluations a step, order 2.
///
/// ```text
/// h  = dt · 0.5
/// v₁ = v(t, x)
/// v₂ = v(t + h, x + (v₁ · h))
/// x ← x + (v₂ · dt)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Midpoint;

impl super::sealed::Sealed for Midpoint {}
impl OneStep for Midpoint {}

impl Method for Midpoint {
    const KIND: SolverKind = SolverKind::Midpoint;
    type Memory<X: Point> = ();

    fn start<X: Point>() {}

    fn step<X: Point>(
        mut velocity: impl FnMut(f32, X) -> X,
        (t, dt): (f32, f32),
        _: Option<f32>,
        x: X,
        _: &mut (),
    ) -> X {
        let h = kernel::half(dt);
        let v_1 = velocity(t, x);
        let v_2 = velocity(t + h, along(x, &v_1, h));
        along(x, &v_2, dt)
    }
}
