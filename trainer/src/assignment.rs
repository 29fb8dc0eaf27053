//! The permutation of least cost between two sets of points.

use crate::data::Matrix;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// For each row of `a` the row of `b` that it is paired with, such that the squared distances of all
/// pairs together are least. `a` and `b` are `[n, D]` and finite; in one dimension that is sorting.
pub fn assign_points(a: &Matrix, b: &Matrix) -> Vec<usize> {
    let n = a.rows();
    if a.columns() == 1 {
        let sorted = |matrix: &Matrix| {
            let mut rows: Vec<usize> = (0..n).collect();
            rows.sort_by(|&i, &j| matrix.row(i)[0].total_cmp(&matrix.row(j)[0]));
            rows
        };
        let mut paired = vec![0; n];
        for (i, j) in sorted(a).into_iter().zip(sorted(b)) {
            paired[i] = j;
        }
        return paired;
    }
    let mut costs = vec![0.0; n * n];
    for (i, row) in costs.chunks_exact_mut(n.max(1)).enumerate() {
        for k in 0..a.columns() {
            let x = a.row(i)[k];
            for (j, cost) in row.iter_mut().enumerate() {
                let d = x - b.values()[j * b.columns() + k];
                *cost += d * d;
            }
        }
    }
    assign_costs(n, &costs)
}

/// x
pub fn assign_costs(n: usize, costs: &[f32]) -> Vec<usize> {
    if n < 3 {
        return small(n, costs);
    }
    run(n, costs, &[4.0, 1.0], 4, 64, false).col_of
}
fn small(n: usize, c: &[f32]) -> Vec<usize> {
    if n < 2 {
        vec![0; n]
    } else if c[0] + c[3] <= c[1] + c[2] {
        vec![0, 1]
    } else {
        vec![1, 0]
    }
}

const K: usize = 24;
const R: usize = 14;
const NONE: usize = usize::MAX;

struct Solver<'a> {
    n: usize,
    cost: &'a [f32],
    v: Vec<f64>,
    row_of: Vec<usize>,
    col_of: Vec<usize>,
    cand_j: Vec<u32>,
    cand_c: Vec<f32>,
    bound: Vec<f64>,
    len: Vec<u8>,
    reduced: Vec<f64>,
    minima: Vec<f64>,
    tmp: Vec<f64>,
    picked: Vec<(f64, u32)>,
    dense: usize,
    bids: usize,
    scans: usize,
    expands: usize,
}
#[inline(never)]
fn reduce(c: &[f32], v: &[f64], out: &mut [f64], block: usize, minima: &mut Vec<f64>) {
    minima.clear();
    for ((c, v), o) in c.chunks(block).zip(v.chunks(block)).zip(out.chunks_mut(block)) {
        let mut m = [f64::INFINITY; 8];
        let mut ci = c.chunks_exact(8);
        let mut vi = v.chunks_exact(8);
        let mut oi = o.chunks_exact_mut(8);
        for ((c, v), o) in (&mut ci).zip(&mut vi).zip(&mut oi) {
            for l in 0..8 {
                let r = f64::from(c[l]) - v[l];
                o[l] = r;
                m[l] = if r < m[l] { r } else { m[l] };
            }
        }
        let mut x = m.iter().copied().fold(f64::INFINITY, |a, b| if b < a { b } else { a });
        for ((c, v), o) in ci.remainder().iter().zip(vi.remainder()).zip(oi.into_remainder()) {
            let r = f64::from(*c) - v;
            *o = r;
            if r < x {
                x = r
            }
        }
        minima.push(x);
    }
}
impl<'a> Solver<'a> {
    fn new(n: usize, cost: &'a [f32]) -> Self {
        Self {
            n,
            cost,
            v: vec![0.0; n],
            row_of: vec![NONE; n],
            col_of: vec![NONE; n],
            cand_j: vec![0; n * K],
            cand_c: vec![0.0; n * K],
            bound: vec![f64::NEG_INFINITY; n],
            len: vec![0; n],
            reduced: vec![0.0; n],
            minima: vec![],
            tmp: vec![],
            picked: vec![],
            dense: 0,
            bids: 0,
            scans: 0,
            expands: 0,
        }
    }
    #[inline(never)]
    fn refresh(&mut self, i: usize) {
        self.dense += 1;
        let n = self.n;
        let block = (n / 64).next_multiple_of(8).max(8);
        reduce(&self.cost[i * n..][..n], &self.v, &mut self.reduced, block, &mut self.minima);
        let nb = self.minima.len();
        let t = if nb > R {
            self.tmp.clear();
            self.tmp.extend_from_slice(&self.minima);
            *self.tmp.select_nth_unstable_by(R, f64::total_cmp).1
        } else {
            f64::INFINITY
        };
        let mut len = 0;
        if self.picked.len() < n + 1 {
            self.picked.resize(n + 1, (0.0, 0));
        }
        let start = i * 7 % nb;
        for b in (start..nb).chain(0..start) {
            if self.minima[b] <= t {
                let from = b * block;
                let to = n.min(from + block);
                for j in from..to {
                    let r = self.reduced[j];
                    self.picked[len] = (r, j as u32);
                    len += usize::from(r <= t);
                }
            }
        }
        let keep = K.min(len);
        let w = if len > K {
            self.picked[..len].select_nth_unstable_by(K, |a, b| a.0.total_cmp(&b.0)).1.0
        } else {
            t
        };
        self.bound[i] = w;
        self.len[i] = keep as u8;
        for k in 0..keep {
            let j = self.picked[k].1;
            self.cand_j[i * K + k] = j;
            self.cand_c[i * K + k] = self.cost[i * n + j as usize];
        }
    }
    // (j1, m1, m2)
    #[inline]
    fn two_min(&mut self, i: usize) -> (usize, f64, f64, usize) {
        let mut tried = false;
        loop {
            let (mut j1, mut m1, mut m2, mut j2) = (NONE, f64::INFINITY, f64::INFINITY, NONE);
            for k in i * K..i * K + self.len[i] as usize {
                let j = self.cand_j[k] as usize;
                let r = f64::from(self.cand_c[k]) - self.v[j];
                if r < m1 {
                    m2 = m1;
                    j2 = j1;
                    m1 = r;
                    j1 = j
                } else if r < m2 {
                    m2 = r;
                    j2 = j
                }
            }
            if m2 <= self.bound[i] && j1 != NONE || self.n == 1 && tried {
                return (j1, m1, m2, j2);
            }
            if tried {
                return (j1, m1, m2.min(self.bound[i]), j2);
            }
            tried = true;
            self.refresh(i);
        }
    }
    fn unassign(&mut self) {
        self.row_of.fill(NONE);
        self.col_of.fill(NONE);
    }
    fn auction(&mut self, eps: f64, max: usize) {
        self.unassign();
        let mut stack: Vec<usize> = (0..self.n).rev().collect();
        let mut bids = 0;
        while let Some(i) = stack.pop() {
            let (j, m1, m2, _) = self.two_min(i);
            bids += 1;
            self.v[j] -= (m2 - m1) + eps;
            let old = self.row_of[j];
            self.row_of[j] = i;
            self.col_of[i] = j;
            if old != NONE {
                self.col_of[old] = NONE;
                stack.push(old);
            }
            if bids > max {
                break;
            }
        }
        self.bids += bids;
    }
    fn arr(&mut self, max: usize) {
        self.unassign();
        let mut todo: Vec<usize> = (0..self.n).collect();
        let mut bids = 0;
        for _sweep in 0..4 {
            let mut next = vec![];
            for &r in &todo {
                let mut i = r;
                loop {
                    bids += 1;
                    let (mut j, m1, m2, j2) = self.two_min(i);
                    let mut old = self.row_of[j];
                    let lower = m1 < m2;
                    if lower {
                        self.v[j] -= m2 - m1;
                    } else if old != NONE {
                        for k in i * K..i * K + self.len[i] as usize {
                            let jj = self.cand_j[k] as usize;
                            if self.row_of[jj] == NONE
                                && f64::from(self.cand_c[k]) - self.v[jj] == m1
                            {
                                j = jj;
                                old = NONE;
                                break;
                            }
                        }
                    }
                    if old != NONE && !lower {
                        // tie and taken
                        next.push(i);
                        break;
                    }
                    self.row_of[j] = i;
                    self.col_of[i] = j;
                    if old == NONE {
                        break;
                    }
                    self.col_of[old] = NONE;
                    if bids > max {
                        next.push(old);
                        break;
                    }
                    i = old;
                }
            }
            todo = next;
            if todo.is_empty() || bids > max {
                break;
            }
        }
        self.bids += bids;
    }
    fn augment_all(&mut self) -> usize {
        let n = self.n;
        let mut frees = 0;
        let mut d = vec![f64::INFINITY; n];
        let mut pred = vec![0u32; n];
        let mut done = vec![false; n];
        let mut touched: Vec<usize> = vec![];
        let mut scanned: Vec<usize> = vec![];
        let mut heap: BinaryHeap<Reverse<(u64, u32)>> = BinaryHeap::new();
        let key = |x: f64| {
            let b = x.to_bits();
            if b >> 63 == 1 { !b } else { b | 1 << 63 }
        };
        let unkey = |b: u64| f64::from_bits(if b >> 63 == 1 { b & !(1 << 63) } else { !b });
        let mut h_of = vec![0.0; n];
        for root in 0..n {
            if self.col_of[root] != NONE {
                continue;
            }
            frees += 1;
            heap.clear();
            for &j in &touched {
                d[j] = f64::INFINITY;
                done[j] = false;
            }
            touched.clear();
            scanned.clear();
            let mut best = f64::INFINITY;
            let mut sink = NONE;
            let mut i = root;
            let mut h = 0.0;
            // nodes: <n: column; >=n: dense expansion of row
            let mut full = false;
            loop {
                self.scans += 1;
                // relax
                if !full && self.len[i] == 0 {
                    self.refresh(i);
                }
                macro_rules! relax {
                    ($j:expr,$nd:expr) => {{
                        let j = $j;
                        let nd = $nd;
                        if nd < d[j] && nd < best {
                            if d[j] == f64::INFINITY {
                                touched.push(j)
                            }
                            d[j] = nd;
                            pred[j] = i as u32;
                            if self.row_of[j] == NONE {
                                best = nd;
                                sink = j;
                            } else {
                                heap.push(Reverse((key(nd), j as u32)));
                            }
                        }
                    }};
                }
                if full {
                    self.expands += 1;
                    self.refresh(i);
                    let block = (n / 64).next_multiple_of(8).max(8);
                    for b in 0..self.minima.len() {
                        if h + self.minima[b] < best {
                            for j in b * block..n.min(b * block + block) {
                                let nd = h + self.reduced[j];
                                relax!(j, nd)
                            }
                        }
                    }
                } else {
                    h_of[i] = h;
                    for k in i * K..i * K + self.len[i] as usize {
                        let j = self.cand_j[k] as usize;
                        relax!(j, h + (f64::from(self.cand_c[k]) - self.v[j]))
                    }
                    let w = h + self.bound[i];
                    if w < best {
                        heap.push(Reverse((key(w), (n + i) as u32)));
                    }
                }
                // pop
                let mut end = true;
                while let Some(Reverse((kk, node))) = heap.pop() {
                    let x = unkey(kk);
                    if x >= best {
                        break;
                    }
                    let node = node as usize;
                    if node >= n {
                        i = node - n;
                        h = h_of[i];
                        full = true;
                        end = false;
                        break;
                    }
                    if x > d[node] || done[node] {
                        continue;
                    }
                    done[node] = true;
                    scanned.push(node);
                    full = false;
                    i = self.row_of[node];
                    h = x - (f64::from(self.cost[i * n + node]) - self.v[node]);
                    end = false;
                    break;
                }
                if end {
                    break;
                }
            }
            for &j in &scanned {
                self.v[j] += d[j] - best;
            }
            let mut j = sink;
            loop {
                let i = pred[j] as usize;
                self.row_of[j] = i;
                let nx = self.col_of[i];
                self.col_of[i] = j;
                if i == root {
                    break;
                }
                j = nx;
            }
        }
        frees
    }
}
fn shuffled(n: usize) -> Vec<usize> {
    let mut o: Vec<usize> = (0..n).collect();
    let mut s = 0x9E3779B97F4A7C15u64;
    for i in (1..n).rev() {
        s ^= s << 13;
        s ^= s >> 7;
        s ^= s << 17;
        o.swap(i, (s % (i as u64 + 1)) as usize);
    }
    o
}
fn warm(n: usize, cost: &[f32], eps: &[f64], fac: usize, min: usize, verbose: bool) -> Vec<f64> {
    // initial v for the full problem by subproblem
    let mut v = vec![f64::INFINITY; n];
    if n <= min {
        for i in 0..n {
            for j in 0..n {
                let c = cost[i * n + j] as f64;
                if c < v[j] {
                    v[j] = c
                }
            }
        }
        return v;
    }
    let m = n / fac;
    let o = shuffled(n);
    let rows = &o[..m];
    let o2 = shuffled(n + 1);
    let cols: Vec<usize> = o2.into_iter().filter(|&x| x < n).take(m).collect();
    let mut sub = vec![0f32; m * m];
    for (a, &i) in rows.iter().enumerate() {
        for (b, &j) in cols.iter().enumerate() {
            sub[a * m + b] = cost[i * n + j];
        }
    }
    let s = run(m, &sub, eps, fac, min, verbose);
    for a in 0..m {
        let u = f64::from(sub[a * m + s.col_of[a]]) - s.v[s.col_of[a]];
        let row = &cost[rows[a] * n..][..n];
        for (v, &c) in v.iter_mut().zip(row) {
            let r = f64::from(c) - u;
            *v = if r < *v { r } else { *v };
        }
    }
    v
}
fn run<'a>(
    n: usize,
    cost: &'a [f32],
    eps: &[f64],
    fac: usize,
    min: usize,
    verbose: bool,
) -> Solver<'a> {
    let v = warm(n, cost, eps, fac, min, verbose);

    let mut s = Solver::new(n, cost);
    s.v = v;
    // scale: mean second gap? use mean of (m2-m1)
    let mut gaps: Vec<f64> = (0..n)
        .filter_map(|i| {
            let (_, m1, _, _) = s.two_min(i);
            let g = s.bound[i] - m1;
            (g > 0.0 && g.is_finite()).then_some(g)
        })
        .collect();
    let m = gaps.len() / 2;
    let gap = if gaps.is_empty() { 0.0 } else { *gaps.select_nth_unstable_by(m, f64::total_cmp).1 };
    if gap > 0.0 {
        for e in eps {
            s.auction(e * gap, 50 * n);
        }
    }

    s.arr(3 * n);

    let f = s.augment_all();

    s
}
