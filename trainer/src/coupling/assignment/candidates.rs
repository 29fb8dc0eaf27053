//! The cheapest columns of each row.

use std::array::from_fn;
use std::hint::select_unpredictable;

use fearless_simd::{Level, dispatch};

use super::costs::Costs;

/// The most columns that are kept for a row.
const KEPT: usize = 24;

/// About how many blocks of columns a row is divided into; fewer where blocks would have under 8 columns.
const BLOCKS: usize = 64;

/// The threshold for keeping columns is the block minimum of this rank, so that at least as many columns
/// do not exceed it.
const RANK: usize = 14;

/// For each row, the columns of least net cost (cost − price) when [`Self::look`] last read the row, and a
/// lower bound on the net costs of all other columns. Prices only fall, so net costs only rise, and the
/// bound stays valid.
pub(super) struct Candidates {
    n: usize,
    block: usize,
    /// The kept columns, `[n][KEPT]`, of which `count[i]` are in use.
    columns: Vec<u32>,
    /// Their costs, without prices, `[n][KEPT]`.
    costs: Vec<f32>,
    count: Vec<u8>,
    bound: Vec<f64>,
    /// Net costs of the row that was last read, `[n]`.
    net: Vec<f64>,
    /// The minimum of `net` in each block.
    minima: Vec<f64>,
    row: Vec<f32>,
    order: Vec<f64>,
    picked: Vec<(f64, u32)>,
}

/// The cheapest column of a row.
pub(super) struct Cheapest {
    pub(super) column: usize,
    /// Its net cost.
    pub(super) net: f64,
    /// A lower bound on the net costs of the other columns, but see [`Candidates::cheapest`].
    pub(super) second: f64,
}

impl Candidates {
    pub(super) fn new(n: usize) -> Self {
        Self {
            n,
            block: (n / BLOCKS).next_multiple_of(8).max(8),
            columns: vec![0; n * KEPT],
            costs: vec![0.0; n * KEPT],
            count: vec![0; n],
            bound: vec![f64::NEG_INFINITY; n],
            net: vec![0.0; n],
            minima: Vec::new(),
            row: vec![0.0; n],
            order: Vec::new(),
            picked: vec![(0.0, 0); n + 1],
        }
    }

    /// Returns the kept columns of row `i` and their costs, without prices.
    pub(super) fn kept(&self, i: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = i * KEPT..i * KEPT + usize::from(self.count[i]);
        let columns = self.columns[range.clone()].iter().map(|&j| j as usize);
        columns.zip(self.costs[range].iter().map(|&cost| f64::from(cost)))
    }

    /// Returns a lower bound on the net costs of the columns of row `i` that are not kept.
    pub(super) fn bound(&self, i: usize) -> f64 {
        self.bound[i]
    }

    /// Returns the columns and net costs of the row that was last read, in those blocks that have a net
    /// cost below `limit`. Some of them may exceed it.
    pub(super) fn below(&self, limit: f64) -> impl Iterator<Item = (usize, f64)> {
        let blocks = self.minima.iter().enumerate().filter(move |(_, least)| **least < limit);
        blocks.flat_map(|(block, _)| {
            let from = block * self.block;
            let net = &self.net[from..self.n.min(from + self.block)];
            net.iter().enumerate().map(move |(k, &net)| (from + k, net))
        })
    }

    /// Returns the cheapest column of row `i`, or one whose net cost exceeds the least by at most `slack`.
    /// Reads all columns only if the kept ones cannot decide that. For a slack above 0, `second` may be above the
    /// net cost of a column that is not kept, by less than `slack`.
    pub(super) fn cheapest(
        &mut self,
        i: usize,
        costs: &impl Costs,
        price: &[f64],
        slack: f64,
    ) -> Cheapest {
        let mut found = self.cheapest_kept(i, price);
        if found.net >= self.bound[i] + slack {
            self.look(i, costs, price);
            found = self.cheapest_kept(i, price);
        }
        found.second = found.second.min(self.bound[i]).max(found.net);
        found
    }

    fn cheapest_kept(&self, i: usize, price: &[f64]) -> Cheapest {
        let (mut column, mut least, mut second) = (0, f64::INFINITY, f64::INFINITY);
        for (j, cost) in self.kept(i) {
            let net = cost - price[j];
            // Selects without a branch, which would often be predicted wrongly.
            let less = net < least;
            let other = select_unpredictable(less, least, net);
            second = select_unpredictable(other < second, other, second);
            (column, least) = select_unpredictable(less, (j, net), (column, least));
        }
        Cheapest { column, net: least, second }
    }

    /// Reads all columns of row `i`, keeps the cheapest and updates the bound.
    pub(super) fn look(&mut self, i: usize, costs: &impl Costs, price: &[f64]) {
        let Self { n, block, net, minima, order, picked, .. } = self;
        let (n, block) = (*n, *block);
        let row = costs.row(i, &mut self.row);
        subtract(row, price, block, net, minima);
        let threshold = if minima.len() > RANK {
            order.clone_from(minima);
            *order.select_nth_unstable_by(RANK, f64::total_cmp).1
        } else {
            f64::INFINITY
        };
        // Each row starts at another block, so that rows with the same ties keep different columns.
        let blocks = minima.len();
        let start = i * 7 % blocks;
        let mut count = 0;
        for b in (start..blocks).chain(0..start).filter(|&b| minima[b] <= threshold) {
            let from = b * block;
            for (k, &net) in net[from..n.min(from + block)].iter().enumerate() {
                picked[count] = (net, (from + k) as u32);
                count += usize::from(net <= threshold);
            }
        }
        let picked = &mut picked[..count];
        self.bound[i] = if count > KEPT {
            picked.select_nth_unstable_by(KEPT, |(a, _), (b, _)| a.total_cmp(b)).1.0
        } else {
            threshold
        };
        self.count[i] = count.min(KEPT) as u8;
        for (k, &(_, j)) in picked.iter().take(KEPT).enumerate() {
            self.columns[i * KEPT + k] = j;
            self.costs[i * KEPT + k] = row[j as usize];
        }
    }
}

/// Computes the net costs of a row, and their minimum in each block. A block has a multiple of [`LANES`] columns.
fn subtract(row: &[f32], price: &[f64], block: usize, net: &mut [f64], minima: &mut Vec<f64>) {
    minima.clear();
    // In one loop, LLVM would convert each cost by itself.
    dispatch!(Level::new(), _ => {
        for ((net, &cost), price) in net.iter_mut().zip(row).zip(price) {
            *net = f64::from(cost) - price;
        }
    });
    dispatch!(Level::new(), _ => minima.extend(net.chunks(block).map(minimum)));
}

/// Columns whose net costs are compared at the same time.
const LANES: usize = 8;

#[inline(always)]
fn minimum(net: &[f64]) -> f64 {
    let less = |a: f64, b: f64| if a < b { a } else { b };
    let (nets, rest) = net.as_chunks::<LANES>();
    let mut least = [f64::INFINITY; LANES];
    for net in nets {
        least = from_fn(|lane| less(net[lane], least[lane]));
    }
    let least: [f64; 4] = from_fn(|lane| less(least[lane], least[lane + 4]));
    let least = less(less(least[0], least[2]), less(least[1], least[3]));
    rest.iter().copied().fold(least, less)
}
