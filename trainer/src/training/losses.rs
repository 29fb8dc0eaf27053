//! The losses of a phase: how many there were, and the last ones.

use super::metrics::row_every;

/// The losses of a phase's iterations. Only so many are kept as a row of `metrics.csv` or the summary of a run needs,
/// so that memory and checkpoints do not grow with the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Losses {
    iterations: usize,
    /// The last ones, at least `kept` where there were as many.
    last: Vec<f64>,
    kept: usize,
}

/// The losses whose mean a summary gives.
const RECENT: usize = 1000;

impl Losses {
    /// Of a phase of `iterations` iterations, before the first.
    pub(super) fn new(iterations: usize) -> Self {
        Self { iterations: 0, last: Vec::new(), kept: row_every(iterations).max(RECENT) }
    }

    /// Of the same phase after `done` iterations, with the [`last`](Self::last) losses.
    pub(super) fn resumed(self, done: usize, last: Vec<f64>) -> Self {
        Self { iterations: done, last, ..self }
    }

    pub(super) fn push(&mut self, loss: f64) {
        self.iterations += 1;
        self.last.push(loss);
        if self.last.len() == 2 * self.kept {
            self.last.drain(..self.kept);
        }
    }

    /// The number of iterations.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// The losses of the last iterations: of all if there were at most 1,000.
    pub fn last(&self) -> &[f64] {
        &self.last[self.last.len().saturating_sub(self.kept)..]
    }

    /// The mean of the last `n` losses, or of those that are kept if they are fewer.
    pub(super) fn mean_of(&self, n: usize) -> f64 {
        let last = &self.last[self.last.len().saturating_sub(n)..];
        last.iter().sum::<f64>() / last.len() as f64
    }

    /// The mean of the last 1,000 losses, or of all if there are fewer.
    pub fn recent(&self) -> f64 {
        self.mean_of(RECENT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_phase_keeps_the_last_losses() {
        // Its rows have 3,000 iterations each.
        for (phase, kept) in [(10_000, 1000), (3_000_000, 3000)] {
            let mut losses = Losses::new(phase);
            (0..10_000).for_each(|k| losses.push(k.into()));
            assert_eq!(losses.iterations(), 10_000);
            assert_eq!(losses.last().len(), kept);
            assert_eq!(losses.last().last(), Some(&9999.0));
            assert!(losses.last.len() < 2 * kept);
            assert_eq!(losses.mean_of(3), 9998.0);
            assert_eq!(losses.recent(), 9499.5);
            let resumed = Losses::new(phase).resumed(10_000, losses.last().to_vec());
            assert_eq!(resumed.last(), losses.last());
            assert_eq!(resumed.iterations(), 10_000);
        }
    }
}
