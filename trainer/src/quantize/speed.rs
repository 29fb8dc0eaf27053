//! The speed at which this machine samples an integer model.

use std::hint::black_box;
use std::time::Duration;

use flowlet::fixed::HeapSolver;

use super::file::IntegerFile;
use super::numbers::{points, user_units};
use super::sampling::{in_tasks, noise_from};
use crate::data::Matrix;
use crate::judge::speed::{Sampling, Speed};

/// Measures `solver` on an integer model as [`measure`](crate::judge::speed::measure) does on a float one: in and out in
/// whole numbers, from noise.
pub fn measure(
    file: &IntegerFile,
    solver: &HeapSolver,
    samples: usize,
    c: &[f32],
    time: Duration,
) -> Speed {
    let (mlp, d) = (&file.mlp, file.mlp.data_dim());
    let x_0 = points(&noise_from(0, 0, samples, d));
    let one = Matrix::new(c.to_vec(), 1, c.len());
    let c = user_units(&one, file.model.condition_units.bits);
    let conditions = c.repeat(samples);
    let mut scratch = mlp.scratch();
    let sampling = Sampling {
        samples,
        steps: solver.steps(),
        evaluations: solver.steps() * solver.kind().evaluations(),
        multiply_adds: None,
        batch: &|| {
            let mut x = x_0.clone();
            in_tasks(mlp, &mut x, &conditions, |x, c, scratch| {
                solver.sample_batch(mlp, x, c, scratch)
            });
            black_box(x);
        },
        single: &mut |row| {
            let mut x = black_box(&x_0[row * d..][..d]).to_vec();
            solver.sample(mlp, &mut x, black_box(&c), &mut scratch);
            black_box(x);
        },
    };
    sampling.measure(time)
}
