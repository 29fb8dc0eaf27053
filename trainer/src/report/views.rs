//! Which part of a plane or a line a figure shows.

use super::histogram::quantile;
use crate::data::Matrix;

/// The part of the values at each end that may be out of view.
const TAIL: f64 = 0.002;

/// A part of a plane.
#[derive(Clone, Copy, Debug)]
pub struct Flat {
    /// From left to right.
    pub x: [f64; 2],
    /// From bottom to top.
    pub y: [f64; 2],
}

/// Where values lie but for a few, with some room around. Values that are not finite do not count.
pub fn marginal_view(values: &[f32]) -> [f64; 2] {
    let mut finite: Vec<f32> = values.iter().copied().filter(|x| x.is_finite()).collect();
    if finite.is_empty() {
        return [-1.0, 1.0];
    }
    let [low, high] = [TAIL, 1.0 - TAIL].map(|share| quantile(&mut finite, share));
    let room = 0.08 * (high - low);
    // Equal values still need an axis.
    let room = if room > 0.0 { room } else { low.abs().max(1e-3) * 0.5 };
    [low - room, high + room]
}

/// Where two columns of all `sets` lie.
pub fn flat_view(sets: &[&Matrix], [first, second]: [usize; 2]) -> Flat {
    let of = |column: usize| {
        let views = sets.iter().map(|set| marginal_view(&column_of(set, column)));
        let hull = |a: [f64; 2], b: [f64; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        views.reduce(hull).unwrap_or([-1.0, 1.0])
    };
    Flat { x: of(first), y: of(second) }
}

/// A column.
pub fn column_of(matrix: &Matrix, column: usize) -> Vec<f32> {
    (0..matrix.rows()).map(|row| matrix.row(row)[column]).collect()
}

/// Two columns of the first `most` rows.
pub fn points(matrix: &Matrix, [first, second]: [usize; 2], most: usize) -> Vec<[f64; 2]> {
    (0..matrix.rows().min(most))
        .map(|row| [matrix.row(row)[first], matrix.row(row)[second]].map(f64::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_and_one_value_have_a_view() {
        assert_eq!(marginal_view(&[f32::NAN]), [-1.0, 1.0]);
        let [low, high] = marginal_view(&[5.0, 5.0, f32::INFINITY]);
        assert!(low < 5.0 && high > 5.0, "{low} {high}");
    }
}
