//! Solvers whose method and grid are chosen at run time.

use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use core::num::NonZeroUsize;

use super::SolverKind;
use super::grid::{GridError, between, uniform};
use crate::heap::{HeapMlp, Scratch};
use crate::kernel;

/// A [`Solver`](super::Solver) whose method and grid are chosen at run time. Same kernels, same
/// bits.
#[derive(Clone, Debug, PartialEq)]
pub struct HeapSolver {
    kind: SolverKind,
    t: Vec<f32>,
    dt: Vec<f32>,
    guidance: Option<Guidance>,
}

#[derive(Clone, Debug, PartialEq)]
struct Guidance {
    weight: f32,
    /// `[C]`
    unconditional: Vec<f32>,
}

/// The points and velocities within a step, `[D]` each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stages {
    point: Vec<f32>,
    v: [Vec<f32>; 4],
}

impl Stages {
    pub(crate) fn new(data_dim: usize) -> Self {
        let zeros = vec![0.0; data_dim];
        Self { point: zeros.clone(), v: [zeros.clone(), zeros.clone(), zeros.clone(), zeros] }
    }
}

impl HeapSolver {
    /// `steps` steps of equal length from 0 to 1, at most 2²⁴ of them.
    pub fn uniform(kind: SolverKind, steps: NonZeroUsize) -> Self {
        let n = steps.get().min(1 << 24);
        let (t, dt) = (0..n).map(|i| uniform(i, n)).unzip();
        Self { kind, t, dt, guidance: None }
    }

    /// The steps between `times`, `[N + 1]`.
    ///
    /// # Errors
    ///
    /// [`GridError`] when the times do not increase, are not finite, or are fewer than two.
    pub fn on_grid(kind: SolverKind, times: &[f32]) -> Result<Self, GridError> {
        if !(2..=(1 << 24) + 1).contains(&times.len()) {
            return Err(GridError::Count { found: times.len() });
        }
        let steps = times.windows(2).enumerate();
        let steps = steps.map(|(i, pair)| between(pair[0], pair[1], i));
        let (t, dt) = steps.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok(Self { kind, t, dt, guidance: None })
    }

    /// The same solver under guidance, as [`Guided`](crate::Guided): `unconditional` (`[C]`, the
    /// user's units) is the condition that stands for none.
    pub fn guided(self, weight: f32, unconditional: Vec<f32>) -> Self {
        Self { guidance: Some(Guidance { weight, unconditional }), ..self }
    }

    /// The method.
    pub fn kind(&self) -> SolverKind {
        self.kind
    }

    /// The number of steps, `N`.
    pub fn steps(&self) -> usize {
        self.t.len()
    }

    /// Evaluations of the network for a sample.
    pub fn evaluations(&self) -> usize {
        let each = if self.guidance.is_some() { 2 } else { 1 };
        each * self.kind.evaluations() * self.steps()
    }

    /// The times before each step and after the last, `[N + 1]`.
    pub fn times(&self) -> impl Iterator<Item = f32> {
        let end = self.t.last().zip(self.dt.last()).map(|(t, dt)| t + dt);
        self.t.iter().copied().chain(end)
    }

    /// All steps at once, in place: `x` (`[D]`) is noise before and a sample in data units after.
    ///
    /// # Panics
    ///
    /// On slices of other lengths, or the scratch of a model of another size.
    pub fn sample(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        self.walk(mlp, x, c, scratch, |_| {});
        mlp.to_data_units(x);
    }

    /// All steps at once, in place and in flow units.
    ///
    /// # Panics
    ///
    /// As [`Self::sample`].
    pub fn integrate(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        self.walk(mlp, x, c, scratch, |_| {});
    }

    /// The whole path, `[N + 1][D]`: `x_0` and the point after each step, in flow units.
    ///
    /// # Panics
    ///
    /// As [`Self::sample`].
    pub fn trajectory(
        &self,
        mlp: &HeapMlp,
        x_0: &[f32],
        c: &[f32],
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let mut points = Vec::with_capacity((self.steps() + 1) * x_0.len());
        points.extend_from_slice(x_0);
        self.walk(mlp, &mut x_0.to_vec(), c, scratch, |x| points.extend_from_slice(x));
        points
    }

    fn walk(
        &self,
        mlp: &HeapMlp,
        x: &mut [f32],
        c: &[f32],
        scratch: &mut Scratch,
        mut after_step: impl FnMut(&[f32]),
    ) {
        if let Some(Guidance { unconditional, .. }) = &self.guidance {
            mlp.condition_on(unconditional, scratch);
            mem::swap(&mut scratch.prefix, &mut scratch.unconditional_prefix);
        }
        mlp.condition_on(c, scratch);
        let mut stages = mem::take(&mut scratch.stages);
        let mut velocity = |t: f32, x: &[f32], v: &mut [f32]| match &self.guidance {
            None => {
                mlp.velocity_after(t, x, scratch);
                v.copy_from_slice(&scratch.v);
            }
            Some(Guidance { weight, .. }) => {
                mem::swap(&mut scratch.prefix, &mut scratch.unconditional_prefix);
                mlp.velocity_after(t, x, scratch);
                v.copy_from_slice(&scratch.v);
                mem::swap(&mut scratch.prefix, &mut scratch.unconditional_prefix);
                mlp.velocity_after(t, x, scratch);
                for (v, &conditional) in v.iter_mut().zip(&scratch.v) {
                    *v = kernel::guide(conditional, *v, *weight);
                }
            }
        };
        for i in 0..self.steps() {
            self.step(i, x, &mut stages, &mut velocity);
            after_step(x);
        }
        scratch.stages = stages;
    }

    /// The operations of the const methods, in the same order.
    fn step(
        &self,
        i: usize,
        x: &mut [f32],
        stages: &mut Stages,
        velocity: &mut impl FnMut(f32, &[f32], &mut [f32]),
    ) {
        let (t, dt) = (self.t[i], self.dt[i]);
        let h = kernel::half(dt);
        let Stages { point, v: [v_1, v_2, v_3, v_4] } = stages;
        velocity(t, x, v_1);
        match self.kind {
            SolverKind::Euler => go(x, v_1, dt),
            SolverKind::Midpoint => {
                along(point, x, v_1, h);
                velocity(t + h, point, v_2);
                go(x, v_2, dt);
            }
            SolverKind::Heun => {
                along(point, x, v_1, dt);
                velocity(t + dt, point, v_2);
                for ((x, &v_1), &v_2) in x.iter_mut().zip(&*v_1).zip(&*v_2) {
                    *x = kernel::heun(*x, v_1, v_2, h);
                }
            }
            SolverKind::Rk4 => {
                along(point, x, v_1, h);
                velocity(t + h, point, v_2);
                along(point, x, v_2, h);
                velocity(t + h, point, v_3);
                along(point, x, v_3, dt);
                velocity(t + dt, point, v_4);
                let sixth = kernel::sixth(dt);
                let velocities = v_1.iter().zip(&*v_2).zip(&*v_3).zip(&*v_4);
                for (x, (((&v_1, &v_2), &v_3), &v_4)) in x.iter_mut().zip(velocities) {
                    *x = kernel::rk4(*x, [v_1, v_2, v_3, v_4], sixth);
                }
            }
            SolverKind::AdamsBashforth2 => {
                if i == 0 {
                    go(x, v_1, dt);
                } else {
                    let lean = kernel::lean(dt, self.dt[i - 1]);
                    for ((x, &v), &v_before) in x.iter_mut().zip(&*v_1).zip(&*v_2) {
                        *x = kernel::adams_bashforth(*x, v, v_before, lean, dt);
                    }
                }
                mem::swap(v_1, v_2);
            }
        }
    }
}

/// `x ← x + (v · dt)`
fn go(x: &mut [f32], v: &[f32], dt: f32) {
    for (x, &v) in x.iter_mut().zip(v) {
        *x = kernel::euler(*x, v, dt);
    }
}

/// `point ← x + (v · dt)`
fn along(point: &mut [f32], x: &[f32], v: &[f32], dt: f32) {
    point.copy_from_slice(x);
    go(point, v, dt);
}
