//! The midpoint method.

use super::{Method, OneStep, SolverKind, along};
use crate::kernel;
use crate::velocity::VelocityField;

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
    type Memory<const D: usize> = ();

    fn start<const D: usize>() {}

    fn step<const D: usize, const C: usize>(
        field: &impl VelocityField<D, C>,
        (t, dt): (f32, f32),
        _: Option<f32>,
        x: [f32; D],
        c: [f32; C],
        _: &mut (),
    ) -> [f32; D] {
        let h = kernel::half(dt);
        let v_1 = field.velocity(t, x, c);
        let v_2 = field.velocity(t + h, along(x, &v_1, h), c);
        along(x, &v_2, dt)
    }
}
