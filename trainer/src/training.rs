//! The training loop: data → coupling → path → loss → optimiser.

use std::time::Instant;

use anyhow::{Context, Error, Result, anyhow, bail};
use candle_core::backprop::GradStore;
use candle_core::{Device, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::config::Config;
use crate::coupling::Independent;
use crate::data::{Points, Target};
use crate::dataset::Dataset;
use crate::loss::mean_squared_error;
use crate::metrics::Measurement;
use crate::network::{Network, Shape};
use crate::path::{Supervision, linear};
use crate::random::{Stream, generator};

/// Who watches a training run, and may stop it.
pub trait Monitor {
    /// Called after each iteration, from 1, with its loss.
    fn iteration(&mut self, iteration: usize, loss: f64);

    /// Called every so often with more.
    ///
    /// # Errors
    ///
    /// One ends the run.
    fn measured(&mut self, measurement: &Measurement) -> Result<()>;

    /// Whether to stop after this iteration and keep what was trained.
    fn stops(&self) -> bool;
}

/// A trained network, and how it went.
#[derive(Debug)]
pub struct Trained {
    /// The network after the last iteration.
    pub network: Network,
    /// The loss of each iteration.
    pub losses: Vec<f64>,
    /// How long it took.
    pub seconds: f64,
}

impl Trained {
    /// The mean loss of the last 1,000 iterations, or of all if there were fewer.
    pub fn recent_loss(&self) -> f64 {
        let last = &self.losses[self.losses.len().saturating_sub(1000)..];
        last.iter().sum::<f64>() / last.len() as f64
    }
}

/// Rows of `metrics.csv`, at most about.
const ROWS: usize = 1000;

/// Every so many rows the held-out loss is measured.
const ROWS_PER_HELD_OUT: usize = 10;

/// Trains a network as `config` says.
///
/// # Errors
///
/// When the loss is no longer finite, with the iteration and what to try; or when the monitor
/// fails.
pub fn train(config: &Config, dataset: &mut Dataset, monitor: &mut dyn Monitor) -> Result<Trained> {
    let device = device(&config.train.device)?;
    let shape = Shape {
        data_dim: dataset.data_dim(),
        condition_dim: dataset.condition_dim(),
        hidden_width: config.model.hidden_width,
        hidden_layers: config.model.hidden_layers,
        activation: crate::description::activation(&config.model.activation)?,
    };
    let mut rng = generator(config.seed, Stream::Weights);
    let network = Network::initialize(shape, &mut rng, &device)?;
    let held_out = match &dataset.held_out {
        Some(points) => Some(HeldOut::new(points, config.seed, &device)?),
        None => None,
    };
    let mut batches = Batches::new(config.seed, config.train.batch_size);
    let variables = network.variables();
    let mut optimizer = adam(variables.clone(), config.train.learning_rate)?;
    let iterations = config.train.iterations;
    let per_row = iterations.div_ceil(ROWS);
    let mut losses: Vec<f64> = Vec::new();
    let start = Instant::now();
    for iteration in 1..=iterations {
        let (supervision, c) = batches.next(&mut dataset.target, &device)?;
        let loss = loss(&network, &supervision, &c)?;
        let gradients = loss.backward()?;
        let loss = f64::from(loss.to_scalar::<f32>()?);
        if !loss.is_finite() {
            return Err(diverged(config, &format!("the loss is {loss} at iteration {iteration}")));
        }
        optimizer.step(&gradients)?;
        losses.push(loss);
        monitor.iteration(iteration, loss);
        let last = iteration == iterations || monitor.stops();
        if iteration % per_row == 0 || last {
            let since = losses.len() - (iteration - 1) % per_row - 1;
            let row = &losses[since..];
            let judged = (iteration / per_row).is_multiple_of(ROWS_PER_HELD_OUT) || last;
            monitor.measured(&Measurement {
                iteration,
                loss: row.iter().sum::<f64>() / row.len() as f64,
                held_out_loss: match &held_out {
                    Some(held_out) if judged => Some(held_out.loss(&network)?),
                    _ => None,
                },
                learning_rate: config.train.learning_rate,
                gradient_norm: norm(&variables, &gradients)?,
                seconds: start.elapsed().as_secs_f64(),
            })?;
        }
        if last {
            break;
        }
    }
    // The loss comes before the step: the last step is seen here.
    for (name, tensor) in network.tensors() {
        let sum = tensor.abs()?.sum_all()?.to_scalar::<f32>()?;
        if !sum.is_finite() {
            let iteration = losses.len();
            return Err(diverged(config, &format!("{name} is {sum} after iteration {iteration}")));
        }
    }
    Ok(Trained { network, losses, seconds: start.elapsed().as_secs_f64() })
}

fn diverged(config: &Config, what: &str) -> Error {
    anyhow!(
        "training diverged: {what}. Try a smaller learning rate (it is {:e}), a larger batch (it is \
         {}), or look for outliers in the data",
        config.train.learning_rate,
        config.train.batch_size
    )
}

/// Adam as PyTorch has it: candle's AdamW without weight decay.
///
/// # Errors
///
/// candle's.
pub fn adam(variables: Vec<Var>, learning_rate: f64) -> Result<AdamW> {
    let parameters = ParamsAdamW { lr: learning_rate, weight_decay: 0.0, ..ParamsAdamW::default() };
    Ok(AdamW::new(variables, parameters)?)
}

/// The flow-matching loss of a batch: a scalar.
///
/// # Errors
///
/// candle's, on shapes that do not match.
pub fn loss(network: &Network, supervision: &Supervision, c: &Tensor) -> Result<Tensor> {
    let predicted = network.velocity(&supervision.t, &supervision.x_t, c)?;
    Ok(mean_squared_error(&predicted, &supervision.velocity)?)
}

/// Where the tensors live.
///
/// # Errors
///
/// When the device does not exist here; the message says what to do.
pub fn device(name: &str) -> Result<Device> {
    match name {
        "cpu" => Ok(Device::Cpu),
        "auto" => Ok(Device::cuda_if_available(0)?),
        "cuda" if cfg!(feature = "cuda") => {
            Device::new_cuda(0).context("cannot use the CUDA device 0")
        }
        "cuda" => bail!(
            "this build has no CUDA: build with `--features flowlet-trainer/cuda`, or train with \
             --device cpu"
        ),
        _ => bail!("no device is called {name:?}: expected auto, cpu or cuda"),
    }
}

/// The batches of a run.
struct Batches {
    coupling: Independent,
    times: ChaCha8Rng,
    size: usize,
}

impl Batches {
    fn new(seed: u64, size: usize) -> Self {
        Self {
            coupling: Independent::new(generator(seed, Stream::Source)),
            times: generator(seed, Stream::Time),
            size,
        }
    }

    /// What the network should answer to, and the conditions (`[B, C]`).
    fn next(&mut self, target: &mut Target, device: &Device) -> Result<(Supervision, Tensor)> {
        let points = target.next_batch(self.size);
        self.supervise(&points, device)
    }

    fn supervise(&mut self, points: &Points, device: &Device) -> Result<(Supervision, Tensor)> {
        let (rows, columns) = (points.x.rows(), points.x.columns());
        let x_0 = self.coupling.source(points.x.values());
        let x_0 = Tensor::from_vec(x_0, (rows, columns), device)?;
        let x_1 = Tensor::from_slice(points.x.values(), (rows, columns), device)?;
        let t: Vec<f32> = (0..rows).map(|_| self.times.random()).collect();
        let t = Tensor::from_vec(t, (rows, 1), device)?;
        // Not every device can hold a tensor of nothing.
        let home = if points.c.columns() == 0 { &Device::Cpu } else { device };
        let c = Tensor::from_slice(points.c.values(), (rows, points.c.columns()), home)?;
        Ok((linear(&x_0, &x_1, &t)?, c))
    }
}

/// Held-out points with noise and times that stay the same, so that the loss falls or rises by the
/// network alone.
struct HeldOut {
    supervision: Supervision,
    c: Tensor,
}

impl HeldOut {
    fn new(points: &Points, seed: u64, device: &Device) -> Result<Self> {
        let mut batches = Batches {
            coupling: Independent::new(generator(seed, Stream::HeldOutSource)),
            times: generator(seed, Stream::HeldOutTime),
            size: points.x.rows(),
        };
        let (supervision, c) = batches.supervise(points, device)?;
        Ok(Self { supervision, c })
    }

    fn loss(&self, network: &Network) -> Result<f64> {
        Ok(f64::from(loss(network, &self.supervision, &self.c)?.to_scalar::<f32>()?))
    }
}

/// The Euclidean norm of all gradients together.
fn norm(variables: &[Var], gradients: &GradStore) -> Result<f64> {
    let mut squares = 0.0;
    for gradient in variables.iter().filter_map(|variable| gradients.get(variable)) {
        squares += f64::from(gradient.sqr()?.sum_all()?.to_scalar::<f32>()?);
    }
    Ok(squares.sqrt())
}
