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
    Rows { points: Arc<Points>, order: Arc<Vec<usize>>, next: usize },
}

/// The position of a target in its draws, as a checkpoint stores it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetState {
    /// The generator's position.
    rng: u128,
    /// For rows: their order in this epoch. Empty for draws.
    #[serde(serialize_with = "shared::serialize", deserialize_with = "shared::deserialize")]
    order: Arc<Vec<usize>>,
    /// For rows: how many of them have been drawn in this epoch.
    next: usize,
}

/// Serialises an `Arc` without serde's feature `rc`, which would rebuild serde for every crate.
mod shared {
    use super::{Arc, Deserialize, Serialize};

    pub(super) fn serialize<S: serde::Serializer>(
        order: &Arc<Vec<usize>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        order.as_slice().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<Vec<usize>>, D::Error> {
        Vec::deserialize(deserializer).map(Arc::new)
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

    /// Creates a target of the rows `points`, in flow units.
    pub fn rows(points: Points, rng: ChaCha8Rng) -> Self {
        let order: Vec<usize> = (0..points.x.rows()).collect();
        let next = order.len();
        let supply = Supply::Rows { points: Arc::new(points), order: Arc::new(order), next };
        Self { supply, rng }
    }

    /// Returns the same target at the start of an independent stream of draws, from `rng`.
    pub fn reseeded(&self, rng: ChaCha8Rng) -> Self {
        let mut target = Self { rng, supply: self.supply.clone() };
        if let Supply::Rows { order, next, .. } = &mut target.supply {
            *order = Arc::new((0..order.len()).collect());
            *next = order.len();
        }
        target
    }

    /// Returns the position in the draws.
    pub fn state(&self) -> TargetState {
        let rng = self.rng.get_word_pos();
        match &self.supply {
            Supply::Draws { .. } => TargetState { rng, ..TargetState::default() },
            Supply::Rows { order, next, .. } => {
                TargetState { rng, order: Arc::clone(order), next: *next }
            }
        }
    }

    /// Continues from `state`.
    ///
    /// # Errors
    ///
    /// Returns an error if the state is that of another number of rows.
    pub fn restore(&mut self, state: TargetState) -> Result<()> {
        if let Supply::Rows { order, next, .. } = &mut self.supply {
            let (expected, found) = (order.len(), state.order.len());
            ensure!(
                found == expected,
                "expected the state of {expected} rows, found that of {found}"
            );
            (*order, *next) = (state.order, state.next);
        }
        self.rng.set_word_pos(state.rng);
        Ok(())
    }

    /// Returns all rows in their order, or `n` new draws, for a device that draws its own batches from them.
    pub fn pool(&mut self, n: usize) -> Points {
        match &self.supply {
            Supply::Draws { .. } => self.next_batch(n),
            Supply::Rows { points, .. } => Points::clone(points),
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
            Supply::Rows { points, order, next } => {
                let batch: Vec<usize> = (0..n)
                    .map(|_| {
                        if *next == order.len() {
                            Arc::make_mut(order).shuffle(&mut self.rng);
                            *next = 0;
                        }
                        *next += 1;
                        order[*next - 1]
                    })
                    .collect();
                points.select(&batch)
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
        let points = Points { x, c: Matrix::new(Vec::new(), 10, 0) };
        let new = || Target::rows(points.clone(), ChaCha8Rng::seed_from_u64(0));
        let mut target = new();
        for _ in 0..20 {
            let state = serde_json::to_string(&target.state()).unwrap();
            let mut other = new();
            other.restore(serde_json::from_str(&state).unwrap()).unwrap();
            assert_eq!(target.next_batch(7), other.next_batch(7));
        }
    }

    #[test]
    fn every_row_is_drawn_once_before_any_is_drawn_again() {
        let x = Matrix::new((0..10).map(|k| k as f32).collect(), 10, 1);
        let points = Points { x, c: Matrix::new(Vec::new(), 10, 0) };
        let mut target = Target::rows(points, ChaCha8Rng::seed_from_u64(0));
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
