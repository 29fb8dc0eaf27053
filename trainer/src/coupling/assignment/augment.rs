//! Shortest augmenting paths: what makes an assignment complete and keeps it optimal.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::costs::Costs;
use super::prices::{NONE, Prices};

/// Gives every row that has no column one, along the path of other rows' exchanges that costs
/// least (Dijkstra's algorithm over net costs).
pub(super) fn augment(prices: &mut Prices<'_, impl Costs>) {
    let mut search = Search::new(prices.costs.len());
    for root in 0..prices.costs.len() {
        if prices.column_of[root] == NONE {
            search.run(prices, root);
        }
    }
}

/// What is known of the columns while the path from one row is looked for.
struct Search {
    /// The least cost of reaching a column, `[n]`.
    distance: Vec<f64>,
    /// The row that it is reached from, `[n]`.
    from: Vec<u32>,
    settled: Vec<bool>,
    /// What to add to a reached row's net costs, `[n]`.
    offset: Vec<f64>,
    /// Columns reached, and those among them whose distance is final.
    reached: Vec<usize>,
    final_: Vec<usize>,
    queue: BinaryHeap<Entry>,
    /// The nearest free column, and its distance: nothing farther matters.
    free: usize,
    limit: f64,
}

/// A column that others can be reached through, or a row's columns that are not kept: those of
/// which only a bound is known.
struct Entry {
    distance: f64,
    what: What,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Column(u32),
    OthersOf(u32),
}

impl Search {
    fn new(n: usize) -> Self {
        Self {
            distance: vec![f64::INFINITY; n],
            from: vec![0; n],
            settled: vec![false; n],
            offset: vec![0.0; n],
            reached: Vec::new(),
            final_: Vec::new(),
            queue: BinaryHeap::new(),
            free: NONE,
            limit: f64::INFINITY,
        }
    }

    fn run(&mut self, prices: &mut Prices<'_, impl Costs>, root: usize) {
        for j in self.reached.drain(..) {
            self.distance[j] = f64::INFINITY;
            self.settled[j] = false;
        }
        self.final_.clear();
        self.queue.clear();
        (self.free, self.limit) = (NONE, f64::INFINITY);

        self.reach_kept(prices, root, 0.0);
        while let Some(Entry { distance, what }) = self.queue.pop() {
            if distance >= self.limit {
                break;
            }
            match what {
                What::OthersOf(i) => self.reach_all(prices, i as usize),
                What::Column(j) => {
                    let j = j as usize;
                    if !self.settled[j] && distance <= self.distance[j] {
                        self.settled[j] = true;
                        self.final_.push(j);
                        let i = prices.row_of[j];
                        let net = f64::from(prices.costs.at(i, j)) - prices.price[j];
                        self.reach_kept(prices, i, distance - net);
                    }
                }
            }
        }
        for &j in &self.final_ {
            prices.price[j] += self.distance[j] - self.limit;
        }
        let mut j = self.free;
        loop {
            let i = self.from[j] as usize;
            prices.row_of[j] = i;
            j = std::mem::replace(&mut prices.column_of[i], j);
            if i == root {
                break;
            }
        }
    }

    /// Reaches a row's kept columns, and remembers that it has others.
    fn reach_kept(&mut self, prices: &mut Prices<'_, impl Costs>, i: usize, offset: f64) {
        self.offset[i] = offset;
        if prices.candidates.bound(i) == f64::NEG_INFINITY {
            prices.candidates.look(i, prices.costs, &prices.price);
        }
        for (j, cost) in prices.candidates.kept(i) {
            self.reach(j, offset + (cost - prices.price[j]), i, &prices.row_of);
        }
        let distance = offset + prices.candidates.bound(i);
        if distance < self.limit {
            self.queue.push(Entry { distance, what: What::OthersOf(i as u32) });
        }
    }

    fn reach_all(&mut self, prices: &mut Prices<'_, impl Costs>, i: usize) {
        prices.candidates.look(i, prices.costs, &prices.price);
        let offset = self.offset[i];
        for (j, net) in prices.candidates.below(self.limit - offset) {
            self.reach(j, offset + net, i, &prices.row_of);
        }
    }

    fn reach(&mut self, j: usize, distance: f64, i: usize, row_of: &[usize]) {
        // Rounding may find a settled column nearer by a hair: a path through it would be a circle.
        if self.settled[j] || distance >= self.distance[j] || distance >= self.limit {
            return;
        }
        if self.distance[j] == f64::INFINITY {
            self.reached.push(j);
        }
        self.distance[j] = distance;
        self.from[j] = i as u32;
        if row_of[j] == NONE {
            (self.free, self.limit) = (j, distance);
        } else {
            self.queue.push(Entry { distance, what: What::Column(j as u32) });
        }
    }
}

/// The nearest first; at one distance, columns before unknown ones, and low numbers first.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.distance.total_cmp(&self.distance).then_with(|| other.what.cmp(&self.what))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}
