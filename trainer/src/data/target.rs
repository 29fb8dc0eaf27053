//! π₁: what training draws its batches from.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

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
    Rows { points: Points, order: Vec<usize>, next: usize },
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
        Self { supply: Supply::Rows { points, order, next }, rng }
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
                            order.shuffle(&mut self.rng);
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
