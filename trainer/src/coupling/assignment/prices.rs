//! Prices of the columns: auctions bring them close to optimal, a reduction of rows then makes the
//! assignment consistent with them.

use super::candidates::{Candidates, Cheapest};
use super::costs::Costs;

/// A partial assignment and its prices.
///
/// An assigned row has a column of least net cost (cost − price). During an auction, the net cost of its
/// column may exceed the least by less than `1 + SLACK` steps.
pub(super) struct Prices<'c, C> {
    pub(super) costs: &'c C,
    pub(super) candidates: Candidates,
    /// What is subtracted from a column's costs, `[n]`; a price only falls.
    pub(super) price: Vec<f64>,
    /// The row of each column, or [`NONE`], `[n]`.
    pub(super) row_of: Vec<usize>,
    /// The column of each row, or [`NONE`], `[n]`.
    pub(super) column_of: Vec<usize>,
}

/// Marks a row without a column, or a column without a row.
pub(super) const NONE: usize = usize::MAX;

/// The first auction's step, in spreads; see [`Prices::spread`].
const FIRST_BY_SPREAD: f64 = 12.0;

/// The first auction's step is at least this, in mean costs over √n, which is about the error of prices
/// from a quarter of the points. The spread alone says nothing where very many columns cost the same, as
/// for points that are far away by W₁.
const FIRST_BY_MEAN: f64 = 0.3;

/// The last auction's step, in spreads.
const LAST_BY_SPREAD: f64 = 0.1;

/// The last auction's step is at least this, in mean costs over n.
const LEAST_BY_MEAN: f64 = 1e-3;

/// The ratio of the steps of two auctions in sequence.
const RATIO: f64 = 5.0;

/// In steps: by how much a column that a row bids for may cost more than the cheapest. Prices need only be
/// close to optimal, and searching for the cheapest column would cost more than it gains.
const SLACK: f64 = 4.0;

/// The most bids of an auction, for each row. Ties can make an auction long, and it need not finish.
const BIDS: usize = 50;

impl<'c, C: Costs> Prices<'c, C> {
    pub(super) fn new(costs: &'c C, price: Vec<f64>) -> Self {
        let n = costs.len();
        let candidates = Candidates::new(n);
        Self { costs, candidates, price, row_of: vec![NONE; n], column_of: vec![NONE; n] }
    }

    /// Brings the prices close to optimal, by auctions with smaller and smaller steps.
    pub(super) fn auction(&mut self) {
        let (n, spread, mean) = (self.costs.len() as f64, self.spread(), self.mean_cost());
        let last = (LAST_BY_SPREAD * spread).max(LEAST_BY_MEAN * mean / n);
        let mut step = (FIRST_BY_SPREAD * spread).max(FIRST_BY_MEAN * mean / n.sqrt());
        while step > last {
            self.auction_by(step);
            step /= RATIO;
        }
        if last > 0.0 {
            self.auction_by(last);
        }
    }

    /// Returns the mean absolute value of a sample of the costs, one in each row.
    fn mean_cost(&self) -> f64 {
        let n = self.costs.len();
        let some = (0..n).map(|i| f64::from(self.costs.at(i, (i * 7919 + 13) % n)).abs());
        some.sum::<f64>() / n as f64
    }

    /// Returns the median over the rows of the distance from the least net cost to the bound on columns
    /// that are not kept, without the rows where it is 0 or infinite. As a median it ignores outliers and
    /// repeated points. Returns 0 if no row is left.
    fn spread(&mut self) -> f64 {
        let mut spreads: Vec<f64> = (0..self.costs.len())
            .map(|i| {
                let Cheapest { net, .. } =
                    self.candidates.cheapest(i, self.costs, &self.price, 0.0);
                self.candidates.bound(i) - net
            })
            .filter(|spread| *spread > 0.0 && spread.is_finite())
            .collect();
        if spreads.is_empty() {
            return 0.0;
        }
        let middle = spreads.len() / 2;
        *spreads.select_nth_unstable_by(middle, f64::total_cmp).1
    }

    /// Runs an auction in which every bid lowers a price by at least `step`.
    fn auction_by(&mut self, step: f64) {
        let slack = SLACK * step;
        self.release_all();
        let mut waiting: Vec<usize> = (0..self.costs.len()).rev().collect();
        for _ in 0..BIDS * self.costs.len() {
            let Some(i) = waiting.pop() else { return };
            let Cheapest { column, net, second } =
                self.candidates.cheapest(i, self.costs, &self.price, slack);
            self.price[column] -= second - net + step;
            waiting.extend(self.take(i, column));
        }
    }

    /// Assigns rows to their cheapest columns, at prices at which no assigned row has a cheaper column.
    /// A row that loses its column bids again, within 4 sweeps and 3n bids (Jonker & Volgenant's
    /// augmenting row reduction).
    pub(super) fn reduce_rows(&mut self) {
        const SWEEPS: usize = 4;
        let n = self.costs.len();
        self.release_all();
        let mut waiting: Vec<usize> = (0..n).collect();
        let mut bids = 3 * n;
        for _ in 0..SWEEPS {
            let mut left = Vec::new();
            for first in waiting {
                let mut next = Some(first);
                while let Some(i) = next {
                    if bids == 0 {
                        left.push(i);
                        break;
                    }
                    bids -= 1;
                    let Cheapest { column, net, second } =
                        self.candidates.cheapest(i, self.costs, &self.price, 0.0);
                    if net < second {
                        self.price[column] -= second - net;
                        next = self.take(i, column);
                    } else if let Some(free) = self.free_at(i, net) {
                        next = self.take(i, free);
                    } else {
                        left.push(i);
                        next = None;
                    }
                }
            }
            waiting = left;
        }
    }

    /// Returns a kept column of row `i` that has exactly this net cost and no row.
    fn free_at(&self, i: usize, net: f64) -> Option<usize> {
        let mut kept = self.candidates.kept(i);
        let found = kept.find(|&(j, cost)| self.row_of[j] == NONE && cost - self.price[j] == net);
        found.map(|(j, _)| j)
    }

    /// Assigns `column` to row `i`, and returns the row that loses it.
    fn take(&mut self, i: usize, column: usize) -> Option<usize> {
        let loser = std::mem::replace(&mut self.row_of[column], i);
        self.column_of[i] = column;
        (loser != NONE).then(|| {
            self.column_of[loser] = NONE;
            loser
        })
    }

    fn release_all(&mut self) {
        self.row_of.fill(NONE);
        self.column_of.fill(NONE);
    }
}
