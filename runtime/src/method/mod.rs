//! The methods by which a [`Solver`](crate::Solver) steps, as types.
//!
//! Each states its operations in their order, each rounded: with the grid of times, they are part of the numeric
//! contract.

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

pub use adams_bashforth::AdamsBashforth2;
pub use euler::Euler;
pub use heun::Heun;
pub use kind::SolverKind;
pub use midpoint::Midpoint;
pub use rk4::Rk4;
pub(crate) use step::along;

/// A method as part of a solver's type.
pub trait Method: sealed::Formula {
    /// The same method as a value.
    const KIND: SolverKind;

    /// What a step leaves for the next one, of points of `D` coordinates: `()` where that is nothing. Its default
    /// is the memory of a path that has not begun.
    type Memory<const D: usize>: Copy + Debug + Default + PartialEq + sealed::Memory<D>;
}

pub(crate) mod sealed {
    /// The time of a step.
    #[derive(Clone, Copy, Debug)]
    pub struct StepTime {
        /// When it begins.
        pub t: f32,
        /// Its length.
        pub dt: f32,
        /// The length of the step before, if there was one.
        pub dt_before: Option<f32>,
    }

    /// The buffers of a step, as long as a point each. Those that the method does not use may be empty.
    pub struct Stages<'a> {
        /// Where the field is evaluated after the step's start.
        pub point: &'a mut [f32],
        /// The velocities, the first one that at the step's start.
        pub v: [&'a mut [f32]; 4],
    }

    /// A method's formula.
    pub trait Formula {
        /// The velocities of a step: `[X; 1]`, `[X; 2]` or `[X; 4]`.
        type Velocities<X: Copy>: AsMut<[X]>;

        /// As many copies of `x`.
        fn velocities<X: Copy>(x: X) -> Self::Velocities<X>;

        /// Steps `x` from `time.t` to `time.t + time.dt`. `before` is the velocity at the start of the step before,
        /// if it is known. `velocity` writes the velocity at a time and a point.
        fn step(
            x: &mut [f32],
            time: StepTime,
            before: Option<&[f32]>,
            stages: &mut Stages<'_>,
            velocity: impl FnMut(f32, &[f32], &mut [f32]),
        );
    }

    /// What a step leaves for the next one.
    pub trait Memory<const D: usize> {
        /// The velocity at the start of the step before, if it is known and the method uses it.
        fn before(&self) -> Option<&[f32; D]>;

        /// Keeps the velocity at a step's start, if the method uses it.
        fn remember(&mut self, v: [f32; D]);
    }

    impl<const D: usize> Memory<D> for () {
        #[inline(always)]
        fn before(&self) -> Option<&[f32; D]> {
            None
        }

        #[inline(always)]
        fn remember(&mut self, _: [f32; D]) {}
    }

    impl<const D: usize> Memory<D> for Option<[f32; D]> {
        #[inline(always)]
        fn before(&self) -> Option<&[f32; D]> {
            self.as_ref()
        }

        #[inline(always)]
        fn remember(&mut self, v: [f32; D]) {
            *self = Some(v);
        }
    }
}
