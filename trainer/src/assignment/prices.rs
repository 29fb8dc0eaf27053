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

/// Steps of the auctions, in spreads: how far a row's cheapest column and its fourteenth lie apart.
const STEPS: [f64; 4] = [12.0, 3.0, 0.6, 0.1];

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
        if let Some(spread) = self.spread() {
            STEPS.into_iter().for_each(|step| self.auction_by(step * spread));
        }
    }

    /// The median over rows of how far the bound lies above the cheapest column; outliers and
    /// repeated points do not move it.
    fn spread(&mut self) -> Option<f64> {
        let mut spreads: Vec<f64> = (0..self.costs.len())
            .map(|i| {
                let Cheapest { net, .. } =
                    self.candidates.cheapest(i, self.costs, &self.price, 0.0);
                self.candidates.bound(i) - net
            })
            .filter(|spread| *spread > 0.0 && spread.is_finite())
            .collect();
        let middle = spreads.len() / 2;
        (!spreads.is_empty()).then(|| *spreads.select_nth_unstable_by(middle, f64::total_cmp).1)
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
