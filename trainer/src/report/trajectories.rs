//! Paths of a model with all their points.

use flowlet::HeapSolver;
use rayon::prelude::*;

use super::subject::Subject;
use crate::data::Matrix;

/// Number of paths in a core's unit of work.
const TASK: usize = 1024;

/// Points of a model's paths before the first step and after each step, in flow units.
#[derive(Clone, Debug)]
pub struct Trajectories {
    /// The times, `[N + 1]`.
    times: Vec<f64>,
    /// The points at each time, `[N + 1]` matrices `[n, D]`.
    points: Vec<Matrix>,
}

impl Trajectories {
    /// Integrates from `starts` (`[n, D]`, flow units) with conditions `c` (`[n, C]`, the user's units).
    pub fn new(subject: &Subject, solver: &HeapSolver, starts: &Matrix, c: &Matrix) -> Self {
        let mlp = &subject.model.mlp;
        let data_dim = mlp.data_dim();
        let moments = solver.steps() + 1;
        let rows = starts.rows();
        let parts: Vec<Vec<f32>> = (0..rows.div_ceil(TASK))
            .into_par_iter()
            .map_init(
                || mlp.scratch(),
                |scratch, task| {
                    let rows = task * TASK..rows.min((task + 1) * TASK);
                    let [starts, c] = [starts, c].map(|matrix| matrix.range(rows.clone()));
                    solver.trajectory_batch(mlp, starts.values(), c.values(), scratch)
                },
            )
            .collect();
        let mut points = vec![Vec::with_capacity(starts.values().len()); moments];
        for part in parts {
            let moments = part.chunks_exact(part.len() / moments);
            points.iter_mut().zip(moments).for_each(|(all, part)| all.extend_from_slice(part));
        }
        let matrix = |values| Matrix::new(values, rows, data_dim);
        Self {
            times: solver.times().map(f64::from).collect(),
            points: points.into_iter().map(matrix).collect(),
        }
    }

    /// Returns the points at time `t`, `[n, D]`. Interpolates linearly within a step.
    pub fn at(&self, t: f64) -> Matrix {
        let after = self.times.partition_point(|&time| time < t);
        if after == 0 || after == self.times.len() || self.times[after] == t {
            return self.points[after.min(self.times.len() - 1)].clone();
        }
        let [from, to] = [self.times[after - 1], self.times[after]];
        let part = ((t - from) / (to - from)) as f32;
        let [a, b] = [&self.points[after - 1], &self.points[after]];
        let between = a.values().iter().zip(b.values()).map(|(a, b)| a + part * (b - a));
        Matrix::new(between.collect(), a.rows(), a.columns())
    }

    /// Returns the points of path `row`, `[N + 1]` of `[D]`.
    pub fn path(&self, row: usize) -> impl Iterator<Item = &[f32]> {
        self.points.iter().map(move |points| points.row(row))
    }
}
