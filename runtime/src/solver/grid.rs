//! The times of the steps.

use core::error::Error;
use core::fmt;
use core::marker::PhantomData;

use super::{Method, Solver};
use crate::safetensors::{File, LoadError, Message, check_solver, read_grid, tri};

impl<S: Method, const N: usize> Solver<S, N> {
    const ZERO: Self = {
        assert!(N > 0, "a solver takes at least one step");
        // Past 2²⁴ not every step number is an f32.
        assert!(N <= 1 << 24, "a solver takes at most 2^24 steps");
        Self { t: [0.0; N], dt: [0.0; N], method: PhantomData }
    };

    /// `N` steps of equal length from 0 to 1: `t_i = i ÷ N` in f32, `dt_i = t_{i+1} − t_i`, which
    /// is exact.
    pub const UNIFORM: Self = {
        let mut solver = Self::ZERO;
        let mut i = 0;
        while i < N {
            (solver.t[i], solver.dt[i]) = uniform(i, N);
            i += 1;
        }
        solver
    };

    /// The steps between `times`, of which there are `K = N + 1`; another number does not compile.
    ///
    /// ```
    /// use flowlet::Midpoint;
    ///
    /// const SOLVER: Midpoint<3> = Midpoint::from_times([0.0, 0.5, 0.75, 1.0]);
    /// ```
    ///
    /// ```compile_fail
    /// # use flowlet::Midpoint;
    /// const SOLVER: Midpoint<4> = Midpoint::from_times([0.0, 0.5, 0.75, 1.0]);
    /// ```
    ///
    /// ```compile_fail
    /// # use flowlet::Midpoint;
    /// const SOLVER: Midpoint<3> = Midpoint::from_times([0.0, 0.75, 0.5, 1.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// When the times do not increase or are not finite: in a `static` or `const`, a compile error.
    pub const fn from_times<const K: usize>(times: [f32; K]) -> Self {
        match Self::try_from_times(times) {
            Ok(solver) => solver,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// [`Self::from_times`] for times that are not known while compiling.
    ///
    /// # Errors
    ///
    /// [`GridError`] when the times do not increase or are not finite.
    pub const fn try_from_times<const K: usize>(times: [f32; K]) -> Result<Self, GridError> {
        const { assert!(K == N + 1, "a grid of N steps has N + 1 times") };
        let mut solver = Self::ZERO;
        let mut i = 0;
        while i < N {
            (solver.t[i], solver.dt[i]) = tri!(between(times[i], times[i + 1], i));
            i += 1;
        }
        Ok(solver)
    }

    /// The steps that a model's file was made for, read while compiling: its tensor `grid`.
    ///
    /// ```
    /// use flowlet::Euler;
    ///
    /// static SOLVER: Euler<60> =
    ///     Euler::from_safetensors(include_bytes!("../../examples/swirl.safetensors"));
    /// assert_eq!(SOLVER, Euler::UNIFORM);
    /// ```
    ///
    /// # Panics
    ///
    /// On a file without a grid, or of another number of steps, or made for another method. In a
    /// `static` or `const` that is a compile error, and it says what [`LoadError`] says.
    pub const fn from_safetensors(bytes: &[u8]) -> Self {
        match Self::try_from_safetensors(bytes) {
            Ok(solver) => solver,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// Reads the steps of a model's file at run time.
    ///
    /// # Errors
    ///
    /// [`LoadError`], whatever the bytes.
    pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let file = tri!(File::open(bytes));
        tri!(check_solver(&file, S::KIND));
        let mut solver = Self::ZERO;
        tri!(read_grid(&file, &mut solver.t, &mut solver.dt));
        Ok(solver)
    }
}

/// `(t_i, dt_i)` of the uniform grid of `n` steps.
pub(crate) const fn uniform(i: usize, n: usize) -> (f32, f32) {
    let t = i as f32 / n as f32;
    (t, (i + 1) as f32 / n as f32 - t)
}

/// `(t_i, dt_i)` of the step from the `i`-th of a grid's times to the next.
pub(crate) const fn between(t: f32, next: f32, i: usize) -> Result<(f32, f32), GridError> {
    let dt = next - t;
    // Two finite times may be infinitely far apart.
    if !t.is_finite() {
        return Err(GridError::NotFinite { index: i });
    }
    if !dt.is_finite() {
        return Err(GridError::NotFinite { index: i + 1 });
    }
    if dt <= 0.0 {
        return Err(GridError::NotIncreasing { index: i + 1 });
    }
    Ok((t, dt))
}

/// Why times are no grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GridError {
    /// Fewer than two times or more than 2²⁴ + 1.
    Count {
        /// The number of times.
        found: usize,
    },
    /// A time is NaN or infinite, or infinitely far from the one before.
    NotFinite {
        /// Which time, from 0.
        index: usize,
    },
    /// A time is not after the one before.
    NotIncreasing {
        /// Which time, from 0.
        index: usize,
    },
}

impl GridError {
    const fn message(self) -> Message {
        let m = Message::new();
        match self {
            Self::Count { found } => {
                m.text("a grid has 2 to 16777217 times, found ").number(found as u64)
            }
            Self::NotFinite { index } => m
                .text("time ")
                .number(index as u64)
                .text(" of the grid is not finite, or infinitely far from the one before"),
            Self::NotIncreasing { index } => m
                .text("time ")
                .number(index as u64)
                .text(" of the grid is not after the one before"),
        }
    }
}

impl fmt::Display for GridError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_str())
    }
}

impl Error for GridError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Euler, Heun};

    #[test]
    fn the_uniform_grid_is_that_of_the_contract() {
        let euler = Euler::<15>::UNIFORM;
        for i in 0..15 {
            assert_eq!(euler.t[i].to_bits(), (i as f32 / 15.0).to_bits());
            let next = (i + 1) as f32 / 15.0;
            // The difference is exact: adding it to t gives the next t.
            assert_eq!((euler.t[i] + euler.dt[i]).to_bits(), next.to_bits());
        }
    }

    #[test]
    fn a_grid_has_the_times_that_it_was_given() {
        let heun = Heun::<3>::from_times([0.0, 0.1, 0.75, 1.0]);
        assert_eq!(heun.t, [0.0, 0.1, 0.75]);
        assert_eq!(heun.dt, [0.1, 0.75 - 0.1, 0.25]);
    }

    #[test]
    fn times_that_are_no_grid_are_refused() {
        let error = |times: [f32; 3]| Heun::<2>::try_from_times(times).unwrap_err();
        assert_eq!(error([0.0, 0.5, 0.5]), GridError::NotIncreasing { index: 2 });
        assert_eq!(error([0.5, 0.0, 1.0]), GridError::NotIncreasing { index: 1 });
        assert_eq!(error([0.0, f32::NAN, 1.0]), GridError::NotFinite { index: 1 });
        assert_eq!(error([0.0, 0.5, f32::INFINITY]), GridError::NotFinite { index: 2 });
        assert_eq!(error([f32::NEG_INFINITY, 0.5, 1.0]), GridError::NotFinite { index: 0 });
        assert_eq!(error([-3e38, 3e38, 3.1e38]), GridError::NotFinite { index: 1 });
    }
}
