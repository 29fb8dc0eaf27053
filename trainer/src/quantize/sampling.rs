//! Samples of an integer model, and their difference from those of the float model.

use flowlet::{HeapSolver, SolverKind};
use rayon::prelude::*;

use super::integer::IntegerModel;
use super::numbers::{floats, points, user_units};
use super::reference::{Reference, STATE_BITS, to_data, uniform};
use crate::data::Matrix;
use crate::model::Model;
use crate::solve::sampling::integrate;

/// Samples of an integer model.
#[derive(Clone, Debug)]
pub struct Samples {
    /// In flow units, `[n, D]`.
    pub flow: Matrix,
    /// In data units, `[n, D]`.
    pub data: Matrix,
}

/// How far samples are from the float model's of the same starting points, in flow units.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// The root mean square over all coordinates.
    pub rms: f64,
    /// The largest magnitude.
    pub worst: f64,
}

/// Returns the times of the steps that an integer model was made for, or of 50 equal steps.
pub fn own_times(model: &IntegerModel) -> Vec<i32> {
    model.grid.clone().unwrap_or_else(|| uniform(50))
}

/// Returns a sample for each row of `x_0` (`[n, D]`, flow units) with the conditions in the same row of `c` (`[n, C]`,
/// the user's units).
pub fn sample(
    model: &IntegerModel,
    kind: SolverKind,
    times: &[i32],
    x_0: &Matrix,
    c: &Matrix,
) -> Samples {
    let (d, conditions) = (model.shape.data_dim, model.shape.condition_dim);
    let starts = points(x_0);
    let c = user_units(c, model.condition_units.bits);
    let rows: Vec<usize> = (0..x_0.rows()).collect();
    let ends: Vec<i32> = rows
        .into_par_iter()
        .flat_map_iter(|row| {
            let field = Reference::new(model, &c[row * conditions..][..conditions]);
            let path = field.path(kind, times, &starts[row * d..][..d]);
            path[path.len() - d..].to_vec()
        })
        .collect();
    let data: Vec<i32> = ends.chunks_exact(d).flat_map(|x| to_data(model, x)).collect();
    let matrix = |values: &[i32], bits: i32| Matrix::new(floats(values, bits), x_0.rows(), d);
    Samples { flow: matrix(&ends, STATE_BITS), data: matrix(&data, model.data_units.bits.into()) }
}

/// Returns the difference of samples from those of the float model by `solver`, of the same starting points and
/// conditions.
pub fn difference(
    model: &Model,
    solver: &HeapSolver,
    x_0: &Matrix,
    c: &Matrix,
    samples: &Samples,
) -> Difference {
    let expected = integrate(&model.mlp, solver, x_0, c);
    let errors = expected.values().iter().zip(samples.flow.values());
    let errors: Vec<f64> = errors.map(|(a, b)| f64::from(a - b).abs()).collect();
    let squares: f64 = errors.iter().map(|error| error * error).sum();
    Difference {
        rms: (squares / errors.len().max(1) as f64).sqrt(),
        worst: errors.into_iter().fold(0.0, f64::max),
    }
}
