//! `flowlet bench`: how fast this machine samples a model, or trains one.

mod training;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use flowlet::{ActivationKind, SolverKind};

use super::between::between;
use super::output::{condition, open_any, print};
use crate::config::list::List;
use crate::config::preset;
use crate::config::words::{DeviceKind, MOST_STEPS, solver_parser};
use crate::coupling::dataset::Units;
use crate::data::random::{Stream, generator};
use crate::disk::memory;
use crate::judge::speed::{Speed, measure};
use crate::model::description::Description;
use crate::model::{Model, export};
use crate::network::{Network, Shape};
use crate::quantize::file::AnyModel;
use crate::quantize::sampler::Sampler;
use crate::quantize::speed as integer;
use crate::report::numbers::thousands;

/// The most samples in a batch.
const MOST_SAMPLES: usize = 100_000_000;

const EXAMPLES: &str = "\
Examples:
  flowlet bench runs/mixture
  flowlet bench model.safetensors -n 10000 --steps 4 --threads 1 --json
  flowlet bench --hidden-width 512 --hidden-layers 3 -n 10000 --steps 10
  flowlet bench --training --hidden-width 512 --hidden-layers 3 --batch-size 1024";

/// Data dimensions of the networks that are measured by their sizes.
const DATA_DIM: usize = 2;

/// Measure how fast this machine samples a model, or trains one
///
/// Measures a batch of samples, and one sample alone: of a model file, or of a network of 2 data dimensions
/// with random weights and the sizes that you give. With --training, measures the iterations of training a
/// network of these sizes. Times are medians of several runs, without reading or writing files.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run: a float model or an integer one
    #[arg(required_unless_present_any = ["training", "hidden_width"], conflicts_with_all = ["training", "hidden_width"])]
    model: Option<PathBuf>,
    /// Units in each hidden layer, H, of a network with random weights [default with --training: 64]
    #[arg(long, value_name = "H", value_parser = between(1, 1 << 14))]
    hidden_width: Option<usize>,
    /// Hidden-to-hidden layers, L, of that network [default: 1]
    #[arg(long, value_name = "L", value_parser = between(0, 1024), conflicts_with = "model")]
    hidden_layers: Option<usize>,
    /// Measure training instead of sampling
    #[arg(long, conflicts_with_all = ["n", "steps", "solver", "condition"])]
    training: bool,
    /// Pairs of noise and data in each iteration of training
    #[arg(long, value_name = "N", default_value = "256", value_parser = between(1, 1 << 24), requires = "training")]
    batch_size: usize,
    /// Samples in the batch
    #[arg(short, value_name = "N", default_value = "100000", value_parser = between(1, MOST_SAMPLES))]
    n: usize,
    /// Solver steps for each sample
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = between(1, MOST_STEPS))]
    steps: usize,
    /// Integration method [default: the one that the model was made for]
    #[arg(long, value_name = "NAME", value_parser = solver_parser())]
    solver: Option<SolverKind>,
    /// Threads that share the work [default: one for each core]
    #[arg(long, value_name = "N", value_parser = between(1, 1024))]
    threads: Option<usize>,
    /// Condition of all samples: a value for each condition column, or all C numbers, separated by commas. It
    /// does not change the time [default: the null condition]
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true)]
    condition: Option<List>,
    /// Approximate time to measure, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(..=86_400))]
    seconds: u64,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if args.training {
        return run_training(args);
    }
    let opened = match &args.model {
        Some(path) => open_any(path)?,
        None => AnyModel::Float(Box::new(random_model(args)?)),
    };
    let model = opened.floats().clone();
    let sampler = Sampler::new(opened, args.solver, Some(args.steps), None).context("--steps")?;
    let c = match &args.condition {
        Some(cells) => condition(&model, Some(cells))?.row(0).to_vec(),
        None => model.mlp.null_condition().to_vec(),
    };
    // Starting points, conditions, samples, and the threads' buffers.
    let values = 3 * model.mlp.data_dim() + model.mlp.condition_dim();
    memory::check(
        4.0 * values as f64 * args.n as f64,
        &format!("-n {}", args.n),
        "choose a smaller -n",
    )?;
    let pool = pool(args)?;
    let time = Duration::from_secs(args.seconds);
    let speed = pool.install(|| match &sampler {
        Sampler::Float(model, solver) => measure(model, solver, args.n, &c, time),
        Sampler::Integer(file, solver) => integer::measure(file, solver, args.n, &c, time),
    });
    let text = if args.json {
        serde_json::to_string(&speed)? + "\n"
    } else {
        describe(&speed, sampler.kind())
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Measures the training of a network of the given sizes.
fn run_training(args: &Args) -> Result<ExitCode> {
    let mut config = preset("moons").context("the preset moons")?;
    if let Some(width) = args.hidden_width {
        config.model.hidden_width = width;
    }
    if let Some(layers) = args.hidden_layers {
        config.model.hidden_layers = layers;
    }
    config.train.batch_size = args.batch_size;
    config.train.device = DeviceKind::Cpu;
    // The time ends the training.
    config.train.iterations = 1_000_000_000;
    config.check()?;
    let time = Duration::from_secs(args.seconds);
    let speed = pool(args)?.install(|| training::measure(&config, time))?;
    let text =
        if args.json { serde_json::to_string(&speed)? + "\n" } else { training::describe(&speed) };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The threads that share the work.
fn pool(args: &Args) -> Result<rayon::ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(args.threads.unwrap_or(0)).build()?)
}

/// A model of the given sizes with random weights.
fn random_model(args: &Args) -> Result<Model> {
    let shape = Shape {
        data_dim: DATA_DIM,
        condition_dim: 0,
        hidden_width: args.hidden_width.unwrap_or(64),
        hidden_layers: args.hidden_layers.unwrap_or(1),
        activation: ActivationKind::Gelu,
    };
    memory::check(
        8.0 * shape.parameters() as f64,
        "a network of these sizes",
        "choose a smaller --hidden-width or --hidden-layers",
    )?;
    let network = Network::initialize(shape, &mut generator(0, Stream::Weights));
    let file = export(&network, &Units::identity(DATA_DIM, 0), &Description::default())?;
    Model::parse(&file.to_bytes()?, PathBuf::from("a network with random weights"))
}

fn describe(speed: &Speed, kind: SolverKind) -> String {
    let Speed { samples, steps, threads, runs, batch_seconds, .. } = speed;
    let step = if *steps == 1 { "step" } else { "steps" };
    let thread = if *threads == 1 { "thread" } else { "threads" };
    let share = speed.peak_share.map_or(String::new(), |share| {
        format!(", {:.0} % of the peak of separate multiplications and additions", 100.0 * share)
    });
    format!(
        "{} samples in {steps} {step} of {kind}, {threads} {thread}; medians of {runs} runs\n  \
         batch       {batch_seconds:.4} s, {:.3} µs a sample\n  \
         network     {} evaluations a second{share}\n  \
         one sample  {:.2} µs by itself, on one core\n",
        thousands(*samples),
        batch_seconds / *samples as f64 * 1e6,
        thousands(format!("{:.0}", speed.evaluations_per_second)),
        speed.single_microseconds
    )
}
