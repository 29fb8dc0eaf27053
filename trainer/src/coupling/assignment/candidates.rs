//! The cheapest columns of each row.

use super::costs::Costs;

/// Columns kept for a row, at most.
const KEPT: usize = 24;

/// A row's blocks of columns; the threshold is taken from their minima, so that about
/// [`RANK`] columns lie below it.
const BLOCKS: usize = 64;
const RANK: usize = 14;

/// For each row, the columns that were cheapest, net of prices, when all were last looked at, and
/// a bound that no other column's net cost was below. Prices only fall, net costs only rise: the
/// bound holds until the next look.
pub(super) struct Candidates {
    n: usize,
    block: usize,
    /// `[n][KEPT]`, of which `count[i]` are in use.
    columns: Vec<u32>,
    costs: Vec<f32>,
    count: Vec<u8>,
    bound: Vec<f64>,
    /// Of the last row looked at: net costs `[n]` and their minima by block.
    net: Vec<f64>,
    minima: Vec<f64>,
    row: Vec<f32>,
    order: Vec<f64>,
    picked: Vec<(f64, u32)>,
}

/// A row's cheapest column, its net cost, and that of the second cheapest or less.
pub(super) struct Cheapest {
    pub(super) column: usize,
    pub(super) net: f64,
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

    /// The kept columns of a row and their costs, prices not taken off.
    pub(super) fn kept(&self, i: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = i * KEPT..i * KEPT + usize::from(self.count[i]);
        let columns = self.columns[range.clone()].iter().map(|&j| j as usize);
        columns.zip(self.costs[range].iter().map(|&cost| f64::from(cost)))
    }

    /// What no column's net cost is below that is not kept.
    pub(super) fn bound(&self, i: usize) -> f64 {
        self.bound[i]
    }

    /// The net costs of the row last looked at that are below `limit`.
    pub(super) fn below(&self, limit: f64) -> impl Iterator<Item = (usize, f64)> {
        let blocks = self.minima.iter().enumerate().filter(move |(_, least)| **least < limit);
        blocks.flat_map(|(block, _)| {
            let from = block * self.block;
            let net = &self.net[from..self.n.min(from + self.block)];
            net.iter().enumerate().map(move |(k, &net)| (from + k, net))
        })
    }

    /// A row's cheapest column, or one that may be dearer by the slack; all columns are looked at
    /// only if the kept ones do not tell.
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
            if net < least {
                (column, least, second) = (j, net, least);
            } else if net < second {
                second = net;
            }
        }
        Cheapest { column, net: least, second }
    }

    /// Looks at all columns of a row, and keeps the cheapest.
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
        // Each row starts elsewhere: rows that find the same columns equally cheap must not all
        // keep the same few of them.
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

/// Net costs, and their minima by block.
fn subtract(row: &[f32], price: &[f64], block: usize, net: &mut [f64], minima: &mut Vec<f64>) {
    const LANES: usize = 8;
    let less = |a: f64, b: f64| if a < b { a } else { b };
    minima.clear();
    let blocks = row.chunks(block).zip(price.chunks(block)).zip(net.chunks_mut(block));
    for ((row, price), net) in blocks {
        let mut least = [f64::INFINITY; LANES];
        let (rows, row_rest) = row.as_chunks::<LANES>();
        let (prices, price_rest) = price.as_chunks::<LANES>();
        let (nets, net_rest) = net.as_chunks_mut::<LANES>();
        for ((row, price), net) in rows.iter().zip(prices).zip(nets) {
            for lane in 0..LANES {
                net[lane] = f64::from(row[lane]) - price[lane];
                least[lane] = less(net[lane], least[lane]);
            }
        }
        let mut least = least.into_iter().fold(f64::INFINITY, less);
        for ((row, price), net) in row_rest.iter().zip(price_rest).zip(net_rest) {
            *net = f64::from(*row) - price;
            least = less(*net, least);
        }
        minima.push(least);
    }
}
