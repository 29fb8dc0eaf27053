//! The batches of a student: a teacher's endpoints, and data paired with the student's own endpoints.

use anyhow::{Context, Result, ensure};
use flowlet::{HeapMlp, HeapSolver, SolverKind};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::coupling::Coupling;
use crate::coupling::batches::Batch;
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::{Matrix, Target};
use crate::network::Network;
use crate::objective::{Steps, endpoint};
use crate::solve::sampling;
use crate::training::supply::Supply;

/// Random batches of a teacher's pairs of starting point and endpoint.
#[derive(Debug)]
pub struct PairBatches {
    pairs: Batch,
    batch_size: usize,
    rng: ChaCha8Rng,
}

/// Options of [`teacher_pairs`].
#[derive(Debug)]
pub struct PairsOptions<'a> {
    /// The source distribution π₀ of the starting points.
    pub source: &'a Source,
    /// The target, from which the conditions are drawn.
    pub target: &'a Target,
    /// The classifier-free guidance weight; 1 is off.
    pub guidance: f32,
    /// The number of pairs.
    pub pairs: usize,
    /// The seed of all random numbers.
    pub seed: u64,
}

/// RK4 steps from a starting point to the teacher's endpoint.
const STEPS: usize = 16;

/// Computes pairs of `teacher`, whose data units must be flow units, on all cores.
///
/// # Errors
///
/// Returns an error if the teacher's samples are not finite.
pub fn teacher_pairs(teacher: &HeapMlp, options: &PairsOptions<'_>) -> Result<Batch> {
    let PairsOptions { source, target, guidance, pairs, seed } = *options;
    let mut rng = generator(seed, Stream::Pairs);
    let x_0 = source.draw(pairs, teacher.data_dim(), &mut rng);
    let c = target.reseeded(rng).next_batch(pairs).c;
    let mut solver = HeapSolver::uniform(SolverKind::Rk4, STEPS.try_into()?);
    if guidance != 1.0 {
        // Label dropout replaces a condition by zeros.
        solver = solver.guided(guidance, vec![0.0; teacher.condition_dim()]);
    }
    let x_1 = sampling::integrate(teacher, &solver, &x_0, &c);
    ensure!(
        x_1.values().iter().all(|x| x.is_finite()),
        "the teacher's samples are not finite, since its training diverged. Try a smaller learning rate"
    );
    Ok(Batch { x_0, x_1, c, t: Vec::new() })
}

impl PairBatches {
    /// Batches of `batch_size` of `pairs`, which are in flow units.
    pub fn new(pairs: Batch, batch_size: usize, seed: u64) -> Self {
        Self { pairs, batch_size, rng: generator(seed, Stream::PairOrder) }
    }
}

impl Supply for PairBatches {
    fn next(&mut self, _: &Network) -> Result<Batch> {
        let Batch { x_0, x_1, c, .. } = &self.pairs;
        let all = x_1.rows();
        let rows: Vec<usize> =
            (0..self.batch_size).map(|_| self.rng.random_range(0..all)).collect();
        let [x_0, x_1, c] = [x_0, x_1, c].map(|matrix| matrix.select(&rows));
        Ok(Batch { x_0, x_1, c, t: Vec::new() })
    }

    fn state(&self) -> Result<String> {
        Ok(self.rng.get_word_pos().to_string())
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        self.rng.set_word_pos(
            state.parse().context("the position in the teacher's pairs is not a number")?,
        );
        Ok(())
    }
}

/// Pairs of starting point and data. Optimal transport pairs the network's current endpoints with real data,
/// and each starting point gets the data of its endpoint. So a batch teaches how the generated distribution
/// must move to become the real one.
#[derive(Debug)]
pub struct OwnEndpoints {
    source: Source,
    target: Target,
    coupling: Coupling,
    steps: Steps,
    batch_size: usize,
    transport_size: usize,
    rng: ChaCha8Rng,
    ready: Ready,
}

/// Coupled pairs, the first `gone` of which have been returned.
#[derive(Debug, Default)]
struct Ready {
    x_0: Matrix,
    x_1: Matrix,
    c: Matrix,
    gone: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct OwnEndpointsState {
    target: crate::data::TargetState,
    rng: u128,
    /// The bits of the pairs' floats.
    x_0: Vec<u32>,
    x_1: Vec<u32>,
    c: Vec<u32>,
    columns: [usize; 2],
    gone: usize,
}

/// Options of [`OwnEndpoints`].
#[derive(Debug)]
pub struct OwnEndpointsOptions {
    /// The source distribution π₀.
    pub source: Source,
    /// The target distribution π₁.
    pub target: Target,
    /// The coupling of endpoints and data.
    pub coupling: Coupling,
    /// The solver steps from a starting point to the network's endpoint.
    pub steps: Steps,
    /// Pairs in a batch.
    pub batch_size: usize,
    /// Pairs that are coupled at once. Rounded up to a multiple of the batch.
    pub transport_size: usize,
    /// The seed of all random numbers.
    pub seed: u64,
}

impl OwnEndpoints {
    /// Creates a supply at its start.
    pub fn new(options: OwnEndpointsOptions) -> Self {
        let OwnEndpointsOptions {
            source,
            target,
            coupling,
            steps,
            batch_size,
            transport_size,
            seed,
        } = options;
        Self {
            source,
            target: target.reseeded(generator(seed, Stream::OwnTarget)),
            coupling,
            steps,
            batch_size,
            transport_size: transport_size.div_ceil(batch_size) * batch_size,
            rng: generator(seed, Stream::OwnSource),
            ready: Ready::default(),
        }
    }

    fn couple(&mut self, network: &Network) -> Result<Ready> {
        let n = self.transport_size;
        let points = self.target.next_batch(n);
        let x_0 = self.source.draw(n, points.x.columns(), &mut self.rng);
        let reached = endpoint(network, &self.steps, &x_0, &points.c)?;
        let order = self.coupling.pair(&reached, &points.x, &points.c)?;
        Ok(Ready { x_0: x_0.select(&order), x_1: points.x, c: points.c, gone: 0 })
    }
}

impl Supply for OwnEndpoints {
    fn asks_network(&self) -> bool {
        self.ready.gone == self.ready.x_0.rows()
    }

    fn next(&mut self, network: &Network) -> Result<Batch> {
        if self.asks_network() {
            self.ready = self.couple(network)?;
        }
        let Ready { x_0, x_1, c, gone } = &mut self.ready;
        let rows: Vec<usize> = (*gone..*gone + self.batch_size).collect();
        *gone += self.batch_size;
        let [x_0, x_1, c] = [&*x_0, &*x_1, &*c].map(|matrix| matrix.select(&rows));
        Ok(Batch { x_0, x_1, c, t: Vec::new() })
    }

    fn state(&self) -> Result<String> {
        let Ready { x_0, x_1, c, gone } = &self.ready;
        let bits = |matrix: &Matrix| matrix.values().iter().map(|x| x.to_bits()).collect();
        Ok(serde_json::to_string(&OwnEndpointsState {
            target: self.target.state(),
            rng: self.rng.get_word_pos(),
            x_0: bits(x_0),
            x_1: bits(x_1),
            c: bits(c),
            columns: [x_0.columns(), c.columns()],
            gone: *gone,
        })?)
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        let state: OwnEndpointsState = serde_json::from_str(state)?;
        self.target.restore(state.target)?;
        self.rng.set_word_pos(state.rng);
        let [columns, conditions] = state.columns;
        let rows = state.x_0.len().checked_div(columns).unwrap_or(0);
        let matrix = |bits: Vec<u32>, columns: usize| {
            let values: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            ensure!(
                values.len() == rows * columns,
                "the coupled pairs in the checkpoint have contradictory sizes"
            );
            Ok(Matrix::new(values, rows, columns))
        };
        self.ready = Ready {
            x_0: matrix(state.x_0, columns)?,
            x_1: matrix(state.x_1, columns)?,
            c: matrix(state.c, conditions)?,
            gone: state.gone,
        };
        ensure!(state.gone <= rows, "the coupled pairs in the checkpoint have contradictory sizes");
        Ok(())
    }
}
