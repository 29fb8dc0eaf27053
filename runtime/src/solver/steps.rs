//! Steps whose method and grid are known at run time.

use super::SolverKind;
use crate::kernel;

/// The steps of a path: a method, and the grid of times on which it steps.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    /// The method.
    pub kind: SolverKind,
    /// When each step begins, `[N]`.
    pub t: &'a [f32],
    /// How long it is, `[N]`.
    pub dt: &'a [f32],
}

/// Buffers for a step's point and velocities, as long as a point each.
pub struct Stages<'a> {
    /// The point of a stage after the first.
    pub point: &'a mut [f32],
    /// The velocities.
    pub v: [&'a mut [f32]; 4],
}

impl Steps<'_> {
    /// Goes all steps from `x` on. The operations are those of the [methods](super::method), in the same
    /// order.
    #[inline(always)]
    pub(crate) fn walk(
        self,
        x: &mut [f32],
        stages: &mut Stages<'_>,
        mut velocity: impl FnMut(f32, &[f32], &mut [f32]),
        mut after_step: impl FnMut(usize, &[f32]),
    ) {
        let Stages { point, v } = stages;
        let mut dt_before = None;
        for (i, (&t, &dt)) in self.t.iter().zip(self.dt).enumerate() {
            let h = kernel::half(dt);
            // How far each stage after the first is ahead of the step's start.
            let ahead = match self.kind {
                SolverKind::Heun => [dt; 3],
                _ => [h, h, dt],
            };
            // One call for all stages: what gives the velocity is inlined.
            for stage in 0..self.kind.evaluations() {
                let (mut t, mut at) = (t, &*x);
                if stage > 0 {
                    point.copy_from_slice(x);
                    euler(point, v[stage - 1], ahead[stage - 1]);
                    (t, at) = (t + ahead[stage - 1], &**point);
                }
                velocity(t, at, v[stage]);
            }
            let [v_1, v_2, v_3, v_4] = v;
            match (self.kind, dt_before) {
                (SolverKind::Euler, _) | (SolverKind::AdamsBashforth2, None) => {
                    euler(x, v_1, dt);
                }
                (SolverKind::Midpoint, _) => euler(x, v_2, dt),
                (SolverKind::Heun, _) => kernel::heun(x, v_1, v_2, h),
                (SolverKind::Rk4, _) => kernel::rk4(x, [v_1, v_2, v_3, v_4], kernel::sixth(dt)),
                (SolverKind::AdamsBashforth2, Some(dt_before)) => {
                    kernel::adams_bashforth(x, v_1, v_2, kernel::lean(dt, dt_before), dt);
                }
            }
            if self.kind == SolverKind::AdamsBashforth2 {
                v.swap(0, 1);
            }
            dt_before = Some(dt);
            after_step(i, x);
        }
    }
}

/// As [`kernel::euler`], under the caller's vectors.
#[inline(always)]
fn euler(x: &mut [f32], v: &[f32], dt: f32) {
    const SIDE_BY_SIDE: usize = 8;
    let (chunks, rest) = x.as_chunks_mut::<SIDE_BY_SIDE>();
    let (v_chunks, v_rest) = v.as_chunks::<SIDE_BY_SIDE>();
    for (x, v) in chunks.iter_mut().zip(v_chunks) {
        for (x, &v) in x.iter_mut().zip(v) {
            *x = kernel::along(*x, v, dt);
        }
    }
    for (x, &v) in rest.iter_mut().zip(v_rest) {
        *x += v * dt;
        kernel::make_one_canonical(x);
    }
}
