//! Solvers of dx/dt = v(t, x): a method, and the grid of times on which it steps.

mod adams_bashforth;
mod batch;
mod euler;
mod grid;
#[cfg(feature = "alloc")]
mod heap;
mod heun;
mod kind;
mod midpoint;
mod path;
mod point;
mod rk4;
#[cfg(feature = "alloc")]
mod steps;
#[cfg(test)]
mod tests;

use core::fmt::Debug;
use core::marker::PhantomData;

use crate::kernel;
use crate::velocity::VelocityField;

pub use grid::GridError;
pub(crate) use grid::between;
#[cfg(feature = "alloc")]
pub use heap::HeapSolver;
#[cfg(feature = "alloc")]
pub(crate) use heap::HeapStages;
pub use kind::SolverKind;
pub use path::Path;
pub use point::Point;
#[cfg(feature = "alloc")]
pub(crate) use steps::Stages;
#[cfg(feature = "alloc")]
pub use steps::Steps;

/// The methods by which a [`Solver`] steps, as types.
pub mod method {
    pub use super::adams_bashforth::AdamsBashforth2;
    pub use super::euler::Euler;
    pub use super::heun::Heun;
    pub use super::midpoint::Midpoint;
    pub use super::rk4::Rk4;
}

/// [Euler's method](method::Euler) in `N` steps, of one evaluation each.
pub type Euler<const N: usize> = Solver<method::Euler, N>;
/// [The midpoint method](method::Midpoint) in `N` steps, of two evaluations each.
pub type Midpoint<const N: usize> = Solver<method::Midpoint, N>;
/// [Heun's method](method::Heun) in `N` steps, of two evaluations each.
pub type Heun<const N: usize> = Solver<method::Heun, N>;
/// [The classical Runge–Kutta method](method::Rk4) in `N` steps, of four evaluations each.
pub type Rk4<const N: usize> = Solver<method::Rk4, N>;
/// [The two-step Adams–Bashforth method](method::AdamsBashforth2) in `N` steps, of one evaluation
/// each.
pub type AdamsBashforth2<const N: usize> = Solver<method::AdamsBashforth2, N>;

/// A method `S` over a fixed grid of `N` steps: [`Euler`], [`Midpoint`], [`Heun`], [`Rk4`],
/// [`AdamsBashforth2`].
///
/// The `i`-th step begins at `t_i` and is `dt_i = t_{i+1} − t_i` long, both in f32; it ends at
/// `t_i + dt_i`. The operations of each method, in their order and each rounded, stand at
/// [its type](method); with the grid, they are part of the numeric contract.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solver<S, const N: usize> {
    t: [f32; N],
    dt: [f32; N],
    method: PhantomData<fn() -> S>,
}

/// A method as part of a solver's type.
pub trait Method: sealed::Sealed {
    /// The same method as a value.
    const KIND: SolverKind;

    /// What a step of points `X` leaves for the next one: `()` where that is nothing.
    type Memory<X: Point>: Copy + Debug + PartialEq;

    /// The memory of a path that has not begun.
    #[doc(hidden)]
    fn start<X: Point>() -> Self::Memory<X>;

    /// The step from `x` at `t` to `t + dt`; the step before was `dt_before` long.
    #[doc(hidden)]
    fn step<X: Point>(
        velocity: impl FnMut(f32, X) -> X,
        t_dt: (f32, f32),
        dt_before: Option<f32>,
        x: X,
        memory: &mut Self::Memory<X>,
    ) -> X;
}

/// A method whose steps leave nothing for the next: a path's whole state is `(i, x)`.
pub trait OneStep: Method {}

mod sealed {
    pub trait Sealed {}
}

impl<S: OneStep, const N: usize> Solver<S, N> {
    /// The `i`-th step of a path: from `x` at the time `t_i` (flow units) to the next `x`. Past
    /// the last step `x` stays what it is.
    pub fn step<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C>,
        i: usize,
        x: [f32; D],
        c: [f32; C],
    ) -> [f32; D] {
        self.advance(|t, x| field.velocity(t, x, c), i, x, &mut S::start())
    }

    /// A path taken up at `x` after `i` of its steps, say from a snapshot.
    pub fn path_from<'a, const D: usize, const C: usize, M: VelocityField<D, C>>(
        &'a self,
        field: &'a M,
        i: usize,
        x: [f32; D],
        c: [f32; C],
    ) -> Path<'a, S, M, D, C, N> {
        Path { i, ..self.path(field, x, c) }
    }
}

impl<const N: usize> AdamsBashforth2<N> {
    /// The `i`-th step of a path: from `x` at the time `t_i` (flow units) to the next `x`. `before`
    /// is the velocity at the start of the step before, and becomes that of this one; where it is
    /// `None`, as on the first step, the step is Euler's. Past the last step all stays what it is.
    ///
    /// ```
    /// use flowlet::{AdamsBashforth2, VelocityField};
    /// # struct Ramp;
    /// # impl VelocityField<1, 0> for Ramp {
    /// #     fn velocity(&self, t: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] { [2.0 * t] }
    /// # }
    ///
    /// // dx/dt = 2t.
    /// let (mut x, mut before) = ([0.0], None);
    /// for i in 0..4 {
    ///     x = AdamsBashforth2::<4>::UNIFORM.step(&Ramp, i, x, &mut before, []);
    /// }
    /// // Exact but for Euler's first step, which takes the velocity to be 0.
    /// assert_eq!((x, before), ([1.0 - 0.25 * 0.25], Some([1.5])));
    /// ```
    pub fn step<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C>,
        i: usize,
        x: [f32; D],
        before: &mut Option<[f32; D]>,
        c: [f32; C],
    ) -> [f32; D] {
        self.advance(|t, x| field.velocity(t, x, c), i, x, before)
    }

    /// A path taken up at `x` after `i` of its steps, say from a snapshot; `before` is the
    /// [`memory`](Path::memory) of the path then.
    pub fn path_from<'a, const D: usize, const C: usize, M: VelocityField<D, C>>(
        &'a self,
        field: &'a M,
        i: usize,
        x: [f32; D],
        before: Option<[f32; D]>,
        c: [f32; C],
    ) -> Path<'a, method::AdamsBashforth2, M, D, C, N> {
        Path { i, memory: before, ..self.path(field, x, c) }
    }
}

impl<S: Method, const N: usize> Solver<S, N> {
    fn advance<X: Point>(
        &self,
        velocity: impl FnMut(f32, X) -> X,
        i: usize,
        x: X,
        memory: &mut S::Memory<X>,
    ) -> X {
        let (Some(&t), Some(&dt)) = (self.t.get(i), self.dt.get(i)) else { return x };
        let dt_before = self.dt.get(i.wrapping_sub(1)).copied();
        S::step(velocity, (t, dt), dt_before, x, memory)
    }

    /// All steps at once: from `x_0` (noise) to a sample in data units.
    pub fn sample<const D: usize, const C: usize>(
        &self,
        field: &impl VelocityField<D, C>,
        x_0: [f32; D],
        c: [f32; C],
    ) -> [f32; D] {
        let (mut x, mut memory) = (x_0, S::start());
        #[cfg(feature = "std")]
        if field.walk(Steps { kind: S::KIND, t: &self.t, dt: &self.dt }, &mut x, c) {
            return field.to_data_units(x);
        }
        for i in 0..N {
            x = self.advance(|t, x| field.velocity(t, x, c), i, x, &mut memory);
        }
        field.to_data_units(x)
    }

    /// Step by step: an iterator over the `N` points after `x_0`, each with its time.
    pub fn path<'a, const D: usize, const C: usize, M: VelocityField<D, C>>(
        &'a self,
        field: &'a M,
        x_0: [f32; D],
        c: [f32; C],
    ) -> Path<'a, S, M, D, C, N> {
        Path { solver: self, field, c, i: 0, x: x_0, memory: S::start() }
    }

    /// The whole path, `x_0` and the point after each step (flow units). `K` is `N + 1`; another
    /// number does not compile.
    ///
    /// ```
    /// # use flowlet::{Euler, VelocityField};
    /// # struct Still;
    /// # impl VelocityField<1, 0> for Still {
    /// #     fn velocity(&self, _: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] { [1.0] }
    /// # }
    /// let xs = Euler::<4>::UNIFORM.trajectory::<1, 0, 5>(&Still, [0.0], []);
    /// assert_eq!(*xs, [[0.0], [0.25], [0.5], [0.75], [1.0]]);
    /// ```
    ///
    /// ```compile_fail
    /// # use flowlet::{Euler, VelocityField};
    /// # struct Still;
    /// # impl VelocityField<1, 0> for Still {
    /// #     fn velocity(&self, _: f32, _: [f32; 1], _: [f32; 0]) -> [f32; 1] { [1.0] }
    /// # }
    /// let xs = Euler::<4>::UNIFORM.trajectory::<1, 0, 4>(&Still, [0.0], []);
    /// ```
    pub fn trajectory<const D: usize, const C: usize, const K: usize>(
        &self,
        field: &impl VelocityField<D, C>,
        x_0: [f32; D],
        c: [f32; C],
    ) -> heapless::Vec<[f32; D], K> {
        const { assert!(K == N + 1, "a trajectory of N steps has N + 1 points") };
        core::iter::once(x_0).chain(self.path(field, x_0, c).map(|(_, x)| x)).collect()
    }
}

/// `x + (v · dt)`, for each coordinate.
fn along<X: Point>(mut x: X, v: &X, dt: f32) -> X {
    kernel::euler(x.coordinates_mut(), v.coordinates(), dt);
    x
}
