//! Reads the solver that a model was made for: its method and its times.

use super::metadata::check;
use super::values::finite;
use crate::grid::between;
#[cfg(feature = "alloc")]
use crate::grid::{GridError, uniform};
use crate::method::SolverKind;
use crate::safetensors::{File, LoadError, tri};
#[cfg(feature = "alloc")]
use crate::scalar::Scalar;
use crate::tensor::{Shape, TensorName};
use crate::text::Text;

const KEY: &str = "flowlet.solver";

/// Rejects metadata that name another method.
pub(crate) const fn check_solver(file: &File<'_>, kind: SolverKind) -> Result<(), LoadError> {
    check(file, KEY, Text::new(kind.name()))
}

/// Reads the tensor `grid` (`[N + 1]`) into the start times `t` (`[N]`) and the lengths `dt` (`[N]`) of the
/// steps.
pub(crate) const fn read_grid(
    file: &File<'_>,
    t: &mut [f32],
    dt: &mut [f32],
) -> Result<(), LoadError> {
    let tensor = TensorName::Grid;
    let values = tri!(file.required(tensor, Shape::vector(t.len() + 1)));
    let mut i = 0;
    while i < t.len() {
        let (time, next) = (tri!(finite(tensor, values, i)), tri!(finite(tensor, values, i + 1)));
        (t[i], dt[i]) = match between(time, next, i) {
            Ok(step) => step,
            Err(_) => return Err(LoadError::NotIncreasing { tensor, index: i + 1 }),
        };
        i += 1;
    }
    Ok(())
}

/// The times of a grid in the numbers that a solver computes with. A solver whose number of steps is known at compile time
/// calls the functions that are behind it, which are `const`.
#[cfg(feature = "alloc")]
pub trait Times: Scalar {
    /// `(t_i, dt_i)` of step `i` of the uniform grid of `n` steps from 0 to 1.
    fn uniform(i: usize, n: usize) -> (Self, Self);

    /// `(t_i, dt_i)` of the step from `t`, time `i` of a grid, to `next`.
    fn between(t: Self, next: Self, i: usize) -> Result<(Self, Self), GridError>;

    /// Reads the tensor `grid` (`[N + 1]`) into the start times `t` (`[N]`) and the lengths `dt` (`[N]`) of the steps.
    fn read_grid(file: &File<'_>, t: &mut [Self], dt: &mut [Self]) -> Result<(), LoadError>;
}

#[cfg(feature = "alloc")]
impl Times for f32 {
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

/// Reads the method, and the start times (`[N]`) and lengths (`[N]`) of the steps.
#[cfg(feature = "alloc")]
pub(crate) fn read_solver<T: Times>(
    file: &File<'_>,
) -> Result<(SolverKind, alloc::vec::Vec<T>, alloc::vec::Vec<T>), LoadError> {
    let kind = solver_kind(file)?;
    let steps = grid_steps(file)?;
    let (mut t, mut dt) = (alloc::vec![T::ZERO; steps], alloc::vec![T::ZERO; steps]);
    T::read_grid(file, &mut t, &mut dt)?;
    Ok((kind, t, dt))
}

/// The method that the metadata name, or Euler's if they name none.
#[cfg(feature = "alloc")]
fn solver_kind(file: &File<'_>) -> Result<SolverKind, LoadError> {
    let Some(found) = file.metadata(KEY)? else { return Ok(SolverKind::Euler) };
    match SolverKind::from_name(found.as_bytes()) {
        Some(kind) if found.is(kind.name()) => Ok(kind),
        _ => Err(LoadError::Metadata {
            key: KEY,
            expected: Text::new("euler, midpoint, heun, rk4 or ab2"),
            found,
        }),
    }
}

/// The number of steps in the file's grid.
#[cfg(feature = "alloc")]
fn grid_steps(file: &File<'_>) -> Result<usize, LoadError> {
    let shape = file.shape(TensorName::Grid)?;
    let steps = match shape.dims() {
        [times] => usize::try_from(times.saturating_sub(1)).unwrap_or(0),
        _ => 0,
    };
    if steps == 0 || steps > crate::grid::MAX_STEPS {
        let expected = Shape::vector(2);
        return Err(LoadError::Shape { tensor: TensorName::Grid, expected, found: shape });
    }
    Ok(steps)
}
