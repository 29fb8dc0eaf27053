//! A solver whose method and grid are chosen at run time.

mod batch;

use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use super::{HeapMlp, HeapState, Scratch};
use crate::grid::{GridError, MAX_STEPS, Steps, between, uniform};
use crate::method::SolverKind;
use crate::model_file::read_solver;
use crate::safetensors::{File, LoadError};

/// A [`Solver`](crate::Solver) whose method and grid are chosen at run time. It uses the same kernels and
/// gives the same bits.
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
    /// The null condition, in the user's units, `[C]`.
    unconditional: Vec<f32>,
}

impl HeapSolver {
    /// A solver with `steps` steps of equal length from 0 to 1, as
    /// [`Solver::UNIFORM`](crate::Solver::UNIFORM).
    ///
    /// # Panics
    ///
    /// Panics if there are more than 2²⁴ steps.
    pub fn uniform(kind: SolverKind, steps: NonZeroUsize) -> Self {
        unwrap(Self::try_uniform(kind, steps))
    }

    /// [`Self::uniform`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`GridError::Count`] if there are more than 2²⁴ steps.
    pub fn try_uniform(kind: SolverKind, steps: NonZeroUsize) -> Result<Self, GridError> {
        let n = steps.get();
        if n > MAX_STEPS {
            return Err(GridError::Count { found: n.saturating_add(1) });
        }
        let (t, dt) = (0..n).map(|i| uniform(i, n)).unzip();
        Ok(Self { kind, t, dt, guidance: None })
    }

    /// A solver whose steps begin and end at `times` (`[N + 1]`), as
    /// [`Solver::from_times`](crate::Solver::from_times).
    ///
    /// # Panics
    ///
    /// Panics if the times do not increase, are not finite, or are fewer than two or more than 2²⁴ + 1.
    pub fn from_times(kind: SolverKind, times: &[f32]) -> Self {
        unwrap(Self::try_from_times(kind, times))
    }

    /// [`Self::from_times`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`GridError`] if the times do not increase, are not finite, or are fewer than two or more than 2²⁴ + 1.
    pub fn try_from_times(kind: SolverKind, times: &[f32]) -> Result<Self, GridError> {
        if !(2..=MAX_STEPS + 1).contains(&times.len()) {
            return Err(GridError::Count { found: times.len() });
        }
        let steps = times.windows(2).enumerate();
        let steps = steps.map(|(i, pair)| between(pair[0], pair[1], i));
        let (t, dt) = steps.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        Ok(Self { kind, t, dt, guidance: None })
    }

    /// Reads the method and the times that a model was made for, as
    /// [`Solver::try_from_safetensors`](crate::Solver::try_from_safetensors). If the file names no method, it
    /// is Euler's.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a file with a valid grid; [`LoadError::MissingTensor`] if it has no grid.
    pub fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let (kind, t, dt) = read_solver(&File::open(bytes)?)?;
        Ok(Self { kind, t, dt, guidance: None })
    }

    /// Adds classifier-free guidance, as [`Guided`](crate::Guided). `unconditional` (`[C]`, the user's units)
    /// is the null condition.
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

    /// The number of evaluations of the network per sample.
    pub fn evaluations(&self) -> usize {
        let each = if self.guidance.is_some() { 2 } else { 1 };
        each * self.kind.evaluations() * self.steps()
    }

    /// The time before each step and the time after the last step, `[N + 1]`.
    pub fn times(&self) -> impl Iterator<Item = f32> {
        let end = self.t.last().zip(self.dt.last()).map(|(t, dt)| t + dt);
        self.t.iter().copied().chain(end)
    }

    pub(super) fn as_steps(&self) -> Steps<'_, f32> {
        Steps { kind: self.kind, t: &self.t, dt: &self.dt }
    }

    /// Returns the state of a path that starts at `x_0` (`[D]`, flow units).
    pub fn start(&self, x_0: &[f32]) -> HeapState {
        HeapState::at(0, x_0)
    }

    /// Takes step `state.i` under the condition `c` (`[C]`): moves `state.x` from the time `t_i` to
    /// `t_i + dt_i`. Returns `true`. After the last step it changes nothing and returns `false`.
    ///
    /// # Panics
    ///
    /// Panics if the state or `c` has another length, or if the scratch was made for a model of other sizes.
    pub fn step(
        &self,
        mlp: &HeapMlp,
        state: &mut HeapState,
        c: &[f32],
        scratch: &mut Scratch,
    ) -> bool {
        mlp.check_point(&state.x);
        self.condition_on(mlp, c, scratch);
        let Some(time) = self.as_steps().get(state.i) else { return false };
        let Scratch { prefix, unconditional, one, .. } = scratch;
        let (mut field, mut buffers, _) = mlp.field(one, Some(prefix), self.guide(unconditional));
        let before = state.memory.as_deref();
        field.step(self.kind, time, &mut state.x, before, &mut buffers.stages);
        self.remember(state, |v| v.copy_from_slice(&one.v[0]));
        true
    }

    /// Takes all steps, in place: replaces the noise in `x` (`[D]`) by a sample in data units.
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length, or if the scratch was made for a model of other sizes.
    pub fn sample(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        self.integrate(mlp, x, c, scratch);
        mlp.to_data_units(x);
    }

    /// Takes all steps, in place. `x` (`[D]`) is in flow units before and after.
    ///
    /// # Panics
    ///
    /// As [`Self::sample`].
    pub fn integrate(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        self.integrate_one(mlp, x, c, scratch, |_, _| {});
    }

    /// Returns the whole path, `[N + 1][D]`: `x_0` and the point after each step, in flow units.
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
        let after_step = |_, x: &[f32]| points.extend_from_slice(x);
        self.integrate_one(mlp, &mut x_0.to_vec(), c, scratch, after_step);
        points
    }

    /// Takes all steps of one sample. Calls `after_step` with the step's number and the point after each.
    fn integrate_one(
        &self,
        mlp: &HeapMlp,
        x: &mut [f32],
        c: &[f32],
        scratch: &mut Scratch,
        after_step: impl FnMut(usize, &[f32]),
    ) {
        mlp.check_point(x);
        self.condition_on(mlp, c, scratch);
        let Scratch { prefix, unconditional, one, .. } = scratch;
        let (mut field, buffers, _) = mlp.field(one, Some(prefix), self.guide(unconditional));
        field.integrate(self.as_steps(), x, buffers, after_step);
    }

    /// Computes the first layer's initial sums under `c` and, with guidance, under the null condition.
    fn condition_on(&self, mlp: &HeapMlp, c: &[f32], scratch: &mut Scratch) {
        if let Some(Guidance { unconditional, .. }) = &self.guidance {
            mlp.condition_on(unconditional, scratch);
            core::mem::swap(&mut scratch.prefix, &mut scratch.unconditional);
        }
        mlp.condition_on(c, scratch);
    }

    /// The weight of guidance and its initial sums, if there is guidance.
    fn guide<'a>(&self, unconditional: &'a [f32]) -> Option<(f32, &'a [f32])> {
        self.guidance.as_ref().map(|guidance| (guidance.weight, unconditional))
    }

    /// Ends a step: counts it, and lets `write` store the velocity if the method remembers it.
    fn remember(&self, state: &mut HeapState, write: impl FnOnce(&mut [f32])) {
        state.i += 1;
        if self.kind == SolverKind::AdamsBashforth2 {
            write(state.memory.get_or_insert_with(|| vec![0.0; state.x.len()]));
        }
    }
}

fn unwrap<T>(result: Result<T, GridError>) -> T {
    result.unwrap_or_else(|error| panic!("{}", error.message().as_str()))
}
