//! Constructors of a solver in whole numbers from its times.

use core::marker::PhantomData;

use super::arithmetic::ONE;
use crate::grid::{GridError, MAX_STEPS};
use crate::method::Method;
#[cfg(feature = "alloc")]
use crate::model_file::Times;
use crate::model_file::check_solver;
use crate::safetensors::{File, LoadError, tri};
use crate::solver::SolverOf;
use crate::tensor::{Shape, TensorName};

impl<S: Method, const N: usize> SolverOf<S, N, i32> {
    const ZERO: Self = {
        assert!(N > 0, "a solver takes at least one step");
        assert!(N <= MAX_STEPS, "a solver takes at most 2^24 steps");
        Self { t: [0; N], dt: [0; N], method: PhantomData }
    };

    /// `N` steps of equal length from 0 to 1: `t_i` is `i ÷ N` with [`TIME_BITS`](super::TIME_BITS) fraction bits,
    /// rounded half up, and `dt_i = t_{i+1} − t_i`.
    pub const UNIFORM: Self = {
        let mut solver = Self::ZERO;
        let mut i = 0;
        while i < N {
            (solver.t[i], solver.dt[i]) = uniform(i, N);
            i += 1;
        }
        solver
    };

    /// A solver whose steps begin and end at `times`, from 0 to 1 with [`TIME_BITS`](super::TIME_BITS) fraction bits.
    /// `K` must be `N + 1`; another number does not compile.
    ///
    /// # Panics
    ///
    /// Panics if the times do not increase or are outside 0 to 1. In a `static` or `const`, this is a compile error.
    pub const fn from_times<const K: usize>(times: [i32; K]) -> Self {
        match Self::try_from_times(times) {
            Ok(solver) => solver,
            Err(error) => panic!("{}", error.message().as_str()),
        }
    }

    /// [`Self::from_times`] for times that are known only at run time.
    ///
    /// # Errors
    ///
    /// [`GridError`] if the times do not increase or are outside 0 to 1.
    pub const fn try_from_times<const K: usize>(times: [i32; K]) -> Result<Self, GridError> {
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
    /// # Panics
    ///
    /// Panics if the file has no grid, another number of steps, or another method. In a `static` or `const`, this is a
    /// compile error with the text of [`LoadError`].
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

/// `(t_i, dt_i)` of step `i` of the uniform grid of `n` steps from 0 to 1.
const fn uniform(i: usize, n: usize) -> (i32, i32) {
    let (t, next) = (time(i, n), time(i + 1, n));
    (t, next - t)
}

/// `i ÷ n`, rounded half up.
const fn time(i: usize, n: usize) -> i32 {
    let n = n as u64;
    (((i as u64) * (ONE as u64) + n / 2) / n) as i32
}

/// `(t_i, dt_i)` of the step from `t`, time `i` of a grid, to `next`.
const fn between(t: i32, next: i32, i: usize) -> Result<(i32, i32), GridError> {
    if t < 0 || t > ONE {
        return Err(GridError::OutOfRange { index: i });
    }
    if next < 0 || next > ONE {
        return Err(GridError::OutOfRange { index: i + 1 });
    }
    if next <= t {
        return Err(GridError::NotIncreasing { index: i + 1 });
    }
    Ok((t, next - t))
}

/// Reads the tensor `grid` (`[N + 1]`) into the start times `t` (`[N]`) and the lengths `dt` (`[N]`) of the steps.
const fn read_grid(file: &File<'_>, t: &mut [i32], dt: &mut [i32]) -> Result<(), LoadError> {
    let tensor = TensorName::Grid;
    let values = match tri!(file.bytes(tensor, Shape::vector(t.len() + 1), "I32")) {
        Some(bytes) => bytes.as_chunks::<4>().0,
        None => return Err(LoadError::MissingTensor { tensor }),
    };
    let mut i = 0;
    while i < t.len() && i + 1 < values.len() && i < dt.len() {
        let (time, next) = (i32::from_le_bytes(values[i]), i32::from_le_bytes(values[i + 1]));
        (t[i], dt[i]) = match between(time, next, i) {
            Ok(step) => step,
            Err(GridError::OutOfRange { index }) => {
                let found = i32::from_le_bytes(values[index]);
                return Err(LoadError::OutOfRange { tensor, index, least: 0, most: ONE, found });
            }
            Err(_) => return Err(LoadError::NotIncreasing { tensor, index: i + 1 }),
        };
        i += 1;
    }
    Ok(())
}

#[cfg(feature = "alloc")]
impl Times for i32 {
    fn uniform(i: usize, n: usize) -> (Self, Self) {
        uniform(i, n)
    }

    fn between(t: Self, next: Self, i: usize) -> Result<(Self, Self), GridError> {
        between(t, next, i)
    }

    fn read_grid(file: &File<'_>, t: &mut [Self], dt: &mut [Self]) -> Result<(), LoadError> {
        read_grid(file, t, dt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixed::{Euler, Heun};

    #[test]
    fn the_uniform_grid_has_the_times_of_the_contract() {
        let euler = Euler::<3>::UNIFORM;
        assert_eq!(euler.t, [0, 357_913_941, 715_827_883]);
        assert_eq!(euler.dt, [357_913_941, 357_913_942, 357_913_941]);
        for steps in [1, 7, 100, MAX_STEPS] {
            let total: i64 = (0..steps).map(|i| i64::from(uniform(i, steps).1)).sum();
            assert_eq!(total, i64::from(ONE));
        }
    }

    #[test]
    fn invalid_times_are_errors() {
        let error = |times: [i32; 3]| Heun::<2>::try_from_times(times).unwrap_err();
        assert_eq!(error([0, 5, 5]), GridError::NotIncreasing { index: 2 });
        assert_eq!(error([5, 0, 9]), GridError::NotIncreasing { index: 1 });
        assert_eq!(error([-1, 0, 9]), GridError::OutOfRange { index: 0 });
        assert_eq!(error([0, 1, i32::MAX]), GridError::OutOfRange { index: 2 });
        assert_eq!(Heun::<1>::from_times([0, ONE]), Heun::UNIFORM);
    }
}
