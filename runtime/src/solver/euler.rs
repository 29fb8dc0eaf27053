//! Euler's method.

use super::{Method, OneStep, SolverKind};
use crate::velocity::VelocityField;

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
        super::along(x, &field.velocity(t, x, c), dt)
    }
}
