//! Heun's method.

use super::{Method, OneStep, SolverKind, along};
use crate::kernel;
use crate::velocity::VelocityField;

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
        let v_1 = field.velocity(t, x, c);
        let v_2 = field.velocity(t + dt, along(x, &v_1, dt), c);
        let h = kernel::half(dt);
        for ((x, &v_1), &v_2) in x.iter_mut().zip(&v_1).zip(&v_2) {
            *x = kernel::heun(*x, v_1, v_2, h);
        }
        x
    }
}
