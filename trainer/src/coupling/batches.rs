//! Batches of coupled noise and data: what a network is trained on.

use std::collections::VecDeque;

use anyhow::{Result, ensure};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::coupling::Coupling;
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::times::Times;
use crate::data::{Matrix, Points, Target, TargetState};

/// Pairs of noise and data in flow units, and the time at which each pair's path is evaluated.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Noise: draws from the source, `[B, D]`.
    pub x_0: Matrix,
    /// Data: draws from the target, `[B, D]`.
    pub x_1: Matrix,
    /// Conditions of the data, `[B, C]`.
    pub c: Matrix,
    /// Times in [0, 1], `[B]`; empty for an objective that uses a solver's grid instead.
    pub t: Vec<f32>,
}

impl Batch {
    /// Returns the size of the batch's numbers in bytes.
    pub fn bytes(&self) -> usize {
        let matrices = [&self.x_0, &self.x_1, &self.c].map(Matrix::values);
        matrices.into_iter().chain([&self.t[..]]).map(size_of_val).sum()
    }
}

/// A resumable stream of batches from a run's data.
#[derive(Debug)]
pub struct Batches {
    target: Target,
    source: Source,
    coupling: Coupling,
    times: Times,
    size: usize,
    /// Number of points that are coupled at once, at least `size`.
    coupled: usize,
    /// Coupled pairs, and how many of them earlier batches used.
    ready: Option<(Pairs, usize)>,
    /// States of target and source before `ready` was drawn: a restored stream draws it again.
    before: Before,
    /// The coupled pairs that follow `ready`.
    following: VecDeque<(Before, Pairs)>,
    label_dropout: f32,
    rng: Generators,
}

/// The states of target and source before coupled pairs were drawn.
type Before = (TargetState, u128);

#[derive(Debug)]
struct Pairs {
    x_0: Matrix,
    points: Points,
}

#[derive(Debug)]
struct Generators {
    source: ChaCha8Rng,
    times: ChaCha8Rng,
    dropout: ChaCha8Rng,
}

/// The position of a [`Batches`] stream, for checkpoints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BatchesState {
    /// The target before the current coupled pairs were drawn.
    target: TargetState,
    /// The source's generator at the same moment, in 32-bit words.
    source: u128,
    /// How many of the coupled pairs were used; `None` before the first draw.
    gone: Option<usize>,
    times: u128,
    dropout: u128,
}

/// The most costs of pairs that couplings in parallel may store: two matrices of f32 are 512 MiB. A single coupling
/// may store more.
const COSTS: usize = 1 << 26;

/// The fewest triples of row, noise and time in a held-out batch.
const HELD_OUT: usize = 4096;

/// Settings of [`Batches`].
#[derive(Clone, Debug)]
pub struct BatchesOptions {
    /// The source distribution, π₀.
    pub source: Source,
    /// How noise and data are paired.
    pub coupling: Coupling,
    /// The distribution of the times.
    pub times: Times,
    /// Number of pairs in a batch, B.
    pub size: usize,
    /// Number of points that are coupled at once if the coupling transports; `size` if that is larger.
    pub transport_size: usize,
    /// The share of rows whose conditions are replaced by zeros, in [0, 1).
    pub label_dropout: f64,
}

impl BatchesOptions {
    /// Pairs held-out `points` with noise and times that depend on `seed` alone, so that only the
    /// network changes the held-out loss. Few rows are repeated, with other noise and times, until there are 4,096.
    /// Couples as many points at once as training does.
    ///
    /// # Errors
    ///
    /// Returns an error if a coupling that transports meets a number that is not finite.
    pub fn held_out(&self, points: &Points, seed: u64) -> Result<Batch> {
        let repeats = HELD_OUT.div_ceil(points.x.rows().max(1)).max(1);
        let all: Vec<usize> = (0..repeats).flat_map(|_| 0..points.x.rows()).collect();
        let points = &points.select(&all);
        let (n, columns) = (points.x.rows(), points.x.columns());
        let x_0 = self.source.draw(n, columns, &mut generator(seed, Stream::HeldOutSource));
        let coupled =
            if self.coupling.transports() { self.transport_size.max(self.size) } else { n };
        let mut order = Vec::with_capacity(n);
        for first in (0..n).step_by(coupled) {
            let rows: Vec<usize> = (first..n.min(first + coupled)).collect();
            let part = points.select(&rows);
            let paired = self.coupling.pair(&x_0.select(&rows), &part.x, &part.c)?;
            order.extend(paired.into_iter().map(|row| first + row));
        }
        let t = self.times.draw(n, &mut generator(seed, Stream::HeldOutTime));
        Ok(Batch { x_0: x_0.select(&order), x_1: points.x.clone(), c: points.c.clone(), t })
    }
}

impl Batches {
    /// Starts the stream of batches for `seed`.
    pub fn new(target: Target, options: BatchesOptions, seed: u64) -> Self {
        let BatchesOptions { source, coupling, times, size, transport_size, label_dropout } =
            options;
        let coupled = if coupling.transports() { transport_size.max(size) } else { size };
        let rng = Generators {
            source: generator(seed, Stream::Source),
            times: generator(seed, Stream::Time),
            dropout: generator(seed, Stream::LabelDropout),
        };
        Self {
            before: (target.state(), rng.source.get_word_pos()),
            target,
            source,
            coupling,
            times,
            size,
            coupled,
            ready: None,
            following: VecDeque::new(),
            label_dropout: label_dropout as f32,
            rng,
        }
    }

    /// Returns the next batch.
    ///
    /// # Errors
    ///
    /// Returns an error if a coupling that transports meets a number that is not finite.
    pub fn next_batch(&mut self) -> Result<Batch> {
        let mut x_0 = Vec::new();
        let (mut x_1, mut c) = (Vec::new(), Vec::new());
        let mut columns = (0, 0);
        let mut missing = self.size;
        while missing > 0 {
            if self.ready.as_ref().is_none_or(|(pairs, gone)| *gone == pairs.x_0.rows()) {
                if self.following.is_empty() {
                    self.following = self.couple(self.at_once())?;
                }
                let Some((before, pairs)) = self.following.pop_front() else { continue };
                self.before = before;
                self.ready = Some((pairs, 0));
            }
            let Some((Pairs { x_0: ready_0, points }, gone)) = &mut self.ready else { continue };
            let n = missing.min(ready_0.rows() - *gone);
            columns = (points.x.columns(), points.c.columns());
            for (from, to, width) in [
                (ready_0.values(), &mut x_0, columns.0),
                (points.x.values(), &mut x_1, columns.0),
                (points.c.values(), &mut c, columns.1),
            ] {
                to.extend_from_slice(&from[*gone * width..(*gone + n) * width]);
            }
            *gone += n;
            missing -= n;
        }
        if self.label_dropout > 0.0 {
            for row in c.chunks_exact_mut(columns.1.max(1)) {
                if self.rng.dropout.random::<f32>() < self.label_dropout {
                    row.fill(0.0);
                }
            }
        }
        Ok(Batch {
            x_0: Matrix::new(x_0, self.size, columns.0),
            x_1: Matrix::new(x_1, self.size, columns.0),
            c: Matrix::new(c, self.size, columns.1),
            t: self.times.draw(self.size, &mut self.rng.times),
        })
    }

    /// Returns how many couplings are computed in parallel, on as many threads. The batches do not depend on it.
    pub fn at_once(&self) -> usize {
        if self.coupling.transports() {
            (COSTS / self.coupled.pow(2)).clamp(1, rayon::current_num_threads())
        } else {
            1
        }
    }

    /// Draws the points of the next `count` couplings in order, and couples them in parallel.
    fn couple(&mut self, count: usize) -> Result<VecDeque<(Before, Pairs)>> {
        let draw = |_| {
            let before = (self.target.state(), self.rng.source.get_word_pos());
            let points = self.target.next_batch(self.coupled);
            let x_0 = self.source.draw(self.coupled, points.x.columns(), &mut self.rng.source);
            (before, Pairs { x_0, points })
        };
        let drawn: Vec<_> = (0..count).map(draw).collect();
        let coupling = &self.coupling;
        if !coupling.transports() {
            return Ok(drawn.into());
        }
        let pair = |(before, Pairs { x_0, points })| {
            let order = coupling.pair(&x_0, &points.x, &points.c)?;
            Ok((before, Pairs { x_0: x_0.select(&order), points }))
        };
        drawn.into_par_iter().map(pair).collect()
    }

    /// Returns the current position of the stream.
    pub fn state(&self) -> BatchesState {
        let (target, source) = self.before;
        BatchesState {
            target,
            source,
            gone: self.ready.as_ref().map(|(_, gone)| *gone),
            times: self.rng.times.get_word_pos(),
            dropout: self.rng.dropout.get_word_pos(),
        }
    }

    /// Continues the stream from `state`.
    ///
    /// # Errors
    ///
    /// Returns an error if `state` belongs to data with another number of rows, or has more used pairs
    /// than are coupled at once. Also if the coupling fails.
    pub fn restore(&mut self, state: BatchesState) -> Result<()> {
        self.before = (state.target, state.source);
        self.target.restore(state.target)?;
        self.rng.source.set_word_pos(state.source);
        self.rng.times.set_word_pos(state.times);
        self.rng.dropout.set_word_pos(state.dropout);
        self.following.clear();
        self.ready = match state.gone {
            Some(gone) => {
                let coupled = self.coupled;
                ensure!(
                    gone <= coupled,
                    "expected a state with at most {coupled} used pairs, found {gone}"
                );
                self.couple(1)?.pop_front().map(|(_, pairs)| (pairs, gone))
            }
            None => None,
        };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Standardization, preset};

    fn batches(coupling: Coupling, size: usize, transport_size: usize) -> Batches {
        let moons = preset("moons").unwrap();
        let rng = generator(3, Stream::Target);
        let target = Target::draws(moons, true, Standardization::identity(2), rng);
        let options = BatchesOptions {
            source: Source::Normal,
            coupling,
            times: Times::Uniform,
            size,
            transport_size,
            label_dropout: 0.25,
        };
        Batches::new(target, options, 3)
    }

    #[test]
    fn restored_batches_continue_the_stream() {
        // 48 is not a multiple of 20, so that some batches span two couplings.
        for coupling in [Coupling::Independent, Coupling::Transport] {
            let mut whole = batches(coupling.clone(), 20, 48);
            for _ in 0..12 {
                let state = serde_json::to_string(&whole.state()).unwrap();
                let mut other = batches(coupling.clone(), 20, 48);
                other.restore(serde_json::from_str(&state).unwrap()).unwrap();
                for _ in 0..3 {
                    // Batches from one copy of the state must not advance another copy.
                    other.next_batch().unwrap();
                }
                let mut other = batches(coupling.clone(), 20, 48);
                other.restore(serde_json::from_str(&state).unwrap()).unwrap();
                assert_eq!(whole.next_batch().unwrap(), other.next_batch().unwrap());
            }
        }
    }

    #[test]
    fn batches_do_not_depend_on_the_number_of_threads() {
        let conditions = crate::data::ConditionColumn { name: "x".to_string(), categories: None };
        let kind = crate::config::words::CouplingKind::ConditionalTransport;
        let coupling = Coupling::new(kind, &[conditions], 0.05, false).unwrap();
        let made = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let mut batches = batches(coupling.clone(), 20, 48);
            pool.install(|| {
                assert_eq!(batches.at_once(), threads);
                (0..12)
                    .map(|_| (batches.next_batch().unwrap(), batches.state()))
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(made(1), made(3));
    }

    #[test]
    fn transport_reduces_the_squared_distance_within_pairs() {
        let total = |coupling| {
            let batch = batches(coupling, 256, 256).next_batch().unwrap();
            let lengths = batch.x_0.values().iter().zip(batch.x_1.values());
            lengths.map(|(a, b)| f64::from((a - b) * (a - b))).sum::<f64>()
        };
        assert!(total(Coupling::Transport) < 0.8 * total(Coupling::Independent));
    }

    #[test]
    fn conditions_are_dropped_at_the_configured_rate() {
        let mut batches = batches(Coupling::Independent, 4000, 0);
        let c = batches.next_batch().unwrap().c;
        let dropped = (0..c.rows()).filter(|&row| c.row(row).iter().all(|&c| c == 0.0)).count();
        assert!((800..1200).contains(&dropped), "{dropped}");
    }
}
