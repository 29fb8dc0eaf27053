//! Euler's method.

use super::{Method, OneStep, Point, SolverKind, along};

/// Euler's method: one evaluation a step, order 1.
///
/// ```text
/// v = v(t, x)
/// x ← x + (v · dt)
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Euler;

impl super::sealed::Sealed for Euler {}
impl OneStep for Euler {}

impl Method for Euler {
    const KIND: SolverKind = SolverKind::Euler;
    type Memory<X: Point> = ();

    fn start<X: Point>() {}

    fn step<X: Point>(
        mut velocity: impl FnMut(f32, X) -> X,
        (t, dt): (f32, f32),
        _: Option<f32>,
        x: X,
        _: &mut (),
    ) -> X {
        along(x, &velocity(t, x), dt)
    }
}
