//! Batches: many samples or paths at once.

use core::error::Error;
use core::fmt;

use super::{SolverOf, State, take_step};
use crate::lanes::{LANES, Lanes, all, gather, lane};
use crate::method::Method;
use crate::method::sealed::Memory as _;
use crate::registers::VECTORS;
use crate::scalar::Scalar;
use crate::text::Message;
use crate::velocity::VelocityField;

impl<S: Method, const N: usize, T: Scalar> SolverOf<S, N, T> {
    /// Samples many points at once, in place: replaces each noise in `x` by a sample in data units. `c` has
    /// one condition for each point, or one for all points.
    ///
    /// The bits are those of [`Self::sample`]. Where the target has vectors, an [`Mlp`](crate::Mlp) evaluates
    /// [`LANES`] points side by side, several times as fast. Where it has none, the points are sampled one
    /// after the other.
    ///
    /// ```
    /// use flowlet::{Euler, Mlp, Noise, Silu};
    ///
    /// static SWIRL: Mlp<2, 0, 32, 1, Silu> =
    ///     Mlp::from_safetensors(include_bytes!("../../examples/swirl.safetensors"));
    ///
    /// let noise = Noise::new(7);
    /// let mut particles: [[f32; 2]; 64] = core::array::from_fn(|i| noise.sample(i as u64));
    /// Euler::<8>::UNIFORM.sample_batch(&SWIRL, &mut particles, &[[]]);
    /// assert_eq!(particles[9], Euler::<8>::UNIFORM.sample(&SWIRL, noise.sample(9), []));
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if `c` has neither one condition nor one for each point.
    pub fn sample_batch<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x: &mut [[T; D]],
        c: &[[T; C]],
    ) {
        unwrap(self.try_sample_batch(field, x, c));
    }

    /// [`Self::sample_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if `c` has neither one condition nor one for each point. `x` is then unchanged.
    pub fn try_sample_batch<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x: &mut [[T; D]],
        c: &[[T; C]],
    ) -> Result<(), BatchError> {
        self.try_integrate_batch(field, x, c)?;
        for x in x {
            *x = field.to_data_units(*x);
        }
        Ok(())
    }

    /// [`Self::sample_batch`] with the results in flow units. The bits are those of [`Self::integrate`].
    ///
    /// # Panics
    ///
    /// Panics as [`Self::sample_batch`] does.
    pub fn integrate_batch<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x: &mut [[T; D]],
        c: &[[T; C]],
    ) {
        unwrap(self.try_integrate_batch(field, x, c));
    }

    /// [`Self::integrate_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::try_sample_batch`].
    pub fn try_integrate_batch<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x: &mut [[T; D]],
        c: &[[T; C]],
    ) -> Result<(), BatchError> {
        let conditions = Conditions::new(x.len(), c)?;
        if VECTORS {
            self.integrate_groups(field, x, &conditions, |_, _, _| {});
        } else {
            self.integrate_one_by_one(field, x, &conditions);
        }
        Ok(())
    }

    /// Returns the whole paths of `n` samples, `[N + 1][n]`: the points `x_0`, then the points after each
    /// step, in flow units. `c` is as for [`Self::sample_batch`]. The bits are those of [`Self::trajectory`].
    ///
    /// # Panics
    ///
    /// Panics as [`Self::sample_batch`] does.
    #[cfg(feature = "alloc")]
    pub fn trajectory_batch<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x_0: &[[T; D]],
        c: &[[T; C]],
    ) -> alloc::vec::Vec<[T; D]> {
        let n = x_0.len();
        let conditions = unwrap(Conditions::new(n, c));
        let mut points = alloc::vec![[T::ZERO; D]; (N + 1) * n];
        points[..n].copy_from_slice(x_0);
        if !VECTORS {
            for (k, &x_0) in x_0.iter().enumerate() {
                for (i, (_, x)) in self.path(field, x_0, conditions.point(k)).enumerate() {
                    points[(i + 1) * n + k] = x;
                }
            }
            return points;
        }
        let mut ends = x_0.to_vec();
        self.integrate_groups(field, &mut ends, &conditions, |i, first, lanes| {
            let points = points[(i + 1) * n..][..n].iter_mut().skip(first);
            for (l, point) in points.take(LANES).enumerate() {
                *point = lane(lanes, l);
            }
        });
        points
    }

    /// Takes one step of many paths, in place, with the bits of [`Self::step`]. The paths may be at different
    /// steps. Paths that have taken their last step are unchanged. `c` has one condition for each path, or
    /// one for all paths.
    ///
    /// Where the target has vectors, up to [`LANES`] neighbours that are at the same step are evaluated side
    /// by side. So keep paths that began together next to each other.
    ///
    /// ```
    /// use flowlet::{Euler, Mlp, Noise, Silu};
    ///
    /// static SWIRL: Mlp<2, 0, 32, 1, Silu> =
    ///     Mlp::from_safetensors(include_bytes!("../../examples/swirl.safetensors"));
    ///
    /// // In each frame of a game, all particles take a step.
    /// let solver = Euler::<60>::UNIFORM;
    /// let mut particles: [_; 64] =
    ///     core::array::from_fn(|i| solver.start(Noise::new(7).sample(i as u64)));
    /// solver.step_batch(&SWIRL, &mut particles, &[[]]);
    ///
    /// let mut one = solver.start(Noise::new(7).sample(9));
    /// solver.step(&SWIRL, &mut one, []);
    /// assert_eq!(particles[9], one);
    /// ```
    ///
    /// # Panics
    ///
    /// Panics if `c` has neither one condition nor one for each state.
    pub fn step_batch<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        states: &mut [State<D, S::Memory<D, T>, T>],
        c: &[[T; C]],
    ) {
        unwrap(self.try_step_batch(field, states, c));
    }

    /// [`Self::step_batch`], with an error instead of a panic.
    ///
    /// # Errors
    ///
    /// [`BatchError`] if `c` has neither one condition nor one for each state. `states` is then unchanged.
    pub fn try_step_batch<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        states: &mut [State<D, S::Memory<D, T>, T>],
        c: &[[T; C]],
    ) -> Result<(), BatchError> {
        let conditions = Conditions::new(states.len(), c)?;
        if VECTORS {
            self.step_groups(field, states, &conditions);
        } else {
            self.step_one_by_one(field, states, &conditions);
        }
        Ok(())
    }

    /// [`Self::try_step_batch`] with neighbours side by side.
    fn step_groups<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        states: &mut [State<D, S::Memory<D, T>, T>],
        conditions: &Conditions<'_, C, T>,
    ) {
        let alike = |a: &State<D, S::Memory<D, T>, T>, b: &State<D, S::Memory<D, T>, T>| {
            a.i == b.i && a.memory.before().is_some() == b.memory.before().is_some()
        };
        let (mut first, mut rest) = (0, states);
        while let Some(head) = rest.first() {
            let length = rest.iter().take(LANES).take_while(|state| alike(head, state)).count();
            // `chunk_by_mut` would link a panic.
            let Some((group, after)) = rest.split_at_mut_checked(length) else { break };
            rest = after;
            let start = first;
            first += group.len();
            // Unused lanes cost as much as used ones, so a few paths are faster one by one.
            if group.len() < LANES / 4 {
                for (k, state) in (start..).zip(group) {
                    self.step(field, state, conditions.point(k));
                }
                continue;
            }
            let c = conditions.lanes(start);
            let Some(time) = group.first().and_then(|state| self.steps().get(state.i)) else {
                continue;
            };
            let (mut x, mut before) = ([[T::ZERO; LANES]; D], [[T::ZERO; LANES]; D]);
            let mut known = false;
            for (l, state) in group.iter().enumerate() {
                set_lane(&mut x, l, state.x);
                if let Some(v) = state.memory.before() {
                    set_lane(&mut before, l, *v);
                    known = true;
                }
            }
            let mut v = before;
            field.with_lanes(&c, &mut |velocity| {
                v = take_step::<S, _, _>(time, &mut x, known.then_some(&before), |t, x| {
                    velocity(t, x)
                });
            });
            for (l, state) in group.iter_mut().enumerate() {
                state.x = lane(&x, l);
                state.memory.remember(lane(&v, l));
                state.i += 1;
            }
        }
    }

    /// [`Self::try_step_batch`] for targets without vectors: it takes fewer instructions, and no lanes on the stack.
    fn step_one_by_one<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        states: &mut [State<D, S::Memory<D, T>, T>],
        conditions: &Conditions<'_, C, T>,
    ) {
        for (k, state) in states.iter_mut().enumerate() {
            self.step(field, state, conditions.point(k));
        }
    }

    /// [`Self::try_integrate_batch`] for targets without vectors: it takes fewer instructions, and no lanes on the stack.
    fn integrate_one_by_one<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x: &mut [[T; D]],
        conditions: &Conditions<'_, C, T>,
    ) {
        for (k, x) in x.iter_mut().enumerate() {
            *x = self.integrate(field, *x, conditions.point(k));
        }
    }

    /// Takes all steps of the points `x` in groups of up to [`LANES`], side by side. Calls `after_step` after
    /// each step of a group, with the step's number, the index of the group's first point, and the group's
    /// points.
    fn integrate_groups<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x: &mut [[T; D]],
        conditions: &Conditions<'_, C, T>,
        mut after_step: impl FnMut(usize, usize, &Lanes<D, T>),
    ) {
        for (k, points) in x.chunks_mut(LANES).enumerate() {
            let mut lanes = [[T::ZERO; LANES]; D];
            gather(&mut lanes, points.as_flattened());
            field.with_lanes(&conditions.lanes(k * LANES), &mut |velocity| {
                let mut before: Option<Lanes<D, T>> = None;
                for i in 0..N {
                    let Some(time) = self.steps().get(i) else { return };
                    let velocity = |t, x: &Lanes<D, T>| velocity(t, x);
                    before =
                        Some(take_step::<S, _, _>(time, &mut lanes, before.as_ref(), velocity));
                    after_step(i, k * LANES, &lanes);
                }
            });
            for (l, x) in points.iter_mut().enumerate() {
                *x = lane(&lanes, l);
            }
        }
    }
}

/// Writes `numbers` to lane `l`.
fn set_lane<const N: usize, T: Scalar>(lanes: &mut Lanes<N, T>, l: usize, numbers: [T; N]) {
    for (lanes, x) in lanes.iter_mut().zip(numbers) {
        if let Some(lane) = lanes.get_mut(l) {
            *lane = x;
        }
    }
}

/// The conditions of a batch.
enum Conditions<'a, const C: usize, T> {
    /// One condition for all points.
    Same([T; C]),
    /// One condition for each point.
    Each(&'a [[T; C]]),
}

impl<'a, const C: usize, T: Scalar> Conditions<'a, C, T> {
    fn new(points: usize, c: &'a [[T; C]]) -> Result<Self, BatchError> {
        match c {
            [c] => Ok(Self::Same(*c)),
            _ if c.len() == points => Ok(Self::Each(c)),
            _ => Err(BatchError::Conditions { expected: points, found: c.len() }),
        }
    }

    /// The condition of point `k`.
    fn point(&self, k: usize) -> [T; C] {
        match self {
            Self::Same(c) => *c,
            Self::Each(each) => each.get(k).copied().unwrap_or([T::ZERO; C]),
        }
    }

    /// The conditions of the points from `first` on, one in each lane.
    fn lanes(&self, first: usize) -> Lanes<C, T> {
        match self {
            Self::Same(c) => all(*c),
            Self::Each(each) => {
                let mut c = [[T::ZERO; LANES]; C];
                gather(&mut c, each.get(first..).unwrap_or_default().as_flattened());
                c
            }
        }
    }
}

fn unwrap<T>(result: Result<T, BatchError>) -> T {
    result.unwrap_or_else(|error| panic!("{}", error.message().as_str()))
}

/// Why the arguments of a batch do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BatchError {
    /// There is neither one condition for all points nor one for each point.
    Conditions {
        /// The number of points.
        expected: usize,
        /// The number of conditions.
        found: usize,
    },
    /// A slice of points or conditions is not a whole number of rows.
    Coordinates {
        /// The length of the slice.
        found: usize,
        /// The length of a row.
        row: usize,
    },
    /// The null condition of a guided solver does not have the model's number of conditions.
    Unconditional {
        /// The model's number of conditions.
        expected: usize,
        /// The length of the null condition.
        found: usize,
    },
    /// The scratch was made for a model of other sizes.
    Scratch,
}

impl BatchError {
    /// The text of [`Display`](fmt::Display), made without `core::fmt`, which takes much flash.
    pub const fn message(self) -> Message {
        match self {
            Self::Conditions { expected, found } => Message::new()
                .text("a batch needs one condition, or one for each point: expected 1 or ")
                .number(expected as u64)
                .text(" conditions, found ")
                .number(found as u64),
            Self::Coordinates { found, row } => Message::new()
                .text("expected whole rows of ")
                .number(row as u64)
                .text(" numbers, found ")
                .number(found as u64)
                .text(" numbers"),
            Self::Unconditional { expected, found } => Message::new()
                .text("expected ")
                .number(expected as u64)
                .text(" numbers in the null condition, found ")
                .number(found as u64),
            Self::Scratch => Message::new().text(
                "the scratch was made for a model of other sizes, use this model's `scratch()`",
            ),
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_str())
    }
}

impl Error for BatchError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solver::{AdamsBashforth2, Rk4};

    /// dx/dt = c − x.
    struct Straight;

    impl VelocityField<2, 2> for Straight {
        fn velocity(&self, _: f32, x: [f32; 2], c: [f32; 2]) -> [f32; 2] {
            [c[0] - x[0], c[1] - x[1]]
        }
    }

    /// Rotates points about the origin with increasing speed.
    struct Turning;

    impl VelocityField<2, 0> for Turning {
        fn velocity(&self, t: f32, [x, y]: [f32; 2], _: [f32; 0]) -> [f32; 2] {
            [-y * (1.0 + t), x * (1.0 + t)]
        }
    }

    fn points<const K: usize>() -> [[f32; 2]; K] {
        core::array::from_fn(|k| [37, 53].map(|step| ((k * step) % 101) as f32 * 0.07 - 3.0))
    }

    #[test]
    fn one_by_one_and_side_by_side_give_the_same_bits() {
        let solver = Rk4::<3>::UNIFORM;
        let each = points::<21>();
        for c in [&each[..], &each[..1]] {
            let conditions = Conditions::new(21, c).unwrap();
            let (mut one_by_one, mut side_by_side) = (points::<21>(), points::<21>());
            solver.integrate_one_by_one(&Straight, &mut one_by_one, &conditions);
            solver.integrate_groups(&Straight, &mut side_by_side, &conditions, |_, _, _| {});
            assert_eq!(one_by_one, side_by_side);
        }
    }

    #[test]
    fn steps_one_by_one_and_side_by_side_give_the_same_bits() {
        let solver = AdamsBashforth2::<3>::UNIFORM;
        let conditions = Conditions::new(21, &[[]]).unwrap();
        let mut one_by_one = points::<21>().map(|x| solver.start(x));
        let mut side_by_side = one_by_one;
        // Mixes paths at different steps, and in the end paths that have taken their last step.
        for _ in 0..4 {
            solver.step_one_by_one(&Turning, &mut one_by_one[3..], &conditions);
            solver.step_groups(&Turning, &mut side_by_side[3..], &conditions);
            solver.step_one_by_one(&Turning, &mut one_by_one[..9], &conditions);
            solver.step_groups(&Turning, &mut side_by_side[..9], &conditions);
            assert_eq!(one_by_one, side_by_side);
        }
    }
}
