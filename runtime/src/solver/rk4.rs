//! The classical Runge–Kutta method.

use super::{Method, OneStep, SolverKind, along};
use crate::kernel;
use crate::velocity::VelocityField;

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
    type Memory<const D: usize> = ();

    fn start<const D: usize>() {}

    fn step<const D: usize, const C: usize>(
        field: &impl VelocityField<D, C>,
        (t, dt): (f32, f32),
        _: Option<f32>,
        mut x: [f32; D],
        c: [f32; C],
        _: &mut (),
    ) -> [f32; D] {
        let h = kernel::half(dt);
        let v_1 = field.velocity(t, x, c);
        let v_2 = field.velocity(t + h, along(x, &v_1, h), c);
        let v_3 = field.velocity(t + h, along(x, &v_2, h), c);
        let v_4 = field.velocity(t + dt, along(x, &v_3, dt), c);
        let sixth = kernel::sixth(dt);
        let velocities = v_1.iter().zip(&v_2).zip(&v_3).zip(&v_4);
        for (x, (((&v_1, &v_2), &v_3), &v_4)) in x.iter_mut().zip(velocities) {
            *x = kernel::rk4(*x, [v_1, v_2, v_3, v_4], sixth);
        }
        x
    }
}
