//! π₁: what training draws its batches from.

use std::sync::Arc;

use anyhow::{Result, ensure};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::distribution::Distribution;
use super::matrix::Points;
use super::standardization::Standardization;

/// The target as training sees it: batches of points in flow units.
#[derive(Clone, Debug)]
pub struct Target {
    supply: Supply,
    rng: ChaCha8Rng,
}

#[derive(Clone, Debug)]
enum Supply {
    /// Fresh draws.
    Draws { distribution: Distribution, by_class: bool, units: Standardization },
    /// Rows in random order, all of them before any comes again.
    Rows { points: Arc<Points>, order: Arc<Vec<usize>>, next: usize },
}

/// Where a target is in its draws: what a checkpoint keeps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetState {
    /// The generator's position.
    rng: u128,
    /// Of rows: their order in this epoch, and how many of them have come.
    #[serde(serialize_with = "shared::serialize", deserialize_with = "shared::deserialize")]
    order: Arc<Vec<usize>>,
    next: usize,
}

/// serde without its feature `rc`, which would change every crate's build for this one field.
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
    /// Fresh draws from `distribution`, brought to flow units by `units`; if `by_class`, with
    /// their class as condition.
    pub fn draws(
        distribution: Distribution,
        by_class: bool,
        units: Standardization,
        rng: ChaCha8Rng,
    ) -> Self {
        Self { supply: Supply::Draws { distribution, by_class, units }, rng }
    }

    /// The rows `points`, in flow units.
    pub fn rows(points: Points, rng: ChaCha8Rng) -> Self {
        let order: Vec<usize> = (0..points.x.rows()).collect();
        let next = order.len();
        let supply = Supply::Rows { points: Arc::new(points), order: Arc::new(order), next };
        Self { supply, rng }
    }

    /// The same target with draws of its own.
    pub fn reseeded(&self, rng: ChaCha8Rng) -> Self {
        let mut target = Self { rng, supply: self.supply.clone() };
        if let Supply::Rows { order, next, .. } = &mut target.supply {
            *order = Arc::new((0..order.len()).collect());
            *next = order.len();
        }
        target
    }

    /// Where it is.
    pub fn state(&self) -> TargetState {
        let rng = self.rng.get_word_pos();
        match &self.supply {
            Supply::Draws { .. } => TargetState { rng, ..TargetState::default() },
            Supply::Rows { order, next, .. } => {
                TargetState { rng, order: Arc::clone(order), next: *next }
            }
        }
    }

    /// Goes on from `state`.
    ///
    /// # Errors
    ///
    /// When it is the state of other rows.
    pub fn restore(&mut self, state: TargetState) -> Result<()> {
        if let Supply::Rows { order, next, .. } = &mut self.supply {
            let (expected, found) = (order.len(), state.order.len());
            ensure!(found == expected, "expected the order of {expected} rows, found {found}");
            (*order, *next) = (state.order, state.next);
        }
        self.rng.set_word_pos(state.rng);
        Ok(())
    }

    /// All rows in their order, or `n` fresh draws: what a device draws from by itself.
    pub fn pool(&mut self, n: usize) -> Points {
        match &self.supply {
            Supply::Draws { .. } => self.next_batch(n),
            Supply::Rows { points, .. } => Points::clone(points),
        }
    }

    /// The next `n` points.
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
    fn a_restored_target_goes_on() {
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
    fn every_row_comes_once_before_any_comes_again() {
        let x = Matrix::new((0..10).map(|k| k as f32).collect(), 10, 1);
        let points = Points { x, c: Matrix::new(Vec::new(), 10, 0) };
        let mut target = Target::rows(points, ChaCha8Rng::seed_from_u64(0));
        // Batches of 4 cross the ends of epochs, one of 25 spans several.
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
