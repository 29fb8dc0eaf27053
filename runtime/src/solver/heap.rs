//! Solvers whose method and grid are chosen at run time.

use alloc::vec;
use alloc::vec::Vec;
use core::mem;
use core::num::NonZeroUsize;

use super::grid::{GridError, between, uniform};
use super::{SolverKind, Stages, Steps};
use crate::heap::{HeapMlp, Scratch};
use crate::kernel;
use crate::lanes::{LANES, gather};
use crate::walk::AfterStep;

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

/// The buffers of [`Stages`], `[D]` each.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeapStages {
    point: Vec<f32>,
    pub(crate) v: [Vec<f32>; 4],
}

impl HeapStages {
    pub(crate) fn new(data_dim: usize) -> Self {
        let zeros = vec![0.0; data_dim];
        Self { point: zeros.clone(), v: [zeros.clone(), zeros.clone(), zeros.clone(), zeros] }
    }

    pub(crate) fn parts(&mut self) -> Stages<'_> {
        Stages { point: &mut self.point, v: self.v.each_mut().map(|v| &mut v[..]) }
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
        self.walk(mlp, x, c, scratch, None);
        mlp.to_data_units(x);
    }

    /// All steps at once, in place and in flow units.
    ///
    /// # Panics
    ///
    /// As [`Self::sample`].
    pub fn integrate(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        self.walk(mlp, x, c, scratch, None);
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
        let mut after_step = |x: &[f32]| points.extend_from_slice(x);
        self.walk(mlp, &mut x_0.to_vec(), c, scratch, Some(&mut after_step));
        points
    }

    /// Many samples at once, in place: each row of `x` (`[n][D]`) is noise before and a sample in data
    /// units after, `c` (`[n][C]`) being the rows' conditions. The bits of [`Self::sample`], several times
    /// as fast.
    ///
    /// # Panics
    ///
    /// On slices of other lengths, or the scratch of a model of another size.
    pub fn sample_batch(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        self.integrate_batch(mlp, x, c, scratch);
        for x in x.chunks_exact_mut(mlp.data_dim()) {
            mlp.to_data_units(x);
        }
    }

    /// As [`Self::sample_batch`], in flow units.
    ///
    /// # Panics
    ///
    /// As [`Self::sample_batch`].
    pub fn integrate_batch(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        let rows = check_rows(mlp, x, c);
        for (points, c) in x.chunks_mut(LANES * mlp.data_dim()).zip(rows) {
            gather(&mut scratch.lanes.x, points);
            gather(&mut scratch.lanes.condition, c);
            self.walk_lanes(mlp, scratch, |_, _| {});
            scatter(points, &scratch.lanes.x);
        }
    }

    /// The whole paths of many samples, `[N + 1][n][D]`: each row of `x_0` (`[n][D]`) and where it is after
    /// each step, in flow units, `c` (`[n][C]`) being the rows' conditions. The bits of
    /// [`Self::trajectory`], several times as fast.
    ///
    /// # Panics
    ///
    /// As [`Self::sample_batch`].
    pub fn trajectory_batch(
        &self,
        mlp: &HeapMlp,
        x_0: &[f32],
        c: &[f32],
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let rows = check_rows(mlp, x_0, c);
        let mut points = vec![0.0; (self.steps() + 1) * x_0.len()];
        points[..x_0.len()].copy_from_slice(x_0);
        let mut first = 0;
        for (starts, c) in x_0.chunks(LANES * mlp.data_dim()).zip(rows) {
            gather(&mut scratch.lanes.x, starts);
            gather(&mut scratch.lanes.condition, c);
            self.walk_lanes(mlp, scratch, |i, x| {
                let moment = (i + 1) * x_0.len() + first;
                scatter(&mut points[moment..moment + starts.len()], x);
            });
            first += starts.len();
        }
        points
    }

    /// All steps of the points in the lanes, each looked at after it.
    fn walk_lanes(
        &self,
        mlp: &HeapMlp,
        scratch: &mut Scratch,
        mut after_step: impl FnMut(usize, &[[f32; LANES]]),
    ) {
        if let Some(Guidance { unconditional, .. }) = &self.guidance {
            mlp.condition_on(unconditional, scratch);
        }
        let Scratch { prefix: unconditional, lanes, .. } = scratch;
        let same = (mlp.condition_dim() == 0).then(|| mlp.bias());
        if same.is_none() {
            mlp.condition_lanes_on(lanes);
        }
        let (mut x, mut stages) = (mem::take(&mut lanes.x), mem::take(&mut lanes.stages));
        let mut velocity = |t: f32, x: &[f32], v: &mut [f32]| {
            let x = x.as_chunks::<LANES>().0;
            if let Some(Guidance { weight, .. }) = &self.guidance {
                mlp.lane_velocity_after(Some(unconditional), t, x, lanes);
                v.copy_from_slice(lanes.v.as_flattened());
                mlp.lane_velocity_after(same, t, x, lanes);
                kernel::guide(lanes.v.as_flattened_mut(), v, *weight);
            } else {
                mlp.lane_velocity_after(same, t, x, lanes);
            }
            v.copy_from_slice(lanes.v.as_flattened());
        };
        self.as_steps().walk(x.as_flattened_mut(), &mut stages.parts(), &mut velocity, |i, x| {
            after_step(i, x.as_chunks::<LANES>().0);
        });
        (lanes.x, lanes.stages) = (x, stages);
    }

    /// All steps of a single point, each looked at after it.
    fn walk<'a>(
        &'a self,
        mlp: &'a HeapMlp,
        x: &'a mut [f32],
        c: &[f32],
        scratch: &'a mut Scratch,
        after_step: Option<AfterStep<'a>>,
    ) {
        if let Some(Guidance { unconditional, .. }) = &self.guidance {
            mlp.condition_on(unconditional, scratch);
            mem::swap(&mut scratch.prefix, &mut scratch.unconditional_prefix);
        }
        mlp.condition_on(c, scratch);
        let weight = self.guidance.as_ref().map(|guidance| guidance.weight);
        mlp.walk(self.as_steps(), weight, x, scratch, after_step);
    }

    fn as_steps(&self) -> Steps<'_> {
        Steps { kind: self.kind, t: &self.t, dt: &self.dt }
    }
}

/// Refuses rows of `x` (`[n][D]`) and `c` (`[n][C]`) that do not belong together; gives those of `c`, as many
/// at once as there are lanes.
fn check_rows<'c>(
    mlp: &HeapMlp,
    x: &[f32],
    c: &'c [f32],
) -> impl Iterator<Item = &'c [f32]> + use<'c> {
    let (data, conditions) = (mlp.data_dim(), mlp.condition_dim());
    assert!(x.len().is_multiple_of(data), "x has rows of one value per data dimension");
    let rows = x.len() / data;
    assert_eq!(c.len(), rows * conditions, "c has a row for each row of x");
    (0..rows).step_by(LANES).map(move |first| {
        let last = rows.min(first + LANES);
        &c[first * conditions..last * conditions]
    })
}

/// Rows (`[n][D]`) from the lanes (`[D]`) that they were taken to.
fn scatter(rows: &mut [f32], lanes: &[[f32; LANES]]) {
    for (l, row) in rows.chunks_exact_mut(lanes.len()).enumerate() {
        for (x, lanes) in row.iter_mut().zip(lanes) {
            *x = lanes[l];
        }
    }
}
