//! Vector arithmetic. With `std`, the widest vectors of the processor are chosen at run time; without, the
//! compiler's target decides.
//!
//! A product and a sum are never fused into one operation: the compiler fuses only on request.

use core::ops::{Add, Mul};

use crate::lanes::LANES;

/// Compiles an expression once for each set of vector instructions, and runs the version for the widest set
/// that the processor has. Functions that the expression calls are compiled for that set if they are
/// `#[inline(always)]`.
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

/// Evaluates an expression with every set of vector instructions that the processor has.
#[cfg(all(test, feature = "std"))]
macro_rules! for_each_vector_set {
    ($vectors:ident => $value:expr) => {{
        use fearless_simd::Simd;

        let level = fearless_simd::Level::new();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        {
            crate::vectors::for_each_vector_set!(level.as_sse2(), $vectors => $value);
            crate::vectors::for_each_vector_set!(level.as_sse4_2(), $vectors => $value);
            crate::vectors::for_each_vector_set!(level.as_avx2(), $vectors => $value);
            crate::vectors::for_each_vector_set!(level.as_avx512(), $vectors => $value);
        }
        #[cfg(target_arch = "aarch64")]
        crate::vectors::for_each_vector_set!(level.as_neon(), $vectors => $value);
    }};
    ($set:expr, $vectors:ident => $value:expr) => {
        if let Some($vectors) = $set {
            $vectors.vectorize(
                #[inline(always)]
                || $value,
            );
        }
    };
}
#[cfg(all(test, feature = "std"))]
pub(crate) use for_each_vector_set;

/// Half of [`LANES`].
pub(crate) const HALF: usize = LANES / 2;

/// A set of vector instructions: arithmetic on [`LANES`] numbers at once.
pub trait Vectors: Copy {
    /// A vector of `LANES` numbers.
    type V: Copy + Add<Output = Self::V> + Mul<Output = Self::V>;

    /// A vector of `HALF` numbers.
    type Half: Copy + Add<Output = Self::Half> + Mul<Output = Self::Half>;

    /// The number of f32 in a register.
    const WIDTH: usize;

    /// Whether a register holds more numbers than the panels' plain loops use. A single sample's outputs are
    /// then computed with explicit vectors.
    const WIDE: bool = Self::WIDTH > 4;

    /// Copies a number into each lane.
    fn splat(self, x: f32) -> Self::V;

    /// Loads a vector from memory.
    fn load(self, x: &[f32; LANES]) -> Self::V;

    /// Stores a vector to memory.
    fn store(self, v: Self::V, x: &mut [f32; LANES]);

    /// Selects in each lane: `then` where `x ≥ limit`, `otherwise` where it is less or NaN.
    fn at_least(self, x: Self::V, limit: f32, then: Self::V, otherwise: Self::V) -> Self::V;

    /// `max(x, 0)` in each lane. A NaN may give a NaN or 0.
    fn positive(self, x: Self::V) -> Self::V;

    /// Copies a number into each lane of a half vector.
    fn splat_half(self, x: f32) -> Self::Half;

    /// Loads a half vector from memory.
    fn load_half(self, x: &[f32; HALF]) -> Self::Half;

    /// Joins two half vectors, lower lanes first.
    fn join(self, halves: [Self::Half; 2]) -> Self::V;
}

#[cfg(feature = "std")]
impl<S: fearless_simd::Simd> Vectors for S {
    type V = fearless_simd::f32x16<S>;
    type Half = fearless_simd::f32x8<S>;

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

    #[inline(always)]
    fn at_least(self, x: Self::V, limit: f32, then: Self::V, otherwise: Self::V) -> Self::V {
        self.select_f32x16(self.simd_ge_f32x16(x, self.splat_f32x16(limit)), then, otherwise)
    }

    #[inline(always)]
    fn positive(self, x: Self::V) -> Self::V {
        // Read as integers, positive floats keep their order and negative floats are below 0. The integer
        // units are idle here, while the floating-point units are busy.
        let bits: fearless_simd::i32x16<S> = fearless_simd::Bytes::bitcast(x);
        fearless_simd::Bytes::bitcast(self.max_i32x16(bits, self.splat_i32x16(0)))
    }

    #[inline(always)]
    fn splat_half(self, x: f32) -> Self::Half {
        self.splat_f32x8(x)
    }

    #[inline(always)]
    fn load_half(self, x: &[f32; HALF]) -> Self::Half {
        fearless_simd::SimdFrom::simd_from(self, *x)
    }

    #[inline(always)]
    fn join(self, [low, high]: [Self::Half; 2]) -> Self::V {
        self.combine_f32x8(low, high)
    }
}

/// Arrays, whose loops the compiler turns into the target's vectors.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy)]
pub(crate) struct Arrays;

/// A vector of `N` numbers.
#[cfg(not(feature = "std"))]
#[derive(Clone, Copy)]
pub(crate) struct Array<const N: usize>([f32; N]);

#[cfg(not(feature = "std"))]
impl Vectors for Arrays {
    type V = Array<LANES>;
    type Half = Array<HALF>;

    const WIDTH: usize = match crate::registers::VECTORS {
        _ if cfg!(target_feature = "avx512f") => 16,
        _ if cfg!(target_feature = "avx2") => 8,
        true => 4,
        false => 1,
    };

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        Array([x; LANES])
    }

    #[inline(always)]
    fn load(self, x: &[f32; LANES]) -> Self::V {
        Array(*x)
    }

    #[inline(always)]
    fn store(self, v: Self::V, x: &mut [f32; LANES]) {
        *x = v.0;
    }

    #[inline(always)]
    fn at_least(self, x: Self::V, limit: f32, then: Self::V, mut otherwise: Self::V) -> Self::V {
        for ((out, then), x) in otherwise.0.iter_mut().zip(then.0).zip(x.0) {
            *out = if x >= limit { then } else { *out };
        }
        otherwise
    }

    #[inline(always)]
    fn positive(self, mut x: Self::V) -> Self::V {
        for x in &mut x.0 {
            *x = if *x > 0.0 { *x } else { 0.0 };
        }
        x
    }

    #[inline(always)]
    fn splat_half(self, x: f32) -> Self::Half {
        Array([x; HALF])
    }

    #[inline(always)]
    fn load_half(self, x: &[f32; HALF]) -> Self::Half {
        Array(*x)
    }

    #[inline(always)]
    fn join(self, [low, high]: [Self::Half; 2]) -> Self::V {
        let mut joined = [0.0; LANES];
        joined[..HALF].copy_from_slice(&low.0);
        joined[HALF..].copy_from_slice(&high.0);
        Array(joined)
    }
}

#[cfg(not(feature = "std"))]
impl<const N: usize> Add for Array<N> {
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
impl<const N: usize> Mul for Array<N> {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, other: Self) -> Self {
        for (x, y) in self.0.iter_mut().zip(other.0) {
            *x *= y;
        }
        self
    }
}
