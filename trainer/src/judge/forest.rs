//! A classifier of two classes: extremely randomised trees (Geurts, Ernst & Wehenkel 2006).
//!
//! Trees suit tables of any units and need no tuning. Thresholds are drawn at random rather than searched, so a
//! forest is trained in a tenth of a second, and an evaluation trains dozens of them.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::data::Matrix;

const TREES: u64 = 100;

/// A node with fewer rows is not split.
const SPLIT: usize = 6;

/// Learns from `rows`, `[n, columns]`, with a label each, and returns for each row of `judged` the mean over all
/// trees of the share of `true` labels in its leaf: a score from 0 to 1. The same seed gives the same scores.
pub fn scores(rows: &Matrix, labels: &[bool], judged: &Matrix, seed: u64) -> Vec<f64> {
    // Column by column, since a split reads one column of many rows.
    let columns: Vec<Vec<f32>> = (0..rows.columns())
        .map(|column| (0..rows.rows()).map(|row| rows.row(row)[column]).collect())
        .collect();
    let trees: Vec<Vec<f32>> = (0..TREES)
        .into_par_iter()
        .map(|tree| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(tree);
            let tree = Tree::grow(&columns, labels, &mut rng);
            (0..judged.rows()).map(|row| tree.score(judged.row(row))).collect()
        })
        .collect();
    let sum = |row: usize| trees.iter().map(|tree| f64::from(tree[row])).sum::<f64>();
    (0..judged.rows()).map(|row| sum(row) / TREES as f64).collect()
}

/// The nodes of a tree, the root first.
struct Tree(Vec<Node>);

enum Node {
    /// Rows below the threshold go to node `below`, others to node `above`.
    Split { column: usize, threshold: f32, below: usize, above: usize },
    /// The share of `true` labels.
    Leaf(f32),
}

/// A threshold of a column, and how well it separates the labels.
struct Cut {
    column: usize,
    threshold: f32,
    purity: f64,
}

impl Tree {
    fn grow(columns: &[Vec<f32>], labels: &[bool], rng: &mut ChaCha8Rng) -> Self {
        let mut rows: Vec<u32> = (0..labels.len() as u32).collect();
        let mut marks = Vec::new();
        let mut nodes = vec![Node::Leaf(0.5)];
        let mut open = vec![(0, 0..rows.len())];
        while let Some((node, range)) = open.pop() {
            let own = &mut rows[range.clone()];
            marks.clear();
            marks.extend(own.iter().map(|&row| u32::from(labels[row as usize])));
            let yes = marks.iter().sum::<u32>() as usize;
            nodes[node] = Node::Leaf(yes as f32 / own.len().max(1) as f32);
            if own.len() < SPLIT || yes == 0 || yes == own.len() {
                continue;
            }
            let Some(Cut { column, threshold, .. }) = best(columns, &marks, own, rng) else {
                continue;
            };
            let middle = range.start + partition(own, &columns[column], threshold);
            let (below, above) = (nodes.len(), nodes.len() + 1);
            nodes.extend([Node::Leaf(0.5), Node::Leaf(0.5)]);
            nodes[node] = Node::Split { column, threshold, below, above };
            open.extend([(below, range.start..middle), (above, middle..range.end)]);
        }
        Self(nodes)
    }

    fn score(&self, row: &[f32]) -> f32 {
        let mut node = 0;
        loop {
            match self.0[node] {
                Node::Leaf(share) => return share,
                Node::Split { column, threshold, below, above } => {
                    node = if row[column] < threshold { below } else { above };
                }
            }
        }
    }
}

/// Returns the best of a few random cuts of `rows`, or `None` if the columns tried are constant there. `marks` holds 1
/// for each row whose label is `true`, else 0.
fn best(columns: &[Vec<f32>], marks: &[u32], rows: &[u32], rng: &mut ChaCha8Rng) -> Option<Cut> {
    let tried = (columns.len() as f64).sqrt().ceil() as usize;
    let all = rows.len() as u32;
    let yes = marks.iter().sum::<u32>();
    let mut best: Option<Cut> = None;
    let mut values = vec![0.0; rows.len()];
    // Constant columns do not count, as in the article, but the search must end.
    let (mut left, mut draws) = (tried, 4 * columns.len());
    while left > 0 && draws > 0 {
        draws -= 1;
        let column = rng.random_range(0..columns.len());
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        // Copied side by side, so that the loop that counts is one of vectors.
        for (value, &row) in values.iter_mut().zip(rows) {
            let x = columns[column][row as usize];
            *value = x;
            low = if x < low { x } else { low };
            high = if x > high { x } else { high };
        }
        let threshold = low + rng.random::<f32>() * (high - low);
        // Rounding may give the least value itself, below which there is no row.
        let threshold = if threshold > low { threshold } else { high };
        if low == high || !threshold.is_finite() {
            continue;
        }
        left -= 1;
        let (mut below, mut yes_below) = (0_u32, 0_u32);
        for (&x, &mark) in values.iter().zip(marks) {
            let is_below = u32::from(x < threshold);
            below += is_below;
            yes_below += is_below & mark;
        }
        // Gini: the sum over both sides of (yes² + no²) ÷ rows; larger is purer.
        let side = |yes: u32, all: u32| {
            let (yes, all) = (f64::from(yes), f64::from(all));
            (yes * yes + (all - yes) * (all - yes)) / all
        };
        let purity = side(yes_below, below) + side(yes - yes_below, all - below);
        if best.as_ref().is_none_or(|best| purity > best.purity) {
            best = Some(Cut { column, threshold, purity });
        }
    }
    best
}

/// Moves the rows below the threshold to the front, and returns their number.
fn partition(rows: &mut [u32], values: &[f32], threshold: f32) -> usize {
    let mut below = 0;
    for k in 0..rows.len() {
        if values[rows[k] as usize] < threshold {
            rows.swap(below, k);
            below += 1;
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checker(rows: usize, seed: u64) -> (Matrix, Vec<bool>) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values: Vec<f32> = (0..3 * rows).map(|_| rng.random()).collect();
        let labels = values.chunks(3).map(|x| (x[0] > 0.5) != (x[1] > 0.5)).collect();
        (Matrix::new(values, rows, 3), labels)
    }

    #[test]
    fn columns_that_say_nothing_alone_are_learned_together() {
        let ((rows, labels), (judged, truth)) = (checker(1000, 1), checker(400, 2));
        let scores = scores(&rows, &labels, &judged, 0);
        let right = scores.iter().zip(&truth).filter(|(score, truth)| (**score > 0.5) == **truth);
        let right = right.count();
        assert!(right > 360, "{right} of 400");
    }

    #[test]
    fn the_seed_determines_the_scores() {
        let ((rows, labels), (judged, _)) = (checker(100, 1), checker(20, 2));
        let of = |seed: u64| scores(&rows, &labels, &judged, seed);
        assert_eq!(of(3), of(3));
        assert_ne!(of(3), of(4));
    }

    #[test]
    fn constant_columns_and_huge_ranges_end() {
        let labels = [true, false].repeat(10);
        let constant = Matrix::new(vec![1.0; 40], 20, 2);
        assert!(scores(&constant, &labels, &constant, 0).iter().all(|&score| score == 0.5));
        let huge = (0..40).map(|k| if k % 2 == 0 { f32::MAX } else { f32::MIN });
        let huge = Matrix::new(huge.collect(), 40, 1);
        assert!(
            scores(&huge, &[labels.clone(), labels].concat(), &huge, 0)
                .iter()
                .all(|x| x.is_finite())
        );
    }
}
