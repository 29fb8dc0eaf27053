//! The two-step Adams–Bashforth method.

use super::{Method, SolverKind, along};
use crate::kernel;
use crate::velocity::VelocityField;

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
    type Memory<const D: usize> = Option<[f32; D]>;

    fn start<const D: usize>() -> Option<[f32; D]> {
        None
    }

    fn step<const D: usize, const C: usize>(
        field: &impl VelocityField<D, C>,
        (t, dt): (f32, f32),
        dt_before: Option<f32>,
        mut x: [f32; D],
        c: [f32; C],
        before: &mut Option<[f32; D]>,
    ) -> [f32; D] {
        let v = field.velocity(t, x, c);
        let (Some(v_before), Some(dt_before)) = (before.replace(v), dt_before) else {
            return along(x, &v, dt);
        };
        let lean = kernel::lean(dt, dt_before);
        for ((x, &v), &v_before) in x.iter_mut().zip(&v).zip(&v_before) {
            *x = kernel::adams_bashforth(*x, v, v_before, lean, dt);
        }
        x
    }
}
