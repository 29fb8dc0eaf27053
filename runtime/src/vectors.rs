//! Vectors as wide as the processor has them: under `std` chosen when the program runs, without it those
//! of the compiler's target.
//!
//! Under all of them products and sums stay apart: the compiler does not fuse them unless it is told
//! to.

use core::ops::{Add, Mul};

use crate::lanes::LANES;

/// Evaluates an expression once for each set of vector instructions, compiled for it, and runs that of
/// the widest that the processor has. What it calls is compiled with it if it is `#[inline(always)]`.
macro_rules! with_vectors {
    ($vectors:pat => $value:expr) => {{
        #[cfg(feature = "std")]
        {
            fearless_simd::dispatch!(fearless_simd::Level::new(), $vectors => $value)
        }
        #[cfg(not(feature = "std"))]
        {
            let $vectors = crate::vectors::Arrays;
            $value
        }
    }};
}
pub(crate) use with_vectors;

/// A set of vector instructions: a number of each of [`LANES`] samples as one value.
pub trait Vectors: Copy {
    /// `LANES` numbers.
    type V: Copy + Add<Output = Self::V> + Mul<Output = Self::V>;

    /// How many numbers a register holds.
    const WIDTH: usize;

    /// The same number in each lane.
    fn splat(self, x: f32) -> Self::V;

    /// From memory.
    fn load(self, x: &[f32; LANES]) -> Self::V;

    /// To memory.
    fn store(self, v: Self::V, x: &mut [f32; LANES]);
}

#[cfg(feature = "std")]
impl<S: fearless_simd::Simd> Vectors for S {
    type V = fearless_simd::f32x16<S>;

    const WIDTH: usize = <S::f32s as fearless_simd::SimdBase<S>>::LEN;

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        self.splat_f32x16(x)
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Self::V {
        fearless_simd::SimdFrom::simd_from(self, *x)
    }

    #[inline(always)]
    fn store(self, v: Self::V, x: &mut [f32; LANES]) {
        *x = v.into();
    }
}

/// Vectors by what the compiler makes of arrays.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy)]
pub(crate) struct Arrays;

/// `LANES` numbers.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy)]
pub(crate) struct Array([f32; LANES]);

#[cfg(not(feature = "std"))]
impl Vectors for Arrays {
    type V = Array;

    const WIDTH: usize = match crate::panel::VECTORS {
        _ if cfg!(target_feature = "avx512f") => 16,
        _ if cfg!(target_feature = "avx2") => 8,
        true => 4,
        false => 1,
    };

    #[inline(always)]
    fn splat(self, x: f32) -> Array {
        Array([x; LANES])
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Array {
        Array(*x)
    }

    #[inline(always)]
    fn store(self, v: Array, x: &mut [f32; LANES]) {
        *x = v.0;
    }
}

#[cfg(not(feature = "std"))]
impl Add for Array {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for (x, y) in self.0.iter_mut().zip(other.0) {
            *x += y;
        }
        self
    }
}

#[cfg(not(feature = "std"))]
impl Mul for Array {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, other: Self) -> Self {
        for (x, y) in self.0.iter_mut().zip(other.0) {
            *x *= y;
        }
        self
    }
}
