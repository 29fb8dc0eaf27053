//! Real rows that thousands of samples are compared with, and the conditions of the samples.

use rand_chacha::ChaCha8Rng;

use super::distance::{Reference, Unbiased};
use super::sides::choose;
use super::view::View;
use crate::coupling::dataset::Real;
use crate::data::{Matrix, Points};

/// Distances over all pairs take this many operations at most, a part of a second.
const WORK: f64 = 2e8;

/// The fewest samples, even beyond [`WORK`].
const FEWEST: usize = 500;

/// Real rows, and the conditions of the samples that are compared with them.
#[derive(Debug)]
pub struct Stage {
    /// The real rows in the user's units, `[n]`: all that training did not see, if they are few enough.
    pub real: Points,
    /// What the rows are, in words.
    pub judged_on: &'static str,
    /// Whether the model has not seen the rows.
    pub unseen: bool,
    /// Conditions of the samples, `[m, C]`. Sample `i` has that of row `i % n`.
    pub c: Matrix,
    reference: Option<Reference>,
}

impl Stage {
    /// Chooses at most `limit` rows, and conditions of about as many samples: a whole number of samples for each row.
    pub fn of(real: &Real, view: &View<'_>, limit: usize, rng: &mut ChaCha8Rng) -> Self {
        let (real, judged_on, unseen) = match real {
            Real::Distribution { distribution, by_class } => {
                (distribution.draw(limit, *by_class, rng), "fresh draws", true)
            }
            Real::Rows { train, held_out } if held_out.x.rows() > 0 => {
                let name = if train.x.rows() == 0 { "the file's rows" } else { "held-out rows" };
                (choose(held_out, limit, rng), name, true)
            }
            Real::Rows { train, .. } => (choose(train, limit, rng), "training rows", false),
        };
        let n = real.x.rows();
        let grouped = real.c.columns() > 0;
        let columns = (real.x.columns() + real.c.columns()) as f64;
        // The most m with m · (2n + m) · columns operations; numbers alone are sorted.
        let rows = n as f64;
        let most = ((rows * rows + WORK / columns).sqrt() - rows) as usize;
        let samples = if columns == 1.0 { limit } else { most.clamp(FEWEST, limit.max(FEWEST)) };
        let samples = samples.next_multiple_of(n.max(1));
        let rows: Vec<usize> = (0..samples).map(|i| i % n.max(1)).take_while(|_| n > 0).collect();
        let c = real.c.select(&rows);
        let reference = Reference::new(view.of(&real), grouped);
        Self { real, judged_on, unseen, c, reference }
    }

    /// Returns the unbiased squared energy distance between samples, `[m, D]` under the conditions [`Self::c`], and
    /// the real rows; `None` for fewer than two rows.
    pub fn energy(&self, x: &Matrix, view: &View<'_>) -> Option<Unbiased> {
        let samples = Points { x: x.clone(), c: self.c.clone() };
        self.reference.as_ref().map(|reference| reference.distance(&view.of(&samples)))
    }

    /// Whether samples are no nearer to the real rows than the starting points are, and surely far from them. Both are
    /// in the user's units, `[m, D]`. Starting points may be near by themselves, if data are like noise.
    pub fn learned_nothing(&self, samples: &Matrix, starts: &Matrix, view: &View<'_>) -> bool {
        // The mean of the rows, repeated, has about 0.4 of the spread.
        const FAR: f64 = 0.1;
        let (Some(reference), Some(samples), Some(starts)) =
            (&self.reference, self.energy(samples, view), self.energy(starts, view))
        else {
            return false;
        };
        let surely = samples.value - 3.0 * samples.error;
        samples.value >= starts.value && surely > FAR * reference.spread()
    }
}
