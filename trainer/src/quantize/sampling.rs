//! Samples of an integer model, and their difference from those of the float model.

use flowlet::fixed;
use rayon::prelude::*;

use super::numbers::{floats, points, user_units};
use super::reference::STATE_BITS;
use crate::data::Matrix;

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

/// Returns the runtime's whole numbers of noise for `n` samples of `seed` from sample `first` on, `[n, D]`. As floats they
/// are exact: noise is far below 16, where 32-bit floats have 20 fraction bits.
pub fn noise_from(seed: u64, first: u64, n: usize, data_dim: usize) -> Matrix {
    let noise = fixed::Noise::new(seed);
    let mut values = vec![0; n * data_dim];
    values
        .par_chunks_exact_mut(data_dim)
        .enumerate()
        .for_each(|(row, x)| noise.fill(first + row as u64, x));
    Matrix::new(floats(&values, STATE_BITS), n, data_dim)
}

/// Rows in a core's unit of work.
const TASK: usize = 256;

/// Returns a sample by the runtime for each row of `x_0` (`[n, D]`, flow units) with the conditions in the same row of
/// `c` (`[n, C]`, the user's units).
pub fn sample(
    mlp: &fixed::HeapMlp,
    solver: &fixed::HeapSolver,
    x_0: &Matrix,
    c: &Matrix,
) -> Samples {
    let [flow, data] = integrate(mlp, solver, x_0, c);
    let d = mlp.data_dim();
    let matrix = |values: &[i32], bits: i32| Matrix::new(floats(values, bits), x_0.rows(), d);
    Samples { flow: matrix(&flow, STATE_BITS), data: matrix(&data, mlp.data_bits()) }
}

/// Returns samples in data units, as [`sample`] does, but such as the columns can hold.
pub(super) fn sample_within(
    mlp: &fixed::HeapMlp,
    columns: &fixed::HeapColumns,
    solver: &fixed::HeapSolver,
    x_0: &Matrix,
    c: &Matrix,
) -> Matrix {
    let [_, mut data] = integrate(mlp, solver, x_0, c);
    columns.apply(&mut data);
    Matrix::new(floats(&data, mlp.data_bits()), x_0.rows(), mlp.data_dim())
}

/// Returns samples in flow units and in data units, `[n][D]` each.
fn integrate(
    mlp: &fixed::HeapMlp,
    solver: &fixed::HeapSolver,
    x_0: &Matrix,
    c: &Matrix,
) -> [Vec<i32>; 2] {
    let mut flow = points(x_0);
    let c = user_units(c, mlp.condition_bits() as i8);
    in_tasks(mlp, &mut flow, &c, |x, c, scratch| solver.integrate_batch(mlp, x, c, scratch));
    let mut data = flow.clone();
    data.chunks_exact_mut(mlp.data_dim()).for_each(|x| mlp.to_data_units(x));
    [flow, data]
}

/// Applies `batch` to blocks of rows of `x` (`[n][D]`) and `c` (`[n][C]`), on all cores.
pub(super) fn in_tasks(
    mlp: &fixed::HeapMlp,
    x: &mut [i32],
    c: &[i32],
    batch: impl Fn(&mut [i32], &[i32], &mut fixed::Scratch) + Sync,
) {
    let (d, conditions) = (mlp.data_dim(), mlp.condition_dim());
    x.par_chunks_mut(TASK * d).enumerate().for_each_init(
        || mlp.scratch(),
        |scratch, (task, x)| {
            batch(x, &c[task * TASK * conditions..][..x.len() / d * conditions], scratch);
        },
    );
}

/// Returns the difference between an integer model's samples and the float model's, both in flow units.
pub fn difference(integer: &Matrix, float: &Matrix) -> Difference {
    let errors = float.values().iter().zip(integer.values());
    let errors: Vec<f64> = errors.map(|(a, b)| f64::from(a - b).abs()).collect();
    let squares: f64 = errors.iter().map(|error| error * error).sum();
    Difference {
        rms: (squares / errors.len().max(1) as f64).sqrt(),
        worst: errors.into_iter().fold(0.0, f64::max),
    }
}
