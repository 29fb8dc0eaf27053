//! The part of the plane or of the line that a figure shows.

use super::histogram::quantile;
use crate::data::Matrix;

/// The share of the values at each end that may be out of view.
const TAIL: f64 = 0.002;

/// A rectangle in a plane.
#[derive(Clone, Copy, Debug)]
pub struct Rectangle {
    /// Its left and right edges.
    pub x: [f64; 2],
    /// Its bottom and top edges.
    pub y: [f64; 2],
}

/// Returns the range of the values without 0.2 % of them at each end, with a margin of 8 %. Ignores values
/// that are not finite; without finite values the range is −1 to 1.
pub fn marginal_view(values: &[f32]) -> [f64; 2] {
    let mut finite: Vec<f32> = values.iter().copied().filter(|x| x.is_finite()).collect();
    if finite.is_empty() {
        return [-1.0, 1.0];
    }
    let [low, high] = [TAIL, 1.0 - TAIL].map(|share| quantile(&mut finite, share));
    let room = 0.08 * (high - low);
    // Equal values still need an axis of some length.
    let room = if room > 0.0 { room } else { low.abs().max(1e-3) * 0.5 };
    [low - room, high + room]
}

/// Returns the rectangle that shows two columns of all `sets`; see [`marginal_view`].
pub fn plane_view(sets: &[&Matrix], [first, second]: [usize; 2]) -> Rectangle {
    let of = |column: usize| {
        let views = sets.iter().map(|set| marginal_view(&column_of(set, column)));
        let hull = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        views.reduce(hull).unwrap_or([-1.0, 1.0])
    };
    Rectangle { x: of(first), y: of(second) }
}

/// Returns a column of a matrix, `[rows]`.
pub fn column_of(matrix: &Matrix, column: usize) -> Vec<f32> {
    (0..matrix.rows()).map(|row| matrix.row(row)[column]).collect()
}

/// Returns two columns of the first `most` rows.
pub fn points(matrix: &Matrix, [first, second]: [usize; 2], most: usize) -> Vec<[f64; 2]> {
    (0..matrix.rows().min(most))
        .map(|row| [matrix.row(row)[first], matrix.row(row)[second]].map(f64::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_values_and_equal_values_have_a_view() {
        assert_eq!(marginal_view(&[f32::NAN]), [-1.0, 1.0]);
        let [low, high] = marginal_view(&[5.0, 5.0, f32::INFINITY]);
        assert!(low < 5.0 && high > 5.0, "{low} {high}");
    }
}
