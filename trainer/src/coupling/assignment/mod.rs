//! Which point of one set goes to which of another, so that they cost the least in all: the exact
//! linear assignment.
//!
//! Prices are scaled down in an auction (Bertsekas 1988) that starts from the prices of a random
//! quarter of the problem, solved the same way; what the auction leaves open is closed by shortest
//! augmenting paths (Jonker & Volgenant 1987), so that the result is optimal, not close to it.
//! Throughout, prices only fall. So each row keeps its few cheapest columns and a bound below which
//! no other can come, and looks at all columns only when the bound is reached: most of the work
//! does not grow with the number of points, and no matrix is needed.

mod augment;
mod candidates;
mod costs;
mod prices;

pub use costs::{Cost, CostMatrix};

use costs::{Costs, PointCosts};
use prices::Prices;

use crate::data::Matrix;

/// Up to so many points, a matrix of all costs is faster than finding them anew: 16 MiB.
const DENSE: usize = 2048;

/// Assigns the rows of `a` to the rows of `b`, each to one: row `i` of `a` goes to row `result[i]`
/// of `b`.
///
/// The total cost is the least there is, up to the rounding of single costs to 32 bits (6e-8
/// relative, times the root of the columns). The same points give the same assignment, on one core
/// and whatever else runs. With one column it is found by sorting. 1,024 points in two dimensions
/// take some 20 ms, 10,000 one or two seconds by squared costs and five by plain ones; city-block
/// costs, very many of them equal, take minutes there. Points may repeat, lie far out or agree
/// between the sets.
///
/// # Panics
///
/// When the sets differ in size, or a value is not finite.
pub fn assign(a: &Matrix, b: &Matrix, cost: Cost) -> Vec<usize> {
    assert_eq!((a.rows(), a.columns()), (b.rows(), b.columns()), "two sets of one size");
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

/// The same for costs that are no distance between points: row `i` goes to column `result[i]`.
///
/// # Panics
///
/// When a cost is not finite.
pub fn assign_dense(costs: &CostMatrix) -> Vec<usize> {
    assert!(costs.are_finite(), "costs must be finite");
    solve(costs).column_of
}

/// On a line the costs of [`Cost`] grow ever faster with the distance, or as fast: order is kept.
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

/// An optimal assignment and prices that prove it: with `u[i] = cost(i, column_of[i]) −
/// price[column_of[i]]`, no `cost(i, j) − price[j]` is below `u[i]`.
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

/// Prices to start from: those of a random quarter of rows and columns, solved, and for the other
/// columns the highest that leave the quarter's rows content.
fn first_prices(costs: &impl Costs) -> Vec<f64> {
    const SMALL: usize = 20;
    let n = costs.len();
    let mut price = vec![f64::INFINITY; n];
    let mut row = vec![0.0; n];
    let mut lower = |row: &[f32], content: f64| {
        for (price, &cost) in price.iter_mut().zip(row) {
            let limit = f64::from(cost) - content;
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
        let content = f64::from(quarter.at(i, j)) - paid[j];
        lower(costs.row(rows[i], &mut row), content);
    }
    price
}

#[cfg(test)]
mod tests;
