//! Samples many points at once with the runtime, on all cores.

use flowlet::{HeapMlp, HeapSolver, LANES, Noise, Scratch};
use rayon::prelude::*;

use crate::data::Matrix;

/// Number of rows in a core's unit of work.
const TASK: usize = 16 * LANES;

/// Returns the runtime's noise for samples 0 to `n − 1` of `seed`, `[n, D]`.
pub fn noise(seed: u64, n: usize, data_dim: usize) -> Matrix {
    noise_from(seed, 0, n, data_dim)
}

/// Returns the runtime's noise for `n` samples of `seed` from sample `first` on, `[n, D]`.
pub fn noise_from(seed: u64, first: u64, n: usize, data_dim: usize) -> Matrix {
    let noise = Noise::new(seed);
    let mut values = vec![0.0; n * data_dim];
    values
        .par_chunks_exact_mut(data_dim)
        .enumerate()
        .for_each(|(row, x)| noise.fill(first + row as u64, x));
    Matrix::new(values, n, data_dim)
}

/// Returns samples in data units, `[n, D]`: one for each row of `x_0` (`[n, D]`, flow units) with the
/// conditions in the same row of `c` (`[n, C]`, the user's units).
///
/// Each sample has the same bits as on the target device, whatever the number of cores.
pub fn sample(mlp: &HeapMlp, solver: &HeapSolver, x_0: &Matrix, c: &Matrix) -> Matrix {
    each_task(mlp, x_0, c, |x, c, scratch| solver.sample_batch(mlp, x, c, scratch))
}

/// The same as [`sample`], but returns flow units.
pub fn integrate(mlp: &HeapMlp, solver: &HeapSolver, x_0: &Matrix, c: &Matrix) -> Matrix {
    each_task(mlp, x_0, c, |x, c, scratch| solver.integrate_batch(mlp, x, c, scratch))
}

/// Applies `batch` to blocks of rows of `x_0` and `c`, on all cores; returns the results, `[n, D]`.
fn each_task(
    mlp: &HeapMlp,
    x_0: &Matrix,
    c: &Matrix,
    batch: impl Fn(&mut [f32], &[f32], &mut Scratch) + Sync,
) -> Matrix {
    let (data, conditions) = (mlp.data_dim(), mlp.condition_dim());
    let mut values = x_0.values().to_vec();
    values.par_chunks_mut(TASK * data).enumerate().for_each_init(
        || mlp.scratch(),
        |scratch, (task, x)| {
            let c = &c.values()[task * TASK * conditions..][..x.len() / data * conditions];
            batch(x, c, scratch);
        },
    );
    Matrix::new(values, x_0.rows(), x_0.columns())
}
