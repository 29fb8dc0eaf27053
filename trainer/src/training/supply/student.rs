//! What a student learns from: a teacher's endpoints, and the data that its own endpoints should be.

use anyhow::{Context, Result, ensure};
use candle_core::{Device, Tensor};
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
use crate::network::storage::tensor;
use crate::objective::{Steps, Tensors, endpoint};
use crate::solve::sampling;
use crate::training::supply::Supply;
use crate::training::supply::pool::Pool;

/// A teacher's pairs: noise and where its flow leads from there, in flow units.
#[derive(Debug)]
pub struct TeacherPairs {
    x_0: Tensor,
    x_1: Pool,
    batch_size: usize,
    rng: ChaCha8Rng,
}

/// What pairs are made of.
#[derive(Debug)]
pub struct PairsOptions<'a> {
    /// π₀
    pub source: &'a Source,
    /// Whose conditions they have.
    pub target: &'a Target,
    /// How much more the condition counts than it does by itself; 1 for as much.
    pub guidance: f32,
    /// How many pairs.
    pub pairs: usize,
    /// Pairs in a batch.
    pub batch_size: usize,
    /// Of all random numbers.
    pub seed: u64,
}

/// RK4 steps of the solver that makes a teacher's pairs.
const STEPS: usize = 16;

impl TeacherPairs {
    /// Has `teacher`, whose units are those of the flow, make its pairs on all cores, and keeps them on
    /// `device`.
    ///
    /// # Errors
    ///
    /// When the teacher's samples are not finite, or the device has no room.
    pub fn make(teacher: &HeapMlp, options: &PairsOptions<'_>, device: &Device) -> Result<Self> {
        let PairsOptions { source, target, guidance, pairs, batch_size, seed } = *options;
        let mut rng = generator(seed, Stream::Pairs);
        let x_0 = source.draw(pairs, teacher.data_dim(), &mut rng);
        let c = target.reseeded(rng).next_batch(pairs).c;
        let mut solver = HeapSolver::uniform(SolverKind::Rk4, STEPS.try_into()?);
        if guidance != 1.0 {
            // What label dropout puts in the place of a condition.
            solver = solver.guided(guidance, vec![0.0; teacher.condition_dim()]);
        }
        let x_1 = sampling::integrate(teacher, &solver, &x_0, &c);
        ensure!(
            x_1.values().iter().all(|x| x.is_finite()),
            "the teacher's samples are not finite: it diverged. Try a smaller learning rate"
        );
        Ok(Self {
            x_0: tensor(&x_0, device)?,
            x_1: Pool::new(&x_1, &c, device)?,
            batch_size,
            rng: generator(seed, Stream::PairOrder),
        })
    }
}

impl Supply for TeacherPairs {
    fn next(&mut self, _: &Network) -> Result<Tensors> {
        let (all, _) = self.x_1.dims()?;
        let rows: Vec<u32> = (0..self.batch_size)
            .map(|_| u32::try_from(self.rng.random_range(0..all)))
            .collect::<Result<_, _>>()?;
        let rows = Tensor::from_vec(rows, self.batch_size, self.x_0.device())?;
        let [x_1, c] = self.x_1.select(&rows)?;
        Ok(Tensors { x_0: self.x_0.index_select(&rows, 0)?, x_1, c, t: None })
    }

    fn state(&self) -> Result<String> {
        Ok(self.rng.get_word_pos().to_string())
    }

    fn restore(&mut self, state: &str) -> Result<()> {
        self.rng.set_word_pos(state.parse().context("the state of a teacher's pairs")?);
        Ok(())
    }
}

/// Noise, and the data that the network's own endpoints are nearest to as a whole: optimal transport
/// between where the network leads now and real data. What a batch teaches is how the generated
/// distribution must move to become the real one.
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

/// Pairs that are coupled already, and how many of them have gone.
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
    /// The bits of the pairs.
    x_0: Vec<u32>,
    x_1: Vec<u32>,
    c: Vec<u32>,
    columns: [usize; 2],
    gone: usize,
}

/// What pairs of a network's own endpoints are made of.
#[derive(Debug)]
pub struct OwnEndpointsOptions {
    /// π₀
    pub source: Source,
    /// π₁
    pub target: Target,
    /// How endpoints and data are paired.
    pub coupling: Coupling,
    /// The steps that the network's endpoints are reached in.
    pub steps: Steps,
    /// Pairs in a batch.
    pub batch_size: usize,
    /// Pairs that are coupled at once, a multiple of the batch.
    pub transport_size: usize,
    /// Of all random numbers.
    pub seed: u64,
}

impl OwnEndpoints {
    /// A supply at its beginning.
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
        let device = network.device();
        let (start, c) = (tensor(&x_0, &device)?, tensor(&points.c, &device)?);
        let reached = endpoint(network, &self.steps, &start, &c)?;
        let reached = Matrix::new(reached.flatten_all()?.to_vec1()?, n, points.x.columns());
        let order = self.coupling.pair(&reached, &points.x, &points.c)?;
        Ok(Ready { x_0: x_0.select(&order), x_1: points.x, c: points.c, gone: 0 })
    }
}

impl Supply for OwnEndpoints {
    fn next(&mut self, network: &Network) -> Result<Tensors> {
        if self.ready.gone == self.ready.x_0.rows() {
            self.ready = self.couple(network)?;
        }
        let Ready { x_0, x_1, c, gone } = &mut self.ready;
        let rows: Vec<usize> = (*gone..*gone + self.batch_size).collect();
        *gone += self.batch_size;
        let [x_0, x_1, c] = [&*x_0, &*x_1, &*c].map(|matrix| matrix.select(&rows));
        Tensors::new(&Batch { x_0, x_1, c, t: Vec::new() }, &network.device())
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
            ensure!(values.len() == rows * columns, "the coupled pairs do not belong together");
            Ok(Matrix::new(values, rows, columns))
        };
        self.ready = Ready {
            x_0: matrix(state.x_0, columns)?,
            x_1: matrix(state.x_1, columns)?,
            c: matrix(state.c, conditions)?,
            gone: state.gone,
        };
        ensure!(state.gone <= rows, "the coupled pairs do not belong together");
        Ok(())
    }
}
