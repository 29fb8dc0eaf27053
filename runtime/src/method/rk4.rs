//! The classical Runge–Kutta method.

use super::sealed::{Formula, Stages, StepTime};
use super::step::{advance_into, advanced, half};
use super::{Method, SolverKind};

/// The classical Runge–Kutta method: four evaluations per step, order 4.
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

impl Method for Rk4 {
    const KIND: SolverKind = SolverKind::Rk4;
    type Memory<const D: usize> = ();
}

impl Formula for Rk4 {
    type Velocities<X: Copy> = [X; 4];

    #[inline(always)]
    fn velocities<X: Copy>(x: X) -> [X; 4] {
        [x; 4]
    }

    #[inline(always)]
    fn step(
        x: &mut [f32],
        StepTime { t, dt, .. }: StepTime,
        _: Option<&[f32]>,
        Stages { point, v: [v_1, v_2, v_3, v_4] }: &mut Stages<'_>,
        mut velocity: impl FnMut(f32, &[f32], &mut [f32]),
    ) {
        let h = half(dt);
        velocity(t, x, v_1);
        advance_into(point, x, v_1, h);
        velocity(t + h, point, v_2);
        advance_into(point, x, v_2, h);
        velocity(t + h, point, v_3);
        advance_into(point, x, v_3, dt);
        velocity(t + dt, point, v_4);
        finish(x, [v_1, v_2, v_3, v_4], dt / 6.0);
    }
}

/// `x ← x + ((((v₁ + (2 · v₂)) + (2 · v₃)) + v₄) · sixth)`, for each coordinate.
fn finish(x: &mut [f32], [v_1, v_2, v_3, v_4]: [&[f32]; 4], sixth: f32) {
    let velocities = v_1.iter().zip(v_2).zip(v_3).zip(v_4);
    for (x, (((v_1, v_2), v_3), v_4)) in x.iter_mut().zip(velocities) {
        *x = advanced(*x, v_1 + 2.0 * v_2 + 2.0 * v_3 + v_4, sixth);
    }
}
