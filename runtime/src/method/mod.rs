//! The methods of a [`Solver`](crate::Solver), as types.
//!
//! The docs of each type state its operations in order. Each operation is rounded. These operations and the
//! grid of times are part of the numeric contract.

mod adams_bashforth;
#[cfg(feature = "alloc")]
mod choice;
mod euler;
mod heun;
mod kind;
mod midpoint;
mod rk4;
mod step;

use core::fmt::Debug;

use crate::scalar::Scalar;

pub use adams_bashforth::AdamsBashforth2;
pub use euler::Euler;
pub use heun::Heun;
pub use kind::SolverKind;
pub use midpoint::Midpoint;
pub use rk4::Rk4;

/// A method as part of a solver's type.
pub trait Method: sealed::Formula {
    /// The same method as a value.
    const KIND: SolverKind;

    /// What the method remembers from one step to the next, for points with `D` coordinates; `()` if nothing.
    /// The default is the memory before the first step.
    type Memory<const D: usize, T: Scalar>: Copy
        + Debug
        + Default
        + PartialEq
        + sealed::Memory<D, T>;
}

pub(crate) mod sealed {
    use crate::scalar::Scalar;

    /// The time of a step.
    #[derive(Clone, Copy, Debug)]
    pub struct StepTime<T> {
        /// The time at which the step begins.
        pub t: T,
        /// The step's length.
        pub dt: T,
        /// The length of the previous step, if there was one.
        pub dt_before: Option<T>,
    }

    /// The buffers of a step, each as long as a point. Buffers that the method does not use may be empty.
    pub struct Stages<'a, T> {
        /// The point of an evaluation after the first one.
        pub point: &'a mut [T],
        /// The velocities. The first one is the velocity at the start of the step.
        pub v: [&'a mut [T]; 4],
    }

    /// A method's formula.
    pub trait Formula {
        /// Storage for the velocities of a step: `[X; 1]`, `[X; 2]` or `[X; 4]`.
        type Velocities<X: Copy>: AsMut<[X]>;

        /// [`Self::Velocities`] filled with copies of `x`.
        fn velocities<X: Copy>(x: X) -> Self::Velocities<X>;

        /// Moves `x` from the time `time.t` to `time.t + time.dt`. `before` is the velocity at the start of
        /// the previous step, if it is known. `velocity` writes the velocity at a time and a point.
        fn step<T: Scalar>(
            x: &mut [T],
            time: StepTime<T>,
            before: Option<&[T]>,
            stages: &mut Stages<'_, T>,
            velocity: impl FnMut(T, &[T], &mut [T]),
        );
    }

    /// What a method remembers from one step to the next.
    pub trait Memory<const D: usize, T> {
        /// The velocity at the start of the previous step, if it is known and the method uses it.
        fn before(&self) -> Option<&[T; D]>;

        /// Stores the velocity at the start of a step, if the method uses it.
        fn remember(&mut self, v: [T; D]);
    }

    impl<const D: usize, T> Memory<D, T> for () {
        #[inline(always)]
        fn before(&self) -> Option<&[T; D]> {
            None
        }

        #[inline(always)]
        fn remember(&mut self, _: [T; D]) {}
    }

    impl<const D: usize, T> Memory<D, T> for Option<[T; D]> {
        #[inline(always)]
        fn before(&self) -> Option<&[T; D]> {
            self.as_ref()
        }

        #[inline(always)]
        fn remember(&mut self, v: [T; D]) {
            *self = Some(v);
        }
    }
}
