//! Batches: many samples side by side, with a solver that is chosen at run time.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::{Guidance, HeapSolverOf};
use crate::heap::model::condition_on;
use crate::heap::{HeapModel, HeapState, ScratchOf};
use crate::lanes::{LANES, gather, scatter};
use crate::scalar::Scalar;
use crate::solver::BatchError;

impl<T: Scalar> HeapSolverOf<T> {
    /// Samples many points at once, in place: replaces the noise in each row of `x` (`[n][D]`) by a sample in
    /// data units. `c` has one condition for each row (`[n][C]`), or one for all rows (`[C]`). The bits are
    /// those of [`Self::sample`]. Where the target has vectors, it is several times as fast.
    ///
    /// # Panics
    ///
    /// Panics if a slice has another length, or if the scratch was made for a model of other sizes.
    pub fn sample_batch<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        unwrap_batch(self.try_sample_batch(mlp, x, c, scratch));
    }

    /// [`Self::sample_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if a slice has another length, or if the scratch was made for a model of other sizes. `x` is then
    /// unchanged.
    pub fn try_sample_batch<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> Result<(), BatchError> {
        self.try_integrate_batch(mlp, x, c, scratch)?;
        for x in x.chunks_exact_mut(mlp.dims().data) {
            mlp.point_to_data_units(x);
        }
        Ok(())
    }

    /// [`Self::sample_batch`] with the results in flow units. The bits are those of [`Self::integrate`].
    ///
    /// # Panics
    ///
    /// Panics as [`Self::sample_batch`] does.
    pub fn integrate_batch<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        unwrap_batch(self.try_integrate_batch(mlp, x, c, scratch));
    }

    /// [`Self::integrate_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::try_sample_batch`].
    pub fn try_integrate_batch<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> Result<(), BatchError> {
        let rows = self.check_rows(mlp, x, c, scratch)?;
        if M::SIDE_BY_SIDE {
            self.integrate_groups(mlp, &rows, x, c, scratch);
        } else {
            self.integrate_one_by_one(mlp, &rows, x, c, scratch);
        }
        Ok(())
    }

    /// [`Self::try_integrate_batch`] with points side by side.
    fn integrate_groups<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        rows: &Rows,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        for points in rows.groups() {
            let x = &mut x[rows.coordinates(&points)];
            self.integrate_group(mlp, rows, &points, x, c, scratch, |_, _| {});
            scatter(x, &scratch.x);
        }
    }

    /// [`Self::try_integrate_batch`] for targets without vectors: it takes fewer instructions.
    fn integrate_one_by_one<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        rows: &Rows,
        x: &mut [T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
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
    pub fn trajectory_batch<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x_0: &[T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> Vec<T> {
        let rows = unwrap_batch(self.check_rows(mlp, x_0, c, scratch));
        let mut moments = vec![T::ZERO; (self.steps() + 1) * x_0.len()];
        moments[..x_0.len()].copy_from_slice(x_0);
        if !M::SIDE_BY_SIDE {
            for (k, x_0_k) in x_0.chunks_exact(rows.data).enumerate() {
                let after_step = |i, x: &[T]| {
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
                scatter(&mut moments[(i + 1) * x_0.len()..][range.clone()], x.as_chunks().0);
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
    pub fn step_batch<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        states: &mut [HeapState<T>],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        unwrap_batch(self.try_step_batch(mlp, states, c, scratch));
    }

    /// [`Self::step_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if a state or `c` has another length, or if the scratch was made for a model of other sizes. `states`
    /// is then unchanged.
    pub fn try_step_batch<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        states: &mut [HeapState<T>],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> Result<(), BatchError> {
        let dim = mlp.dims().data;
        for HeapState { x, memory, .. } in &*states {
            for numbers in [Some(x), memory.as_ref()].into_iter().flatten() {
                if numbers.len() != dim {
                    return Err(BatchError::Coordinates { found: numbers.len(), row: dim });
                }
            }
        }
        let rows = self.check(mlp, states.len(), c, scratch)?;
        if M::SIDE_BY_SIDE {
            self.step_groups(mlp, &rows, states, c, scratch);
        } else {
            self.step_one_by_one(mlp, &rows, states, c, scratch);
        }
        Ok(())
    }

    /// [`Self::try_step_batch`] for targets without vectors: it takes fewer instructions.
    fn step_one_by_one<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        rows: &Rows,
        states: &mut [HeapState<T>],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        for (k, state) in states.iter_mut().enumerate() {
            self.step(mlp, state, &c[rows.condition(k)], scratch);
        }
    }

    /// [`Self::try_step_batch`] with neighbours side by side.
    fn step_groups<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        rows: &Rows,
        states: &mut [HeapState<T>],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) {
        let alike = |a: &HeapState<T>, b: &HeapState<T>| {
            a.i == b.i && a.memory.is_some() == b.memory.is_some()
        };
        let mut first = 0;
        for group in states.chunk_by_mut(alike).flat_map(|alike| alike.chunks_mut(LANES)) {
            let points = first..first + group.len();
            first = points.end;
            if group[0].i >= self.steps() {
                continue;
            }
            let own = self.condition_group_on(mlp, rows, &points, c, scratch);
            let before = scratch.lanes.before.as_chunks_mut().0;
            for (l, HeapState { x, memory, .. }) in group.iter().enumerate() {
                set_lane(&mut scratch.x, l, x);
                set_lane(before, l, memory.as_deref().unwrap_or_default());
            }
            let run = self.step_of(&group[0]);
            mlp.take_steps_side_by_side(run, own, scratch, &mut |_, _| {});
            let v = scratch.lanes.v[0].as_chunks().0;
            for (l, state) in group.iter_mut().enumerate() {
                copy_lane(&mut state.x, &scratch.x, l);
                self.remember(state, |memory| copy_lane(memory, v, l));
            }
        }
    }

    /// Takes all steps of `points`, a group of a batch, side by side. They start at `starts` (`[n][D]`).
    /// Leaves the last points in `scratch.x`.
    #[expect(
        clippy::too_many_arguments,
        reason = "the arguments of a batch, and those of one of its groups"
    )]
    fn integrate_group<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        rows: &Rows,
        points: &Range<usize>,
        starts: &[T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
        mut after_step: impl FnMut(usize, &[T]),
    ) {
        let own = self.condition_group_on(mlp, rows, points, c, scratch);
        gather(&mut scratch.x, starts);
        mlp.take_steps_side_by_side(self.all_steps(), own, scratch, &mut after_step);
    }

    /// Computes the first layer's initial sums of each of `points`, if each has its own condition. Returns
    /// whether each has.
    fn condition_group_on<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        rows: &Rows,
        points: &Range<usize>,
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> bool {
        let own = rows.own_conditions && mlp.dims().condition > 0;
        if own {
            let ScratchOf { buffers, prefixes, .. } = scratch;
            mlp.prefix_side_by_side(&c[rows.conditions(points)], buffers, prefixes);
        }
        own
    }

    /// [`Self::check`] for a batch of rows of `x`.
    fn check_rows<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        x: &[T],
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> Result<Rows, BatchError> {
        let data = mlp.dims().data;
        if !x.len().is_multiple_of(data) {
            return Err(BatchError::Coordinates { found: x.len(), row: data });
        }
        self.check(mlp, x.len() / data, c, scratch)
    }

    /// Checks the arguments of a batch of `points` points. Computes the first layer's initial sums that all
    /// points share.
    fn check<M: HeapModel<Number = T>>(
        &self,
        mlp: &M,
        points: usize,
        c: &[T],
        scratch: &mut ScratchOf<T, M::Buffers>,
    ) -> Result<Rows, BatchError> {
        let width = mlp.dims().condition;
        if scratch.dims != mlp.dims() {
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
        self.guide_on(mlp, scratch);
        if !own_conditions {
            condition_on(mlp, c, scratch);
        }
        Ok(Rows { points, data: mlp.dims().data, conditions: width, own_conditions })
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

/// Copies a row to lane `l`.
fn set_lane<T: Copy>(lanes: &mut [[T; LANES]], l: usize, row: &[T]) {
    for (lanes, &x) in lanes.iter_mut().zip(row) {
        lanes[l] = x;
    }
}

/// Copies lane `l` to a row.
fn copy_lane<T: Copy>(row: &mut [T], lanes: &[[T; LANES]], l: usize) {
    for (x, lanes) in row.iter_mut().zip(lanes) {
        *x = lanes[l];
    }
}

fn unwrap_batch<T>(result: Result<T, BatchError>) -> T {
    result.unwrap_or_else(|error| panic!("{}", error.message().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::{HeapMlp, HeapSolver};
    use crate::method::SolverKind;

    #[test]
    fn one_by_one_and_side_by_side_give_the_same_bits() {
        let file = include_bytes!("../../../examples/swirl.safetensors");
        let mlp = HeapMlp::try_from_safetensors(file).unwrap();
        let solver = HeapSolver::uniform(SolverKind::AdamsBashforth2, 3.try_into().unwrap());
        let scratch = &mut mlp.scratch();
        let mut one_by_one: Vec<f32> = (0..42).map(|k| (k as f32) * 0.1 - 2.0).collect();
        let mut side_by_side = one_by_one.clone();
        let mut states: Vec<_> = one_by_one.chunks_exact(2).map(|x| solver.start(x)).collect();
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
