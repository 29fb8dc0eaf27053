//! The target distribution π₁, from which training draws its batches.

use std::sync::Arc;

use anyhow::{Result, ensure};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::matrix::Points;
use super::standardization::Standardization;

/// The target distribution as a stream of batches of points, in flow units.
#[derive(Clone, Debug)]
pub struct Target {
    supply: Supply,
    rng: ChaCha8Rng,
}

#[derive(Clone, Debug)]
enum Supply {
    /// New draws from a distribution.
    Draws { distribution: Distribution, by_class: bool, units: Standardization },
    /// Rows in random order. Each row is drawn once before any is drawn again.
    Rows(Rows),
}

#[derive(Clone, Debug)]
struct Rows {
    /// The rows in the user's units, which are those of the data set: a second
    /// copy would double the memory that large data take.
    points: Arc<Points>,
    data: Standardization,
    condition: Standardization,
    /// The order of the rows in this epoch. Empty before the first epoch.
    order: Vec<u32>,
    /// How many rows have been drawn in this epoch.
    next: usize,
    /// How many epochs have begun.
    epochs: u64,
    /// The generator's position before the first epoch.
    start: u128,
}

/// The position of a target in its draws, as a checkpoint stores it. The order of the rows is not stored, since
/// it follows from the number of epochs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetState {
    /// The generator's position.
    rng: u128,
    /// The number of rows; 0 for draws.
    rows: usize,
    /// For rows: how many epochs have begun.
    epochs: u64,
    /// For rows: how many of them have been drawn in this epoch.
    next: usize,
}

impl Rows {
    /// Begins an epoch: shuffles the rows.
    fn shuffle(&mut self, rng: &mut ChaCha8Rng) {
        if self.order.is_empty() {
            self.order = (0..).take(self.points.x.rows()).collect();
        }
        self.order.shuffle(rng);
        self.next = 0;
        self.epochs += 1;
    }

    fn forget(&mut self, start: u128) {
        (self.order, self.next, self.epochs, self.start) = (Vec::new(), 0, 0, start);
    }
}

impl Target {
    /// Creates a target of new draws from `distribution`, which `units` converts to flow units. If
    /// `by_class`, the condition of a point is its class.
    pub fn draws(
        distribution: Distribution,
        by_class: bool,
        units: Standardization,
        rng: ChaCha8Rng,
    ) -> Self {
        Self { supply: Supply::Draws { distribution, by_class, units }, rng }
    }

    /// Creates a target of the rows `points` in the user's units, which `data` and `condition` convert to flow
    /// units.
    ///
    /// # Panics
    ///
    /// Panics if there are 2³² rows or more.
    pub fn rows(
        points: Arc<Points>,
        data: Standardization,
        condition: Standardization,
        rng: ChaCha8Rng,
    ) -> Self {
        assert!(u32::try_from(points.x.rows()).is_ok(), "{} rows", points.x.rows());
        let (order, next, epochs, start) = (Vec::new(), 0, 0, rng.get_word_pos());
        let rows = Rows { points, data, condition, order, next, epochs, start };
        Self { supply: Supply::Rows(rows), rng }
    }

    /// Returns the same target at the start of an independent stream of draws, from `rng`.
    pub fn reseeded(&self, rng: ChaCha8Rng) -> Self {
        let mut supply = self.supply.clone();
        if let Supply::Rows(rows) = &mut supply {
            rows.forget(rng.get_word_pos());
        }
        Self { supply, rng }
    }

    /// Returns the position in the draws.
    pub fn state(&self) -> TargetState {
        let rng = self.rng.get_word_pos();
        match &self.supply {
            Supply::Draws { .. } => TargetState { rng, ..TargetState::default() },
            Supply::Rows(Rows { points, next, epochs, .. }) => {
                TargetState { rng, rows: points.x.rows(), epochs: *epochs, next: *next }
            }
        }
    }

    /// Continues from `state`. For rows, repeats the shuffles of all epochs so far, which takes a small part of
    /// the time that training on them took.
    ///
    /// # Errors
    ///
    /// Returns an error if the state is that of another number of rows, or does not belong to this stream.
    pub fn restore(&mut self, state: TargetState) -> Result<()> {
        if let Supply::Rows(rows) = &mut self.supply {
            let expected = rows.points.x.rows();
            ensure!(
                state.rows == expected && state.next <= expected,
                "expected the state of {expected} rows, found that of {}",
                state.rows
            );
            rows.forget(rows.start);
            self.rng.set_word_pos(rows.start);
            // A shuffle of several rows moves the generator, so that a wrong state ends the loop.
            while rows.epochs < state.epochs
                && (self.rng.get_word_pos() < state.rng || expected < 2)
            {
                rows.shuffle(&mut self.rng);
            }
            ensure!(
                (rows.epochs, self.rng.get_word_pos()) == (state.epochs, state.rng),
                "the order of the rows cannot be restored: the state belongs to another stream"
            );
            rows.next = state.next;
        }
        self.rng.set_word_pos(state.rng);
        Ok(())
    }

    /// Returns all rows in their order, or `n` new draws, for a device that draws its own batches from them.
    pub fn pool(&mut self, n: usize) -> Points {
        match &self.supply {
            Supply::Draws { .. } => self.next_batch(n),
            Supply::Rows(Rows { points, data, condition, .. }) => {
                let mut points = Points::clone(points);
                data.forward(&mut points.x);
                condition.forward(&mut points.c);
                points
            }
        }
    }

    /// Returns the next `n` points.
    pub fn next_batch(&mut self, n: usize) -> Points {
        match &mut self.supply {
            Supply::Draws { distribution, by_class, units } => {
                let mut points = distribution.draw(n, *by_class, &mut self.rng);
                units.forward(&mut points.x);
                points
            }
            Supply::Rows(rows) => {
                let batch: Vec<usize> = (0..n)
                    .map(|_| {
                        if rows.next == rows.order.len() {
                            rows.shuffle(&mut self.rng);
                        }
                        rows.next += 1;
                        rows.order[rows.next - 1] as usize
                    })
                    .collect();
                let mut points = rows.points.select(&batch);
                rows.data.forward(&mut points.x);
                rows.condition.forward(&mut points.c);
                points
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use rand::SeedableRng;

    #[test]
    fn a_restored_target_continues_its_draws() {
        let x = Matrix::new((0..10).map(|k| k as f32).collect(), 10, 1);
        let points = Arc::new(Points { x, c: Matrix::new(Vec::new(), 10, 0) });
        let unit = Standardization::identity;
        let new = || Target::rows(points.clone(), unit(1), unit(0), ChaCha8Rng::seed_from_u64(0));
        let mut target = new();
        for _ in 0..20 {
            let state = serde_json::to_string(&target.state()).unwrap();
            let mut other = new();
            other.restore(serde_json::from_str(&state).unwrap()).unwrap();
            assert_eq!(target.next_batch(7), other.next_batch(7));
        }
    }

    #[test]
    fn a_state_is_small_and_one_of_another_stream_is_refused() {
        let target = |rows: usize, seed| {
            let x = Matrix::new(vec![1.0; rows], rows, 1);
            let points = Arc::new(Points { x, c: Matrix::new(Vec::new(), rows, 0) });
            let unit = Standardization::identity;
            Target::rows(points, unit(1), unit(0), ChaCha8Rng::seed_from_u64(seed))
        };
        let mut large = target(100_000, 0);
        large.next_batch(150_000);
        let state = large.state();
        assert!(serde_json::to_string(&state).unwrap().len() < 100);
        assert!(target(99_999, 0).restore(state).unwrap_err().to_string().contains("100000"));
        for wrong in [
            TargetState { epochs: u64::MAX, ..state },
            TargetState { epochs: 1, ..state },
            TargetState { rng: state.rng + 1, ..state },
        ] {
            let error = target(100_000, 0).restore(wrong).unwrap_err().to_string();
            assert!(error.contains("another stream"), "{error}");
        }
    }

    #[test]
    fn every_row_is_drawn_once_before_any_is_drawn_again() {
        let x = Matrix::new((0..10).map(|k| k as f32).collect(), 10, 1);
        let points = Arc::new(Points { x, c: Matrix::new(Vec::new(), 10, 0) });
        let unit = Standardization::identity;
        let mut target = Target::rows(points, unit(1), unit(0), ChaCha8Rng::seed_from_u64(0));
        // Batches of 4 cross the ends of epochs; the batch of 25 spans several.
        let drawn: Vec<f32> = [4, 4, 4, 4, 4, 25]
            .into_iter()
            .flat_map(|n| target.next_batch(n).x.values().to_vec())
            .collect();
        for epoch in drawn.chunks_exact(10) {
            let mut epoch: Vec<i32> = epoch.iter().map(|&x| x as i32).collect();
            epoch.sort_unstable();
            assert_eq!(epoch, (0..10).collect::<Vec<_>>());
        }
    }
}
