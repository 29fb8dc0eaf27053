//! Batches: many samples side by side, with a solver that is chosen at run time.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::{Guidance, HeapSolver};
use crate::heap::{HeapMlp, HeapState, Scratch};
use crate::kernel::Called;
use crate::lanes::{LANES, gather, scatter};
use crate::registers::VECTORS;
use crate::solver::BatchError;

impl HeapSolver {
    /// Samples many points at once, in place: replaces the noise in each row of `x` (`[n][D]`) by a sample in
    /// data units. `c` has one condition for each row (`[n][C]`), or one for all rows (`[C]`). The bits are
    /// those of [`Self::sample`]. Where the target has vectors, it is several times as fast.
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length, or if the scratch was made for a model of other sizes.
    pub fn sample_batch(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        unwrap_batch(self.try_sample_batch(mlp, x, c, scratch));
    }

    /// [`Self::sample_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if a slice has another length, or if the scratch was made for a model of other sizes. `x` is then
    /// unchanged.
    pub fn try_sample_batch(
        &self,
        mlp: &HeapMlp,
        x: &mut [f32],
        c: &[f32],
        scratch: &mut Scratch,
    ) -> Result<(), BatchError> {
        self.try_integrate_batch(mlp, x, c, scratch)?;
        for x in x.chunks_exact_mut(mlp.data_dim()) {
            mlp.to_data_units(x);
        }
        Ok(())
    }

    /// [`Self::sample_batch`] with the results in flow units. The bits are those of [`Self::integrate`].
    ///
    /// # Panics
    ///
    /// Panics as [`Self::sample_batch`] does.
    pub fn integrate_batch(&self, mlp: &HeapMlp, x: &mut [f32], c: &[f32], scratch: &mut Scratch) {
        unwrap_batch(self.try_integrate_batch(mlp, x, c, scratch));
    }

    /// [`Self::integrate_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::try_sample_batch`].
    pub fn try_integrate_batch(
        &self,
        mlp: &HeapMlp,
        x: &mut [f32],
        c: &[f32],
        scratch: &mut Scratch,
    ) -> Result<(), BatchError> {
        let rows = self.check_rows(mlp, x, c, scratch)?;
        if VECTORS {
            self.integrate_groups(mlp, &rows, x, c, scratch);
        } else {
            self.integrate_one_by_one(mlp, &rows, x, c, scratch);
        }
        Ok(())
    }

    /// [`Self::try_integrate_batch`] with points side by side.
    fn integrate_groups(
        &self,
        mlp: &HeapMlp,
        rows: &Rows,
        x: &mut [f32],
        c: &[f32],
        scratch: &mut Scratch,
    ) {
        for points in rows.groups() {
            let x = &mut x[rows.coordinates(&points)];
            self.integrate_group(mlp, rows, &points, x, c, scratch, |_, _| {});
            scatter(x, &scratch.lanes.x);
        }
    }

    /// [`Self::try_integrate_batch`] for targets without vectors: it takes fewer instructions.
    fn integrate_one_by_one(
        &self,
        mlp: &HeapMlp,
        rows: &Rows,
        x: &mut [f32],
        c: &[f32],
        scratch: &mut Scratch,
    ) {
        for (k, x) in x.chunks_exact_mut(rows.data).enumerate() {
            self.integrate(mlp, x, &c[rows.condition(k)], scratch);
        }
    }

    /// Returns the whole paths of many samples, `[N + 1][n][D]`: `x_0` (`[n][D]`), then the points after each
    /// step, in flow units. `c` is as for [`Self::sample_batch`]. The bits are those of [`Self::trajectory`].
    /// Where the target has vectors, it is several times as fast.
    ///
    /// # Panics
    ///
    /// Panics as [`Self::sample_batch`] does.
    pub fn trajectory_batch(
        &self,
        mlp: &HeapMlp,
        x_0: &[f32],
        c: &[f32],
        scratch: &mut Scratch,
    ) -> Vec<f32> {
        let rows = unwrap_batch(self.check_rows(mlp, x_0, c, scratch));
        let mut moments = vec![0.0; (self.steps() + 1) * x_0.len()];
        moments[..x_0.len()].copy_from_slice(x_0);
        if !VECTORS {
            for (k, x_0_k) in x_0.chunks_exact(rows.data).enumerate() {
                let after_step = |i, x: &[f32]| {
                    let moment = &mut moments[(i + 1) * x_0.len()..];
                    moment[k * rows.data..][..rows.data].copy_from_slice(x);
                };
                let c = &c[rows.condition(k)];
                self.integrate_one(mlp, &mut x_0_k.to_vec(), c, scratch, after_step);
            }
            return moments;
        }
        for points in rows.groups() {
            let range = rows.coordinates(&points);
            let starts = &x_0[range.clone()];
            self.integrate_group(mlp, &rows, &points, starts, c, scratch, |i, x| {
                scatter(&mut moments[(i + 1) * x_0.len()..][range.clone()], x);
            });
        }
        moments
    }

    /// Takes one step of many paths, in place, with the bits of [`Self::step`]. The paths may be at different
    /// steps. Paths that have taken their last step are unchanged. `c` has one condition for each path
    /// (`[n][C]`), or one for all paths (`[C]`).
    ///
    /// Where the target has vectors, neighbours that are at the same step are evaluated side by side. So keep
    /// paths that began together next to each other.
    ///
    /// # Panics
    ///
    /// Panics if a state or `c` has another length, or if the scratch was made for a model of other sizes.
    pub fn step_batch(
        &self,
        mlp: &HeapMlp,
        states: &mut [HeapState],
        c: &[f32],
        scratch: &mut Scratch,
    ) {
        unwrap_batch(self.try_step_batch(mlp, states, c, scratch));
    }

    /// [`Self::step_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if a state or `c` has another length, or if the scratch was made for a model of other sizes. `states`
    /// is then unchanged.
    pub fn try_step_batch(
        &self,
        mlp: &HeapMlp,
        states: &mut [HeapState],
        c: &[f32],
        scratch: &mut Scratch,
    ) -> Result<(), BatchError> {
        let dim = mlp.data_dim();
        for HeapState { x, memory, .. } in &*states {
            for numbers in [Some(x), memory.as_ref()].into_iter().flatten() {
                if numbers.len() != dim {
                    return Err(BatchError::Coordinates { found: numbers.len(), row: dim });
                }
            }
        }
        let rows = self.check(mlp, states.len(), c, scratch)?;
        if VECTORS {
            self.step_groups(mlp, &rows, states, c, scratch);
        } else {
            self.step_one_by_one(mlp, &rows, states, c, scratch);
        }
        Ok(())
    }

    /// [`Self::try_step_batch`] for targets without vectors: it takes fewer instructions.
    fn step_one_by_one(
        &self,
        mlp: &HeapMlp,
        rows: &Rows,
        states: &mut [HeapState],
        c: &[f32],
        scratch: &mut Scratch,
    ) {
        for (k, state) in states.iter_mut().enumerate() {
            self.step(mlp, state, &c[rows.condition(k)], scratch);
        }
    }

    /// [`Self::try_step_batch`] with neighbours side by side.
    fn step_groups(
        &self,
        mlp: &HeapMlp,
        rows: &Rows,
        states: &mut [HeapState],
        c: &[f32],
        scratch: &mut Scratch,
    ) {
        let alike =
            |a: &HeapState, b: &HeapState| a.i == b.i && a.memory.is_some() == b.memory.is_some();
        let mut first = 0;
        for group in states.chunk_by_mut(alike).flat_map(|alike| alike.chunks_mut(LANES)) {
            let points = first..first + group.len();
            first = points.end;
            let Some(time) = self.as_steps().get(group[0].i) else { continue };
            let own = self.condition_group_on(mlp, rows, &points, c, scratch);
            let Scratch { prefix, unconditional, lanes, .. } = &mut *scratch;
            for (l, HeapState { x, memory, .. }) in group.iter().enumerate() {
                for (k, x) in x.iter().enumerate() {
                    lanes.x[k][l] = *x;
                }
                for (k, v) in memory.iter().flatten().enumerate() {
                    lanes.before[k][l] = *v;
                }
            }
            let same = (!own).then_some(&prefix[..]);
            let (mut field, mut buffers, x) = mlp.field(lanes, same, self.guide(unconditional));
            let before = group[0].memory.is_some().then_some(&*buffers.before);
            field.step(self.kind, time, x, before, &mut buffers.stages);
            for (l, state) in group.iter_mut().enumerate() {
                for (x, moved) in state.x.iter_mut().zip(&lanes.x) {
                    *x = moved[l];
                }
                self.remember(state, |memory| {
                    for (memory, v) in memory.iter_mut().zip(&lanes.v[0]) {
                        *memory = v[l];
                    }
                });
            }
        }
    }

    /// Takes all steps of `points`, a group of a batch, side by side. They start at `starts` (`[n][D]`).
    /// Leaves the last points in `scratch.lanes.x`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a batch, and those of one of its groups"
    )]
    fn integrate_group(
        &self,
        mlp: &HeapMlp,
        rows: &Rows,
        points: &Range<usize>,
        starts: &[f32],
        c: &[f32],
        scratch: &mut Scratch,
        after_step: impl FnMut(usize, &[[f32; LANES]]),
    ) {
        let own = self.condition_group_on(mlp, rows, points, c, scratch);
        let Scratch { prefix, unconditional, lanes, .. } = scratch;
        gather(&mut lanes.x, starts);
        let same = (!own).then_some(&prefix[..]);
        let (mut field, buffers, x) = mlp.field(lanes, same, self.guide(unconditional));
        field.integrate(self.as_steps(), x, buffers, after_step);
    }

    /// Computes the first layer's initial sums of each of `points`, if each has its own condition. Returns
    /// whether each has.
    fn condition_group_on(
        &self,
        mlp: &HeapMlp,
        rows: &Rows,
        points: &Range<usize>,
        c: &[f32],
        scratch: &mut Scratch,
    ) -> bool {
        let own = rows.own_conditions && mlp.condition_dim() > 0;
        if own {
            let lanes = &mut scratch.lanes;
            gather(&mut lanes.condition, &c[rows.conditions(points)]);
            let kernel = Called::<[f32; LANES]>::NEW;
            mlp.weights.as_slices().prefix(kernel, &mut lanes.condition, &mut lanes.prefix);
        }
        own
    }

    /// [`Self::check`] for a batch of rows of `x`.
    fn check_rows(
        &self,
        mlp: &HeapMlp,
        x: &[f32],
        c: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Rows, BatchError> {
        let data = mlp.data_dim();
        if !x.len().is_multiple_of(data) {
            return Err(BatchError::Coordinates { found: x.len(), row: data });
        }
        self.check(mlp, x.len() / data, c, scratch)
    }

    /// Checks the arguments of a batch of `points` points. Computes the first layer's initial sums that all
    /// points share.
    fn check(
        &self,
        mlp: &HeapMlp,
        points: usize,
        c: &[f32],
        scratch: &mut Scratch,
    ) -> Result<Rows, BatchError> {
        let width = mlp.condition_dim();
        if scratch.dims != mlp.dims {
            return Err(BatchError::Scratch);
        }
        if c.len().checked_rem(width).unwrap_or(c.len()) != 0 {
            return Err(BatchError::Coordinates { found: c.len(), row: width });
        }
        if let Some(Guidance { unconditional, .. }) = &self.guidance
            && unconditional.len() != width
        {
            return Err(BatchError::Unconditional { expected: width, found: unconditional.len() });
        }
        // A model without conditions has one empty condition for all points.
        let found = c.len().checked_div(width).unwrap_or(1);
        if found != 1 && found != points {
            return Err(BatchError::Conditions { expected: points, found });
        }
        let own_conditions = found != 1;
        let same = if own_conditions { mlp.null_condition() } else { c };
        self.condition_on(mlp, same, scratch);
        Ok(Rows { points, data: mlp.data_dim(), conditions: width, own_conditions })
    }
}

/// The rows of a batch.
struct Rows {
    /// The number of points.
    points: usize,
    /// The length of a point, `D`.
    data: usize,
    /// The length of a condition, `C`.
    conditions: usize,
    /// Whether each point has its own condition.
    own_conditions: bool,
}

impl Rows {
    /// The groups of points that are evaluated side by side.
    fn groups(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let points = self.points;
        (0..points).step_by(LANES).map(move |first| first..points.min(first + LANES))
    }

    fn coordinates(&self, points: &Range<usize>) -> Range<usize> {
        points.start * self.data..points.end * self.data
    }

    /// The range of point `k`'s condition.
    fn condition(&self, k: usize) -> Range<usize> {
        let k = if self.own_conditions { k } else { 0 };
        self.conditions(&(k..k + 1))
    }

    fn conditions(&self, points: &Range<usize>) -> Range<usize> {
        points.start * self.conditions..points.end * self.conditions
    }
}

fn unwrap_batch<T>(result: Result<T, BatchError>) -> T {
    result.unwrap_or_else(|error| panic!("{}", error.message().as_str()))
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroUsize;

    use super::*;
    use crate::method::SolverKind;

    #[test]
    fn one_by_one_and_side_by_side_give_the_same_bits() {
        let file = include_bytes!("../../../examples/swirl.safetensors");
        let mlp = HeapMlp::try_from_safetensors(file).unwrap();
        let scratch = &mut mlp.scratch();
        let solver =
            HeapSolver::uniform(SolverKind::AdamsBashforth2, NonZeroUsize::new(3).unwrap());
        let mut one_by_one: Vec<f32> = (0..42).map(|k| (k as f32) * 0.1 - 2.0).collect();
        let mut side_by_side = one_by_one.clone();
        let mut states: Vec<HeapState> =
            one_by_one.chunks_exact(2).map(|x| solver.start(x)).collect();
        let mut grouped = states.clone();
        let rows = solver.check_rows(&mlp, &one_by_one, &[], scratch).unwrap();

        solver.integrate_one_by_one(&mlp, &rows, &mut one_by_one, &[], scratch);
        solver.integrate_groups(&mlp, &rows, &mut side_by_side, &[], scratch);
        assert_eq!(one_by_one, side_by_side);

        for _ in 0..3 {
            solver.step_one_by_one(&mlp, &rows, &mut states, &[], scratch);
            solver.step_groups(&mlp, &rows, &mut grouped, &[], scratch);
            assert_eq!(states, grouped);
        }
    }

    #[test]
    fn a_point_has_its_own_or_the_common_condition() {
        let rows = |own_conditions| Rows { points: 5, data: 2, conditions: 3, own_conditions };
        assert_eq!(rows(true).condition(4), 12..15);
        assert_eq!(rows(false).condition(4), 0..3);
    }
}
