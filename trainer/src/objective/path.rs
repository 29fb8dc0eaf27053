//! The linear probability path from noise to data, which training samples.

use crate::data::Matrix;

/// Points on the path, where the network is evaluated, and the velocities there, its targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Supervision {
    /// Points at the batch's times, `[B, D]`.
    pub x_t: Matrix,
    /// Velocities there, `[B, D]`.
    pub velocity: Matrix,
}

/// Returns the points of the straight lines from `x_0` to `x_1` (`[B, D]` each) at the times `t`
/// (`[B]`): `x_t = (1 − t)·x_0 + t·x_1`, with the velocity `x_1 − x_0`.
///
/// Source: Lipman et al., "Flow Matching for Generative Modeling" (2023), equations 20 to 23 with
/// σ_min = 0.
///
/// # Panics
///
/// Panics if the shapes do not match.
pub fn linear(x_0: &Matrix, x_1: &Matrix, t: &[f32]) -> Supervision {
    let [rows, columns] = [x_0.rows(), x_0.columns()];
    assert_eq!([x_1.rows(), x_1.columns(), t.len()], [rows, columns, rows], "rows, columns, times");
    let mut x_t = Vec::with_capacity(rows * columns);
    for (row, &t) in t.iter().enumerate() {
        let pairs = x_0.row(row).iter().zip(x_1.row(row));
        x_t.extend(pairs.map(|(x_0, x_1)| x_0 * (1.0 - t) + x_1 * t));
    }
    let pairs = x_0.values().iter().zip(x_1.values());
    let velocity = pairs.map(|(x_0, x_1)| x_1 - x_0).collect();
    let matrix = |values| Matrix::new(values, rows, columns);
    Supervision { x_t: matrix(x_t), velocity: matrix(velocity) }
}
