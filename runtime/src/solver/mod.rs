//! Solvers of dx/dt = v(t, x). A solver is a method and a grid of times.

mod batch;
mod path;
mod point;
mod state;
#[cfg(test)]
mod tests;
mod times;

use core::marker::PhantomData;

use heapless::Vec;

use crate::grid::Steps;
use crate::method::sealed::{Memory as _, Stages, StepTime};
use crate::method::{self, Method};
use crate::scalar::Scalar;
use crate::velocity::VelocityField;
use point::Point;

pub use batch::BatchError;
pub use path::Path;
pub use state::State;

/// [Euler's method](method::Euler) with `N` steps of one evaluation each.
pub type Euler<const N: usize> = Solver<method::Euler, N>;
/// [The midpoint method](method::Midpoint) with `N` steps of two evaluations each.
pub type Midpoint<const N: usize> = Solver<method::Midpoint, N>;
/// [Heun's method](method::Heun) with `N` steps of two evaluations each.
pub type Heun<const N: usize> = Solver<method::Heun, N>;
/// [The classical Runge–Kutta method](method::Rk4) with `N` steps of four evaluations each.
pub type Rk4<const N: usize> = Solver<method::Rk4, N>;
/// [The two-step Adams–Bashforth method](method::AdamsBashforth2) with `N` steps of one evaluation each.
pub type AdamsBashforth2<const N: usize> = Solver<method::AdamsBashforth2, N>;

/// A solver in `f32` with the method `S` and a fixed grid of `N` steps. Its constructors are in the docs of
/// [`SolverOf`].
pub type Solver<S, const N: usize> = SolverOf<S, N, f32>;

/// A solver with the method `S` and a fixed grid of `N` steps: [`Euler`], [`Midpoint`], [`Heun`], [`Rk4`],
/// [`AdamsBashforth2`]. It computes in `T`: [`Solver`] in `f32`, [`fixed::Solver`](crate::fixed::Solver) in whole numbers.
///
/// Step `i` begins at `t_i`, has the length `dt_i = t_{i+1} − t_i` and ends at `t_i + dt_i`, all in `T`. The
/// docs of each [method's type](method) state its operations in order; each operation is rounded. These
/// operations and the grid are part of the numeric contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SolverOf<S, const N: usize, T> {
    pub(crate) t: [T; N],
    pub(crate) dt: [T; N],
    pub(crate) method: PhantomData<fn() -> S>,
}

impl<S: Method, const N: usize, T: Scalar> SolverOf<S, N, T> {
    /// Returns the state of a path that starts at `x_0` (flow units).
    pub fn start<const D: usize>(&self, x_0: [T; D]) -> State<D, S::Memory<D, T>, T> {
        State::at(0, x_0)
    }

    /// Takes step `state.i`: moves `state.x` from the time `t_i` to `t_i + dt_i`. Returns `true`. After the
    /// last step it changes nothing and returns `false`.
    ///
    /// ```
    /// use flowlet::{Method, Solver, VelocityField, method};
    /// # struct Ramp;
    /// # impl VelocityField<1, 0> for Ramp {
    /// #     fn velocity(&self, t: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] { [2.0 * t] }
    /// # }
    ///
    /// /// Works with every method.
    /// fn end<S: Method>(solver: Solver<S, 4>) -> f32 {
    ///     let mut state = solver.start([0.0]);
    ///     // dx/dt = 2t.
    ///     while solver.step(&Ramp, &mut state, []) {}
    ///     state.x[0]
    /// }
    ///
    /// assert_eq!(end::<method::Heun>(Solver::UNIFORM), 1.0);
    /// // Adams–Bashforth is exact here, except for its first step, which is an Euler step.
    /// assert_eq!(end::<method::AdamsBashforth2>(Solver::UNIFORM), 1.0 - 0.25 * 0.25);
    /// ```
    pub fn step<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        state: &mut State<D, S::Memory<D, T>, T>,
        c: [T; C],
    ) -> bool {
        let Some(time) = self.steps().get(state.i) else { return false };
        let velocity = |t, x: &[T; D]| field.velocity(t, *x, c);
        let v = take_step::<S, _, _>(time, &mut state.x, state.memory.before(), velocity);
        state.memory.remember(v);
        state.i += 1;
        true
    }

    /// Takes all steps from `x_0` (noise, flow units) and returns a sample in data units.
    pub fn sample<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x_0: [T; D],
        c: [T; C],
    ) -> [T; D] {
        field.to_data_units(self.integrate(field, x_0, c))
    }

    /// Takes all steps from `x_0` and returns the last point, both in flow units.
    pub fn integrate<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x_0: [T; D],
        c: [T; C],
    ) -> [T; D] {
        let mut state = self.start(x_0);
        if !field.__integrate(self.steps(), &mut state.x, c) {
            while self.step(field, &mut state, c) {}
        }
        state.x
    }

    /// Returns the whole path: `x_0` and the point after each step, `N + 1` points in flow units.
    ///
    /// `K` is the vector's capacity, at least `N + 1`; a smaller one does not compile. With a larger one,
    /// solvers with different numbers of steps can return the same type. The result is a `heapless::Vec`,
    /// which needs no heap.
    ///
    /// ```
    /// # use flowlet::{Euler, VelocityField};
    /// # struct Still;
    /// # impl VelocityField<1, 0> for Still {
    /// #     fn velocity(&self, _: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] { [1.0] }
    /// # }
    /// let mut path = Euler::<4>::UNIFORM.trajectory::<1, 0, 5>(&Still, [0.0], []);
    /// assert_eq!(path, [[0.0], [0.25], [0.5], [0.75], [1.0]]);
    ///
    /// path = Euler::<2>::UNIFORM.trajectory(&Still, [0.0], []);
    /// assert_eq!(path, [[0.0], [0.5], [1.0]]);
    /// ```
    ///
    /// ```compile_fail
    /// # use flowlet::{Euler, VelocityField};
    /// # struct Still;
    /// # impl VelocityField<1, 0> for Still {
    /// #     fn velocity(&self, _: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] { [1.0] }
    /// # }
    /// let path = Euler::<4>::UNIFORM.trajectory::<1, 0, 4>(&Still, [0.0], []);
    /// ```
    pub fn trajectory<const D: usize, const C: usize, const K: usize>(
        &self,
        field: &impl VelocityField<D, C, T>,
        x_0: [T; D],
        c: [T; C],
    ) -> Vec<[T; D], K> {
        const { assert!(K > N, "a trajectory of N steps has N + 1 points") };
        let mut points = Vec::new();
        let path = self.path(field, x_0, c).map(|(_, x)| x);
        for point in core::iter::once(x_0).chain(path) {
            // Never full, since `K > N`. `extend` would link a panic for the full case.
            _ = points.push(point);
        }
        points
    }

    fn steps(&self) -> Steps<'_, T> {
        Steps { kind: S::KIND, t: &self.t, dt: &self.dt }
    }
}

/// Takes one step with the method `S`, for one point or for points side by side. Returns the velocity at the
/// start of the step.
#[inline]
fn take_step<S: Method, T: Scalar, X: Point<T>>(
    time: StepTime<T>,
    x: &mut X,
    before: Option<&X>,
    mut velocity: impl FnMut(T, &X) -> X,
) -> X {
    let mut point = *x;
    let mut velocities = S::velocities(*x);
    let mut each = velocities.as_mut().iter_mut();
    // Separate calls, because `array::map` takes hundreds of instructions in an unoptimised build.
    let mut next = || match each.next() {
        Some(v) => v.numbers_mut(),
        None => &mut [],
    };
    let mut stages = Stages { point: point.numbers_mut(), v: [next(), next(), next(), next()] };
    S::step(x.numbers_mut(), time, before.map(X::numbers), &mut stages, |t, at, v| {
        if let (Some(at), Some(v)) = (X::from_numbers(at), X::from_numbers_mut(v)) {
            *v = velocity(t, at);
        }
    });
    velocities.as_mut().first().copied().unwrap_or(point)
}
