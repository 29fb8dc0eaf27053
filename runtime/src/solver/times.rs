//! Constructors of a solver from its times.

use core::marker::PhantomData;

use super::Solver;
use crate::grid::{GridError, MAX_STEPS, between, uniform};
use crate::method::Method;
use crate::model_file::{check_solver, read_grid};
use crate::safetensors::{File, LoadError, tri};

impl<S: Method, const N: usize> Solver<S, N> {
    const ZERO: Self = {
        assert!(N > 0, "a solver takes at least one step");
        assert!(N <= MAX_STEPS, "a solver takes at most 2^24 steps");
        Self { t: [0.0; N], dt: [0.0; N], method: PhantomData }
    };

    /// `N` steps of equal length from 0 to 1: `t_i = i ÷ N` and `dt_i = t_{i+1} − t_i`, in f32. The
    /// difference is exact.
    pub const UNIFORM: Self = {
        let mut solver = Self::ZERO;
        let mut i = 0;
        while i < N {
            (solver.t[i], solver.dt[i]) = uniform(i, N);
            i += 1;
        }
        solver
    };

    /// A solver whose steps begin and end at `times`. `K` must be `N + 1`; another number does not compile.
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
    /// Panics if the times do not increase or are not finite. In a `static` or `const`, this is a compile
    /// error.
    pub const fn from_times<const K: usize>(times: [f32; K]) -> Self {
        match Self::try_from_times(times) {
            Ok(solver) => solver,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// [`Self::from_times`] for times that are known only at run time.
    ///
    /// # Errors
    ///
    /// [`GridError`] if the times do not increase or are not finite.
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

    /// Reads the steps that a model was made for (the tensor `grid` of its file) at compile time.
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
    /// Panics if the file has no grid, another number of steps, or another method. In a `static` or `const`,
    /// this is a compile error with the text of [`LoadError`].
    pub const fn from_safetensors(bytes: &[u8]) -> Self {
        match Self::try_from_safetensors(bytes) {
            Ok(solver) => solver,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// Reads the steps that a model was made for at run time.
    ///
    /// # Errors
    ///
    /// [`LoadError`] if the bytes are not a file with a grid of `N` steps for this method.
    pub const fn try_from_safetensors(bytes: &[u8]) -> Result<Self, LoadError> {
        let mut file = File::NONE;
        tri!(file.open(bytes));
        tri!(check_solver(&file, S::KIND));
        let mut solver = Self::ZERO;
        tri!(read_grid(&file, &mut solver.t, &mut solver.dt));
        Ok(solver)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Euler, Heun};

    #[test]
    fn the_uniform_grid_has_the_times_of_the_contract() {
        let euler = Euler::<15>::UNIFORM;
        for i in 0..15 {
            assert_eq!(euler.t[i].to_bits(), (i as f32 / 15.0).to_bits());
            let next = (i + 1) as f32 / 15.0;
            // The difference is exact: adding it to t gives the next t.
            assert_eq!((euler.t[i] + euler.dt[i]).to_bits(), next.to_bits());
        }
    }

    #[test]
    fn from_times_keeps_the_times() {
        let heun = Heun::<3>::from_times([0.0, 0.1, 0.75, 1.0]);
        assert_eq!(heun.t, [0.0, 0.1, 0.75]);
        assert_eq!(heun.dt, [0.1, 0.75 - 0.1, 0.25]);
    }

    #[test]
    fn invalid_times_are_errors() {
        let error = |times: [f32; 3]| Heun::<2>::try_from_times(times).unwrap_err();
        assert_eq!(error([0.0, 0.5, 0.5]), GridError::NotIncreasing { index: 2 });
        assert_eq!(error([0.5, 0.0, 1.0]), GridError::NotIncreasing { index: 1 });
        assert_eq!(error([0.0, f32::NAN, 1.0]), GridError::NotFinite { index: 1 });
        assert_eq!(error([0.0, 0.5, f32::INFINITY]), GridError::NotFinite { index: 2 });
        assert_eq!(error([f32::NEG_INFINITY, 0.5, 1.0]), GridError::NotFinite { index: 0 });
        assert_eq!(error([-3e38, 3e38, 3.1e38]), GridError::NotFinite { index: 1 });
    }
}
