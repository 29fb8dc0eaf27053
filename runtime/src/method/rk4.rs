//! The classical Runge–Kutta method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::advance_into;
use super::{Method, SolverKind};
use crate::scalar::Scalar;

/// The classical Runge–Kutta method: four evaluations per step, order 4.
///
/// ```text
/// h  = dt · 0.5
/// v₁ = v(t, x)
/// v₂ = v(t.later(h), x + (v₁ · h))
/// v₃ = v(t.later(h), x + (v₂ · h))
/// v₄ = v(t.later(dt), x + (v₃ · dt))
/// x ← x + ((((v₁ + (2 · v₂)) + (2 · v₃)) + v₄) · (dt ÷ 6))
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rk4;

impl Method for Rk4 {
    const KIND: SolverKind = SolverKind::Rk4;
    type Memory<const D: usize, T: Scalar> = ();
}

impl Formula for Rk4 {
    type Velocities<X: Copy> = [X; 4];

    #[inline(always)]
    fn velocities<X: Copy>(x: X) -> [X; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn step<T: Scalar>(
        x: &mut [T],
        StepTime { t, dt, .. }: StepTime<T>,
        _: Option<&[T]>,
        Stages { point, v: [v_1, v_2, v_3, v_4] }: &mut Stages<'_, T>,
        mut velocity: impl FnMut(T, &[T], &mut [T]),
    ) {
        let h = dt.half();
        velocity(t, x, v_1);
        advance_into(point, x, v_1, h);
        velocity(t.later(h), point, v_2);
        advance_into(point, x, v_2, h);
        velocity(t.later(h), point, v_3);
        advance_into(point, x, v_3, dt);
        velocity(t.later(dt), point, v_4);
        finish(x, [v_1, v_2, v_3, v_4], dt.sixth());
    }
}

/// `x ← x + ((((v₁ + (2 · v₂)) + (2 · v₃)) + v₄) · sixth)`, for each coordinate.
fn finish<T: Scalar>(x: &mut [T], [v_1, v_2, v_3, v_4]: [&[T]; 4], sixth: T) {
    let velocities = v_1.iter().zip(v_2).zip(v_3).zip(v_4);
    for (x, (((&v_1, &v_2), &v_3), &v_4)) in x.iter_mut().zip(velocities) {
        *x = x.advanced_by_four([v_1, v_2, v_3, v_4], sixth);
    }
}
