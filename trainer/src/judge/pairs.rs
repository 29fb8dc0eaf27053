//! How near a student comes to the samples of its teacher.

use flowlet::HeapSolver;

use crate::coupling::pairs::Pairs;
use crate::model::Model;

/// How near a student comes to its teacher.
#[derive(Clone, Copy, Debug)]
pub struct Nearness {
    /// The root mean square of the differences from the teacher's samples, in each column relative to their standard
    /// deviation: 0 is perfect, and the mean of the samples would have 1.
    pub error: f64,
    /// The number of pairs.
    pub pairs: usize,
}

/// Compares the samples that `solver` draws from the starting points of `pairs` with those of the teacher. Leaves
/// out columns that are constant. `None` without pairs or columns.
pub fn nearness(model: &Model, solver: &HeapSolver, pairs: &Pairs) -> Option<Nearness> {
    let teacher = &pairs.points.x;
    let student = model.sample(solver, &pairs.x_0, &pairs.points.c);
    let n = teacher.rows() as f64;
    let relative = |column: usize| {
        let of = |row: usize| f64::from(teacher.row(row)[column]);
        let rows = || 0..teacher.rows();
        let mean = rows().map(of).sum::<f64>() / n;
        let variance = rows().map(|row| (of(row) - mean).powi(2)).sum::<f64>();
        let error = rows().map(|row| (f64::from(student.row(row)[column]) - of(row)).powi(2));
        (variance > 0.0).then(|| error.sum::<f64>() / variance)
    };
    let found: Vec<f64> = (0..teacher.columns()).filter_map(relative).collect();
    let error = (found.iter().sum::<f64>() / found.len() as f64).sqrt();
    (!found.is_empty()).then_some(Nearness { error, pairs: teacher.rows() })
}
