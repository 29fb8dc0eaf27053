//! The numbers that solvers compute with.

use core::fmt::Debug;

use crate::nan::canonical;

/// A number that a [`Solver`](crate::Solver) computes with: `f32`, or `i32` in the fixed point of
/// [`flowlet::fixed`](crate::fixed). No other type implements it.
pub trait Scalar: sealed::Arithmetic + Copy + Debug + Default + PartialEq {}

impl Scalar for f32 {}

pub(crate) mod sealed {
    /// The operations of the methods and of guidance, in the contract's order. Points, velocities and times are of
    /// the same type.
    pub trait Arithmetic: Sized {
        /// 0.
        const ZERO: Self;

        /// `t + dt`.
        fn later(self, dt: Self) -> Self;

        /// `dt ÷ 2`.
        fn half(self) -> Self;

        /// `dt ÷ 6`.
        fn sixth(self) -> Self;

        /// What [Adams–Bashforth](crate::method::AdamsBashforth2) needs beside `dt`, from the lengths of a step and
        /// of the step before it.
        fn lean(self, dt_before: Self) -> Self;

        /// `x + (v · dt)`.
        fn advanced(self, v: Self, dt: Self) -> Self;

        /// `x + ((v₁ + v₂) · half)`.
        fn advanced_by_two(self, v: [Self; 2], half: Self) -> Self;

        /// `x + ((((v₁ + (2 · v₂)) + (2 · v₃)) + v₄) · sixth)`.
        fn advanced_by_four(self, v: [Self; 4], sixth: Self) -> Self;

        /// The step of [Adams–Bashforth](crate::method::AdamsBashforth2) from `x`.
        fn extrapolated(self, v: Self, before: Self, lean: Self, dt: Self) -> Self;

        /// `u + ((v − u) · weight)` for the velocity `v`.
        fn guided(self, u: Self, weight: Self) -> Self;
    }
}

impl sealed::Arithmetic for f32 {
    const ZERO: Self = 0.0;

    #[inline(always)]
    fn later(self, dt: Self) -> Self {
        self + dt
    }

    #[inline(always)]
    fn half(self) -> Self {
        self * 0.5
    }

    #[inline(always)]
    fn sixth(self) -> Self {
        self / 6.0
    }

    #[inline(always)]
    fn lean(self, dt_before: Self) -> Self {
        self.half() / dt_before
    }

    #[inline(always)]
    fn advanced(self, v: Self, dt: Self) -> Self {
        canonical(self + v * dt)
    }

    #[inline(always)]
    fn advanced_by_two(self, [v_1, v_2]: [Self; 2], half: Self) -> Self {
        self.advanced(v_1 + v_2, half)
    }

    #[inline(always)]
    fn advanced_by_four(self, [v_1, v_2, v_3, v_4]: [Self; 4], sixth: Self) -> Self {
        self.advanced(v_1 + 2.0 * v_2 + 2.0 * v_3 + v_4, sixth)
    }

    #[inline(always)]
    fn extrapolated(self, v: Self, before: Self, lean: Self, dt: Self) -> Self {
        self.advanced(v + (v - before) * lean, dt)
    }

    #[inline(always)]
    fn guided(self, u: Self, weight: Self) -> Self {
        canonical(u + (self - u) * weight)
    }
}
