//! The classical Runge–Kutta method.

use super::{Method, OneStep, Point, SolverKind, along};
use crate::kernel;

/// The classical Runge–Kutta method: four evaluations a step, order 4.
///
/// ```text
/// h  = dt · 0.5
/// v₁ = v(t, x)
/// v₂ = v(t + h, x + (v₁ · h))
/// v₃ = v(t + h, x + (v₂ · h))
/// v₄ = v(t + dt, x + (v₃ · dt))
/// x ← x + ((((v₁ + (2 · v₂)) + (2 · v₃)) + v₄) · (dt ÷ 6))
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rk4;

impl super::sealed::Sealed for Rk4 {}
impl OneStep for Rk4 {}

impl Method for Rk4 {
    const KIND: SolverKind = SolverKind::Rk4;
    type Memory<X: Point> = ();

    fn start<X: Point>() {}

    fn step<X: Point>(
        mut velocity: impl FnMut(f32, X) -> X,
        (t, dt): (f32, f32),
        _: Option<f32>,
        mut x: X,
        _: &mut (),
    ) -> X {
        let h = kernel::half(dt);
        let v_1 = velocity(t, x);
        let v_2 = velocity(t + h, along(x, &v_1, h));
        let v_3 = velocity(t + h, along(x, &v_2, h));
        let v_4 = velocity(t + dt, along(x, &v_3, dt));
        let sixth = kernel::sixth(dt);
        let velocities = [&v_1, &v_2, &v_3, &v_4].map(X::coordinates);
        kernel::rk4(x.coordinates_mut(), velocities, sixth);
        x
    }
}
