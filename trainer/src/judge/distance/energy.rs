//! The energy distance.

use rayon::prelude::*;

use super::{sorted, squared_distance};
use crate::data::Matrix;

/// Returns the energy distance √(2·E|a − b| − E|a − a′| − E|b − b′|), with means over all pairs of rows
/// (Székely & Rizzo 2013). It is zero only for equal distributions, and NaN if a value is NaN. The sets
/// may differ in size. With one column its cost is that of sorting; with more, that of all pairs.
pub fn energy(a: &Matrix, b: &Matrix) -> f64 {
    let squared = if a.columns() == 1 && b.columns() == 1 {
        on_a_line(a.values(), b.values())
    } else {
        2.0 * mean_distance(a, b) - mean_distance(a, a) - mean_distance(b, b)
    };
    // Rounding may bring the square below zero. `max(0.0)` would also turn NaN into a perfect 0.
    if squared < 0.0 { 0.0 } else { squared.sqrt() }
}

/// Returns the squared energy distance of numbers: twice the integral of (F − G)², where F and G are the
/// two sets' distribution functions.
fn on_a_line(a: &[f32], b: &[f32]) -> f64 {
    if a.iter().chain(b).any(|x| x.is_nan()) {
        return f64::NAN;
    }
    let [a, b] = [a, b].map(|values| sorted(values.iter().copied().map(f64::from)));
    let all = sorted(a.iter().chain(&b).copied());
    let (mut i, mut j, mut sum) = (0, 0, 0.0);
    for pair in all.windows(2) {
        i += a[i..].iter().take_while(|x| **x <= pair[0]).count();
        j += b[j..].iter().take_while(|x| **x <= pair[0]).count();
        let difference = i as f64 / a.len() as f64 - j as f64 / b.len() as f64;
        sum += difference * difference * (pair[1] - pair[0]);
    }
    2.0 * sum
}

/// The mean Euclidean distance over all pairs of rows.
fn mean_distance(a: &Matrix, b: &Matrix) -> f64 {
    // Collected, then added in order: a parallel sum would depend on how the work was shared.
    let sums: Vec<f64> = (0..a.rows())
        .into_par_iter()
        .map(|i| (0..b.rows()).map(|j| squared_distance(a.row(i), b.row(j)).sqrt()).sum())
        .collect();
    sums.iter().sum::<f64>() / (a.rows() as f64 * b.rows() as f64)
}
