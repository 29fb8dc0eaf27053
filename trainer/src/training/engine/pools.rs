//! The rows from which a card draws its batches.

use flowlet_gpu::{Pools, Times};

use crate::coupling::batches::BatchesOptions;
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::times;
use crate::data::{Matrix, Points, Target};

/// The rows from which a card draws batches of independent pairs: all rows of a file, or up to four million draws of
/// a known distribution.
///
/// Unlike [`Batches`](crate::coupling::batches::Batches), a card draws rows with replacement. The batches have the
/// same distribution, but other bytes.
#[derive(Debug)]
pub(in crate::training) struct CardPools {
    target: Points,
    source: Option<Matrix>,
    times: Times,
    label_dropout: f32,
    pub(super) batch: usize,
    pub(super) seed: u64,
}

/// The most coordinates in the pool of a known distribution.
const VALUES: usize = 1 << 24;
/// The most rows in the pool of a known distribution.
const ROWS: usize = 1 << 22;

impl CardPools {
    /// Makes the pools of a run with `seed`. Ignores the coupling in `options`: pairs are independent.
    pub fn new(mut target: Target, options: &BatchesOptions, data_dim: usize, seed: u64) -> Self {
        let rows = ROWS.min(VALUES / data_dim.max(1)).max(options.size);
        let target = target.pool(rows);
        let source = match &options.source {
            Source::Normal => None,
            Source::Rows(rows) => Some(Matrix::clone(rows)),
            other => Some(other.draw(rows, data_dim, &mut generator(seed, Stream::Source))),
        };
        let times = match options.times {
            times::Times::Uniform => Times::Uniform,
            times::Times::LogitNormal { mean, std } => Times::LogitNormal { mean, deviation: std },
            times::Times::Beta { .. } => {
                Times::Rows(options.times.draw(ROWS, &mut generator(seed, Stream::Time)))
            }
        };
        let label_dropout = options.label_dropout as f32;
        Self { target, source, times, label_dropout, batch: options.size, seed }
    }

    /// The pools as a card takes them.
    pub(super) fn pools(&self) -> Pools<'_> {
        Pools {
            x: self.target.x.values(),
            c: self.target.c.values(),
            source: self.source.as_ref().map(Matrix::values),
            times: &self.times,
            dropout: self.label_dropout,
        }
    }
}
