//! Many samples at once, by the runtime on all cores.

use flowlet::{HeapMlp, HeapSolver, Noise};
use rayon::prelude::*;

use crate::data::Matrix;

/// Starting points `[n, D]`: the runtime's noise, samples 0 to `n − 1` of `seed`.
pub fn noise(seed: u64, n: usize, data_dim: usize) -> Matrix {
    noise_from(seed, 0, n, data_dim)
}

/// The same from sample `first` on.
pub fn noise_from(seed: u64, first: u64, n: usize, data_dim: usize) -> Matrix {
    let noise = Noise::new(seed);
    let mut values = vec![0.0; n * data_dim];
    values
        .par_chunks_exact_mut(data_dim)
        .enumerate()
        .for_each(|(row, x)| noise.fill(first + row as u64, x));
    Matrix::new(values, n, data_dim)
}

/// Samples in data units `[n, D]`, one for each row of `x_0` (`[n, D]`, flow units) under the same
/// row of `c` (`[n, C]`, the user's units).
///
/// Each is what the embedded model gives, to the bit; how many cores share the work changes
/// nothing.
pub fn sample(mlp: &HeapMlp, solver: &HeapSolver, x_0: &Matrix, c: &Matrix) -> Matrix {
    let mut values = x_0.values().to_vec();
    values.par_chunks_exact_mut(mlp.data_dim()).enumerate().for_each_init(
        || mlp.scratch(),
        |scratch, (row, x)| solver.sample(mlp, x, c.row(row), scratch),
    );
    Matrix::new(values, x_0.rows(), x_0.columns())
}
