//! The exact linear assignment problem: matches the points of two sets at the least total cost.
//!
//! 1. A random quarter of the problem is solved the same way; its prices are the initial ones.
//! 2. Auctions with smaller and smaller steps (Bertsekas 1988) bring the prices close to optimal.
//! 3. Shortest augmenting paths (Jonker & Volgenant 1987) assign the remaining rows. They make the
//!    result optimal, not only close to it.
//!
//! Prices only fall. So each row keeps its few cheapest columns, and a lower bound on the net cost of
//! all others; it reads all columns only when the bound is reached. Most of the work does not grow with
//! the number of points, and no cost matrix is needed.

mod augment;
mod candidates;
mod costs;
mod prices;

pub use costs::{Cost, CostMatrix};

use costs::{Costs, PointCosts};
use prices::Prices;

use crate::data::Matrix;

/// The most points for which a matrix of all costs (16 MiB) is faster than computing costs on demand.
const DENSE: usize = 2048;

/// Assigns each row of `a` to a different row of `b`, at the least total cost: row `i` of `a` is matched
/// with row `result[i]` of `b`.
///
/// The total is optimal up to the rounding of single costs to f32 (6e-8 relative, times the square root
/// of the number of columns). The result depends on the points alone. Runs on one core: 1,024 points in
/// two dimensions take some 20 ms; 10,000 points take one or two seconds with squared costs, five with
/// Euclidean costs, and minutes with city-block costs, very many of which are equal. One column is
/// sorted instead. Points may repeat, lie far out or be the same in both sets.
///
/// # Panics
///
/// Panics if the sets differ in size, or a value is not finite.
pub fn assign(a: &Matrix, b: &Matrix, cost: Cost) -> Vec<usize> {
    assert_eq!(
        (a.rows(), a.columns()),
        (b.rows(), b.columns()),
        "the sets of points differ in size"
    );
    for points in [a, b] {
        assert!(points.values().iter().all(|x| x.is_finite()), "points must be finite");
    }
    match a.columns() {
        0 => (0..a.rows()).collect(),
        1 => by_sorting(a.values(), b.values()),
        _ => {
            let costs = PointCosts::new(a, b, cost);
            if a.rows() <= DENSE { solve(&costs.to_matrix()) } else { solve(&costs) }.column_of
        }
    }
}

/// Assigns each row of a cost matrix to a different column, at the least total cost: row `i` is matched with
/// column `result[i]`. For costs that are not a distance between points.
///
/// # Panics
///
/// Panics if a cost is not finite.
pub fn assign_dense(costs: &CostMatrix) -> Vec<usize> {
    assert!(costs.are_finite(), "costs must be finite");
    solve(costs).column_of
}

/// Assigns points on a line. Every [`Cost`] is convex in their distance, so matching both sets in sorted
/// order is optimal.
fn by_sorting(a: &[f32], b: &[f32]) -> Vec<usize> {
    let sorted = |values: &[f32]| {
        let mut order: Vec<usize> = (0..values.len()).collect();
        order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
        order
    };
    let mut column_of = vec![0; a.len()];
    for (i, j) in sorted(a).into_iter().zip(sorted(b)) {
        column_of[i] = j;
    }
    column_of
}

/// An optimal assignment, and prices that prove it optimal: each row has a column of least net cost,
/// `cost(i, j) − price[j]`.
struct Solution {
    column_of: Vec<usize>,
    price: Vec<f64>,
}

fn solve(costs: &impl Costs) -> Solution {
    let n = costs.len();
    if n < 2 {
        return Solution { column_of: vec![0; n], price: vec![0.0; n] };
    }
    let mut prices = Prices::new(costs, first_prices(costs));
    prices.auction();
    prices.reduce_rows();
    augment::augment(&mut prices);
    let Prices { column_of, price, .. } = prices;
    Solution { column_of, price }
}

/// Returns the initial prices, `[n]`. Solves a random quarter of the rows and columns; every column then
/// gets the highest price at which no row of the quarter prefers it to its own column. Up to 20 points,
/// a column's price is its least cost.
fn first_prices(costs: &impl Costs) -> Vec<f64> {
    const SMALL: usize = 20;
    let n = costs.len();
    let mut price = vec![f64::INFINITY; n];
    let mut row = vec![0.0; n];
    let mut lower = |row: &[f32], own_net: f64| {
        for (price, &cost) in price.iter_mut().zip(row) {
            let limit = f64::from(cost) - own_net;
            *price = if limit < *price { limit } else { *price };
        }
    };
    if n <= SMALL {
        (0..n).for_each(|i| lower(costs.row(i, &mut row), 0.0));
        return price;
    }
    let [rows, columns] = costs::samples(n, n / 4);
    let quarter = costs.part(&rows, &columns);
    let Solution { column_of, price: paid } =
        if rows.len() <= DENSE { solve(&quarter.to_matrix()) } else { solve(&quarter) };
    for (i, &j) in column_of.iter().enumerate() {
        let own_net = f64::from(quarter.at(i, j)) - paid[j];
        lower(costs.row(rows[i], &mut row), own_net);
    }
    price
}

#[cfg(test)]
mod tests;
