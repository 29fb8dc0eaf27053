//! The times of a solver's steps.

use core::error::Error;
use core::fmt;

use crate::method::SolverKind;
use crate::method::sealed::StepTime;
use crate::text::Message;

/// The largest number of steps in a grid: beyond 2²⁴, an f32 cannot represent every step number.
pub(crate) const MAX_STEPS: usize = 1 << 24;

/// A method and the times of its `N` steps.
#[derive(Clone, Copy)]
pub struct Steps<'a, T> {
    /// The method.
    pub kind: SolverKind,
    /// The time at which each step begins, `[N]`.
    pub t: &'a [T],
    /// Each step's length, `[N]`.
    pub dt: &'a [T],
}

impl<T: Copy> Steps<'_, T> {
    /// The times of step `i`; `None` after the last step.
    #[inline]
    pub(crate) fn get(&self, i: usize) -> Option<StepTime<T>> {
        let (&t, &dt) = (self.t.get(i)?, self.dt.get(i)?);
        Some(StepTime { t, dt, dt_before: self.dt.get(i.wrapping_sub(1)).copied() })
    }
}

/// `(t_i, dt_i)` of step `i` of the uniform grid of `n` steps from 0 to 1.
pub(crate) const fn uniform(i: usize, n: usize) -> (f32, f32) {
    let t = i as f32 / n as f32;
    (t, (i + 1) as f32 / n as f32 - t)
}

/// `(t_i, dt_i)` of the step from `t`, time `i` of a grid, to `next`.
pub(crate) const fn between(t: f32, next: f32, i: usize) -> Result<(f32, f32), GridError> {
    let dt = next - t;
    if !t.is_finite() {
        return Err(GridError::NotFinite { index: i });
    }
    // The difference of two finite times may overflow.
    if !dt.is_finite() {
        return Err(GridError::NotFinite { index: i + 1 });
    }
    if dt <= 0.0 {
        return Err(GridError::NotIncreasing { index: i + 1 });
    }
    Ok((t, dt))
}

/// Why a list of times is not a valid grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GridError {
    /// There are fewer than two times, or more than 2²⁴ + 1.
    Count {
        /// The number of times.
        found: usize,
    },
    /// A time is NaN or infinite, or infinitely far from the time before it.
    NotFinite {
        /// The index of the time, from 0.
        index: usize,
    },
    /// A time is not later than the time before it.
    NotIncreasing {
        /// The index of the time, from 0.
        index: usize,
    },
    /// A time in [fixed point](crate::fixed) is not between 0 and 1.
    OutOfRange {
        /// The index of the time, from 0.
        index: usize,
    },
}

impl GridError {
    /// The text of [`Display`](fmt::Display), made without `core::fmt`, which takes much flash.
    pub const fn message(self) -> Message {
        let m = Message::new();
        match self {
            Self::Count { found } => {
                m.text("expected 2 to 16777217 times in a grid, found ").number(found as u64)
            }
            Self::NotFinite { index } => m
                .text("time ")
                .number(index as u64)
                .text(" of the grid is NaN or infinite, or infinitely far from the time before it"),
            Self::NotIncreasing { index } => m
                .text("time ")
                .number(index as u64)
                .text(" of the grid is not later than the time before it"),
            Self::OutOfRange { index } => m
                .text("time ")
                .number(index as u64)
                .text(" of the grid is not between 0 and 1 (2^30)"),
        }
    }
}

impl fmt::Display for GridError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_str())
    }
}

impl Error for GridError {}
