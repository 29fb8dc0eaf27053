//! Heun's method.

use super::{Method, OneStep, Point, SolverKind, along};
use crate::kernel;

/// Heun's method, the explicit trapezoidal rule: two evaluations a step, order 2. The second is at
/// the step's end.
///
/// ```text
/// v₁ = v(t, x)
/// v₂ = v(t + dt, x + (v₁ · dt))
/// x ← x + ((v₁ + v₂) · (dt · 0.5))
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heun;

impl super::sealed::Sealed for Heun {}
impl OneStep for Heun {}

impl Method for Heun {
    const KIND: SolverKind = SolverKind::Heun;
    type Memory<X: Point> = ();

    fn start<X: Point>() {}

    fn step<X: Point>(
        mut velocity: impl FnMut(f32, X) -> X,
        (t, dt): (f32, f32),
        _: Option<f32>,
        mut x: X,
        _: &mut (),
    ) -> X {
        let v_1 = velocity(t, x);
        let v_2 = velocity(t + dt, along(x, &v_1, dt));
        let h = kernel::half(dt);
        kernel::heun(x.coordinates_mut(), v_1.coordinates(), v_2.coordinates(), h);
        x
    }
}
