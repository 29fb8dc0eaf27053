//! The permutation of least cost between two sets of points.

use crate::data::Matrix;

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

/// For each row the column that it is paired with, such that the costs `[n][n]` of all pairs together
/// are least: the algorithm of Jonker & Volgenant (1987).
pub fn assign_costs(n: usize, costs: &[f32]) -> Vec<usize> {
    const NONE: usize = usize::MAX;
    let cost = |i: usize, j: usize| f64::from(costs[i * n + j]);
    let (mut row_of, mut column_of) = (vec![NONE; n], vec![NONE; n]);
    let mut v = vec![0.0_f64; n];
    // Column reduction.
    for j in (0..n).rev() {
        let (mut best, mut least) = (0, f64::INFINITY);
        for i in 0..n {
            if cost(i, j) < least {
                (best, least) = (i, cost(i, j));
            }
        }
        v[j] = least;
        if column_of[best] == NONE {
            column_of[best] = j;
            row_of[j] = best;
        }
    }
    let mut free: Vec<usize> = (0..n).filter(|&i| column_of[i] == NONE).collect();
    // Augmenting row reduction, twice.
    for _ in 0..2 {
        let mut k = 0;
        let mut left = Vec::new();
        let mut queue = std::mem::take(&mut free);
        let mut budget = 20 * n;
        while k < queue.len() {
            let i = queue[k];
            k += 1;
            let row = &costs[i * n..(i + 1) * n];
            let (mut first, mut j1, mut second, mut j2) = (f64::INFINITY, 0, f64::INFINITY, 0);
            for (j, (&c, &v)) in row.iter().zip(&v).enumerate() {
                let reduced = f64::from(c) - v;
                if reduced < second {
                    if reduced < first {
                        (second, j2) = (first, j1);
                        (first, j1) = (reduced, j);
                    } else {
                        (second, j2) = (reduced, j);
                    }
                }
            }
            let mut j = j1;
            let mut other = row_of[j];
            if first < second {
                v[j] -= second - first;
            } else if other != NONE && n > 1 {
                j = j2;
                other = row_of[j];
            }
            column_of[i] = j;
            row_of[j] = i;
            if other != NONE {
                column_of[other] = NONE;
                if first < second && budget > 0 {
                    budget -= 1;
                    k -= 1;
                    queue[k] = other;
                } else {
                    left.push(other);
                }
            }
        }
        free = left;
    }
    // Shortest augmenting paths.
    let mut distance = vec![0.0_f64; n];
    let mut from = vec![0_usize; n];
    let mut columns: Vec<usize> = (0..n).collect();
    for &start in &free {
        for j in 0..n {
            distance[j] = cost(start, j) - v[j];
            from[j] = start;
            columns[j] = j;
        }
        let (mut low, mut up, mut last, mut least) = (0, 0, 0, 0.0);
        let end = 'search: loop {
            if up == low {
                last = low;
                least = distance[columns[up]];
                up += 1;
                for k in up..n {
                    let j = columns[k];
                    let d = distance[j];
                    if d <= least {
                        if d < least {
                            up = low;
                            least = d;
                        }
                        columns.swap(k, up);
                        up += 1;
                    }
                }
                for &j in &columns[low..up] {
                    if row_of[j] == NONE {
                        break 'search j;
                    }
                }
            }
            let j1 = columns[low];
            low += 1;
            let i = row_of[j1];
            let h = cost(i, j1) - v[j1] - least;
            for k in up..n {
                let j = columns[k];
                let reduced = cost(i, j) - v[j] - h;
                if reduced < distance[j] {
                    from[j] = i;
                    distance[j] = reduced;
                    if reduced == least {
                        if row_of[j] == NONE {
                            break 'search j;
                        }
                        columns.swap(k, up);
                        up += 1;
                    }
                }
            }
        };
        for &j in &columns[..last] {
            v[j] += distance[j] - least;
        }
        let mut j = end;
        loop {
            let i = from[j];
            row_of[j] = i;
            std::mem::swap(&mut j, &mut column_of[i]);
            if i == start {
                break;
            }
        }
    }
    column_of
}
