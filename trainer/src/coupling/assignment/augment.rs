//! Shortest augmenting paths: they complete an assignment and keep it optimal.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::costs::Costs;
use super::prices::{NONE, Prices};

/// Assigns a column to every row that has none. For that, the rows along the cheapest augmenting path
/// exchange their columns. Dijkstra's algorithm on net costs finds the path.
pub(super) fn augment(prices: &mut Prices<'_, impl Costs>) {
    let mut search = Search::new(prices.costs.len());
    for root in 0..prices.costs.len() {
        if prices.column_of[root] == NONE {
            search.run(prices, root);
        }
    }
}

/// State of the search for the cheapest path from one row to a free column.
struct Search {
    /// The least known cost of reaching each column, `[n]`.
    distance: Vec<f64>,
    /// The row that each column is reached from, `[n]`.
    from: Vec<u32>,
    /// Whether the distance of a column is final, `[n]`.
    settled: Vec<bool>,
    /// What to add to the net costs of a reached row to get distances, `[n]`.
    offset: Vec<f64>,
    /// The columns with a finite distance; the next search resets them.
    reached: Vec<usize>,
    /// The settled columns; their prices change at the end.
    settled_columns: Vec<usize>,
    queue: BinaryHeap<Entry>,
    /// The nearest free column, and its distance: the search stops there.
    free: usize,
    limit: f64,
}

/// A queue entry with the least distance that it can lead to.
struct Entry {
    distance: f64,
    node: Node,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    /// An assigned column: its row reaches further columns.
    Column(u32),
    /// The columns that a row does not keep; only a bound on their net costs is known.
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
            settled_columns: Vec::new(),
            queue: BinaryHeap::new(),
            free: NONE,
            limit: f64::INFINITY,
        }
    }

    /// Finds the cheapest path from row `root` to a free column, updates the prices and exchanges the
    /// columns along the path.
    fn run(&mut self, prices: &mut Prices<'_, impl Costs>, root: usize) {
        for j in self.reached.drain(..) {
            self.distance[j] = f64::INFINITY;
            self.settled[j] = false;
        }
        self.settled_columns.clear();
        self.queue.clear();
        (self.free, self.limit) = (NONE, f64::INFINITY);

        self.reach_kept(prices, root, 0.0);
        while let Some(Entry { distance, node }) = self.queue.pop() {
            if distance >= self.limit {
                break;
            }
            match node {
                Node::OthersOf(i) => self.reach_all(prices, i as usize),
                Node::Column(j) => {
                    let j = j as usize;
                    if !self.settled[j] && distance <= self.distance[j] {
                        self.settled[j] = true;
                        self.settled_columns.push(j);
                        let i = prices.row_of[j];
                        let net = f64::from(prices.costs.at(i, j)) - prices.price[j];
                        self.reach_kept(prices, i, distance - net);
                    }
                }
            }
        }
        for &j in &self.settled_columns {
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

    /// Reaches the kept columns of row `i`, and queues its other columns.
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
            self.queue.push(Entry { distance, node: Node::OthersOf(i as u32) });
        }
    }

    /// Reaches all columns of row `i`.
    fn reach_all(&mut self, prices: &mut Prices<'_, impl Costs>, i: usize) {
        prices.candidates.look(i, prices.costs, &prices.price);
        let offset = self.offset[i];
        for (j, net) in prices.candidates.below(self.limit - offset) {
            self.reach(j, offset + net, i, &prices.row_of);
        }
    }

    /// Reaches column `j` from row `i`, if that is nearer than before.
    fn reach(&mut self, j: usize, distance: f64, i: usize, row_of: &[usize]) {
        // Rounding may make a settled column look slightly nearer; a path through it would be a cycle.
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
            self.queue.push(Entry { distance, node: Node::Column(j as u32) });
        }
    }
}

/// The nearest entry is the greatest, so that the heap pops it first. Ties: columns before others, then
/// low indices first.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.distance.total_cmp(&self.distance).then_with(|| other.node.cmp(&self.node))
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
