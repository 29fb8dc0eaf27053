//! A solver whose method and grid are chosen at run time.

mod batch;

use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::ops::Range;

use super::model::{check_point, condition_on};
use super::{HeapModel, HeapState, Run, ScratchOf};
use crate::grid::{GridError, MAX_STEPS, Steps};
use crate::method::SolverKind;
use crate::model_file::{Times, read_solver};
use crate::safetensors::{File, LoadError};
use crate::scalar::Scalar;

/// A solver in `f32` whose method and grid are chosen at run time. Its functions are in the docs of [`HeapSolverOf`].
pub type HeapSolver = HeapSolverOf<f32>;

/// A [`SolverOf`](crate::SolverOf) whose method and grid are chosen at run time. It uses the same kernels and gives the
/// same bits. It computes in `T`: [`HeapSolver`] in `f32`, [`fixed::HeapSolver`](crate::fixed::HeapSolver) in whole
/// numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapSolverOf<T> {
    kind: SolverKind,
    t: Vec<T>,
    dt: Vec<T>,
    guidance: Option<Guidance<T>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Guidance<T> {
    weight: T,
    /// The null condition, in the user's units, `[C]`.
    unconditional: Vec<T>,
}

impl<T: Times> HeapSolverOf<T> {
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
        let (t, dt) = (0..n).map(|i| T::uniform(i, n)).unzip();
        Ok(Self { kind, t, dt, guidance: None })
    }

    /// A solver whose steps begin and end at `times` (`[N + 1]`), as
    /// [`Solver::from_times`](crate::Solver::from_times).
    ///
    /// # Panics
    ///
    /// Panics if the times do not increase, are not finite (floats) or outside 0 to 1 (whole numbers), or are fewer than
    /// two or more than 2²⁴ + 1.
    pub fn from_times(kind: SolverKind, times: &[T]) -> Self {
        unwrap(Self::try_from_times(kind, times))
    }

    /// [`Self::from_times`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`GridError`] if the times do not increase, are not finite (floats) or outside 0 to 1 (whole numbers), or are fewer
    /// than two or more than 2²⁴ + 1.
    pub fn try_from_times(kind: SolverKind, times: &[T]) -> Result<Self, GridError> {
        if !(2..=MAX_STEPS + 1).contains(&times.len()) {
            return Err(GridError::Count { found: times.len() });
        }
        let steps = times.windows(2).enumerate();
        let steps = steps.map(|(i, pair)| T::between(pair[0], pair[1], i));
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
        let mut file = File::NONE;
        file.open(bytes)?;
        let (kind, t, dt) = read_solver(&file)?;
        Ok(Self { kind, t, dt, guidance: None })
    }
}

impl<T: Scalar> HeapSolverOf<T> {
    /// Adds classifier-free guidance, as [`Guided`](crate::Guided). `unconditional` (`[C]`, the user's units)
    /// is the null condition.
    pub fn guided(self, weight: T, unconditional: Vec<T>) -> Self {
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
    pub fn times(&self) -> impl Iterator<Item = T> {
        let end = self.t.last().zip(self.dt.last()).map(|(&t, &dt)| t.later(dt));
        self.t.iter().copied().chain(end)
    }

    pub(super) fn as_steps(&self) -> Steps<'_, T> {
        Steps { kind: self.kind, t: &self.t, dt: &self.dt }
    }

    /// Returns the state of a path that starts at `x_0` (`[D]`, flow units).
    pub fn start(&self, x_0: &[T]) -> HeapState<T> {
        HeapState::at(0, x_0)
    }

    /// Takes step `state.i` under the condition `c` (`[C]`): moves `state.x` from the time `t_i` to
    /// `t_i + dt_i`. Returns `true`. After the last step it changes nothing and returns `false`.
    ///
    /// # Panics
    ///
    /// Panics if the state or `c` has another length, or if the scratch was made for a model of other sizes.
    pub fn step<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        state: &mut HeapState<T>,
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> bool {
        check_point(mlp, &state.x);
        self.condition_on(mlp, c, scratch);
        if state.i >= self.steps() {
            return false;
        }
        if let Some(memory) = &state.memory {
            check_point(mlp, memory);
            scratch.one.before.copy_from_slice(memory);
        }
        let run = self.step_of(state);
        mlp.take_steps(run, &mut state.x, scratch, &mut |_, _| {});
        self.remember(state, |v| v.copy_from_slice(&scratch.one.v[0]));
        true
    }

    /// Takes all steps, in place: replaces the noise in `x` (`[D]`) by a sample in data units.
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length, or if the scratch was made for a model of other sizes.
    pub fn sample<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        self.integrate(mlp, x, c, scratch);
        mlp.point_to_data_units(x);
    }

    /// Takes all steps, in place. `x` (`[D]`) is in flow units before and after.
    ///
    /// # Panics
    ///
    /// As [`Self::sample`].
    pub fn integrate<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        self.integrate_one(mlp, x, c, scratch, |_, _| {});
    }

    /// Returns the whole path, `[N + 1][D]`: `x_0` and the point after each step, in flow units.
    ///
    /// # Panics
    ///
    /// As [`Self::sample`].
    pub fn trajectory<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x_0: &[T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> Vec<T> {
        let mut points = Vec::with_capacity((self.steps() + 1) * x_0.len());
        points.extend_from_slice(x_0);
        let after_step = |_, x: &[T]| points.extend_from_slice(x);
        self.integrate_one(mlp, &mut x_0.to_vec(), c, scratch, after_step);
        points
    }

    /// Takes all steps of one sample. Calls `after_step` with the step's number and the point after each.
    fn integrate_one<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
        mut after_step: impl FnMut(usize, &[T]),
    ) {
        check_point(mlp, x);
        self.condition_on(mlp, c, scratch);
        mlp.take_steps(self.all_steps(), x, scratch, &mut after_step);
    }

    /// All steps, from the first one on.
    fn all_steps(&self) -> Run<'_, T> {
        self.run(0..self.steps(), false)
    }

    /// The next step of a path.
    fn step_of(&self, state: &HeapState<T>) -> Run<'_, T> {
        self.run(state.i..state.i + 1, state.memory.is_some())
    }

    /// The steps with the numbers in `range`. `known` is whether there is memory of the step before them.
    fn run(&self, range: Range<usize>, known: bool) -> Run<'_, T> {
        let weight = self.guidance.as_ref().map(|guidance| guidance.weight);
        Run { steps: self.as_steps(), range, known, weight }
    }

    /// Computes the first layer's initial sums under `c` and, with guidance, under the null condition.
    fn condition_on<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        self.guide_on(mlp, scratch);
        condition_on(mlp, c, scratch);
    }

    /// Computes the first layer's initial sums under the null condition, if there is guidance.
    fn guide_on<M: HeapModel<Number = T>>(&self, mlp: &M, scratch: &mut ScratchOf<T, M::Buffers>) {
        if let Some(Guidance { unconditional, .. }) = &self.guidance {
            condition_on(mlp, unconditional, scratch);
            core::mem::swap(&mut scratch.prefix, &mut scratch.unconditional);
        }
    }

    /// Ends a step: counts it, and lets `write` store the velocity if the method remembers it.
    fn remember(&self, state: &mut HeapState<T>, write: impl FnOnce(&mut [T])) {
        state.i += 1;
        if self.kind == SolverKind::AdamsBashforth2 {
            write(state.memory.get_or_insert_with(|| vec![T::ZERO; state.x.len()]));
        }
    }
}

fn unwrap<T>(result: Result<T, GridError>) -> T {
    result.unwrap_or_else(|error| panic!("{}", error.message().as_str()))
}
