//! Prices of the columns: found by auction, then made exact.

use super::candidates::{Candidates, Cheapest};
use super::costs::Costs;

/// An assignment in the making.
///
/// Every row that has a column has it at its least net cost, except during the auction, where it
/// may be above by the step.
pub(super) struct Prices<'c, C> {
    pub(super) costs: &'c C,
    pub(super) candidates: Candidates,
    /// What is taken off a column's costs; it only falls.
    pub(super) price: Vec<f64>,
    /// The row that has a column, or [`NONE`].
    pub(super) row_of: Vec<usize>,
    /// The column that a row has, or [`NONE`].
    pub(super) column_of: Vec<usize>,
}

/// No row, no column.
pub(super) const NONE: usize = usize::MAX;

/// The auctions' steps, each a fifth of the one before, go from the larger of the first two to the
/// third: in spreads (how far a row's cheapest column and its fourteenth lie apart); and in mean costs
/// over √n, about what prices of a quarter of the points are wrong by. Where very many columns cost
/// the same, as on the way to far points by W₁, the spread says nothing.
const FIRST_BY_SPREAD: f64 = 12.0;
const FIRST_BY_MEAN: f64 = 0.3;
const LAST_BY_SPREAD: f64 = 0.1;
const RATIO: f64 = 5.0;

/// And no step is smaller, in mean costs over n.
const LEAST_BY_MEAN: f64 = 1e-3;

/// How many steps dearer than the cheapest a column may be that is bid for: prices need only be
/// close to right, and looking for the cheapest would cost more than it brings.
const SLACK: f64 = 4.0;

/// Bids of an auction for each row, at most: ties can make it long, and it need not be finished.
const BIDS: usize = 50;

impl<'c, C: Costs> Prices<'c, C> {
    pub(super) fn new(costs: &'c C, price: Vec<f64>) -> Self {
        let n = costs.len();
        let candidates = Candidates::new(n);
        Self { costs, candidates, price, row_of: vec![NONE; n], column_of: vec![NONE; n] }
    }

    /// Prices that are close to right.
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

    /// The mean size of some costs, one for each row.
    fn mean_cost(&self) -> f64 {
        let n = self.costs.len();
        let some = (0..n).map(|i| f64::from(self.costs.at(i, (i * 7919 + 13) % n)).abs());
        some.sum::<f64>() / n as f64
    }

    /// The median over rows of how far the bound lies above the cheapest column, where it does;
    /// outliers and repeated points do not move it.
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

    /// An auction in which every bid takes at least `step` off a price.
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

    /// Gives rows their cheapest columns at prices that leave no row a cheaper one; rows that lose
    /// theirs look again, a few times (Jonker & Volgenant's augmenting row reduction).
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

    /// A free one of the kept columns at this net cost.
    fn free_at(&self, i: usize, net: f64) -> Option<usize> {
        let mut kept = self.candidates.kept(i);
        let found = kept.find(|&(j, cost)| self.row_of[j] == NONE && cost - self.price[j] == net);
        found.map(|(j, _)| j)
    }

    /// Gives row `i` the column, and says who loses it.
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
