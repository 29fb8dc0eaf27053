//! `flowlet evaluate`: how good a model's samples are, and what they cost.

mod table;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueHint;
use flowlet::SolverKind;

use self::table::{Format, write};
use super::bar::parts;
use super::between::between;
use super::losses::measurements;
use super::output::{Force, file_or_stdout, open_any};
use super::real;
use crate::config::words::{MOST_STEPS, solver_parser};
use crate::coupling::dataset::Real;
use crate::coupling::source::Source;
use crate::data::Matrix;
use crate::data::table_options::TableOptions;
use crate::disk::memory;
use crate::disk::names::{CONFIG_FILE, METRICS_FILE};
use crate::disk::output::Output;
use crate::disk::run_directory::files_of_run;
use crate::judge::evaluation::{MOST_ASSIGNED, Plan, Subject, evaluate};
use crate::judge::losses::Overfitting;
use crate::model::{Model, cost};
use crate::quantize::file::AnyModel;

/// What is not measured of an integer model itself.
const OF_FLOATS: &str = "the held-out loss, the path energy and the likelihood are those of a float network with the \
                         integer model's weights";

/// The most points in one dimension, whose distance is computed by sorting.
const MOST_SORTED: usize = 100_000_000;

const EXAMPLES: &str = "\
Examples:
  flowlet evaluate runs/moons
  flowlet evaluate runs/moons --solver euler,midpoint --steps 1,2,4,8 \\
      --out moons.csv
  flowlet evaluate model.safetensors --data held-out.csv";

/// Measure how good a model's samples are, and what they cost
///
/// Compares samples with data that the model was not trained on, for each solver and number of steps: by exact
/// Wasserstein distances, by the energy distance without bias, by a classifier that tells samples from the file's rows,
/// and column by column. The distances between two sets of real data are what a perfect model gets.
///
/// For a model with conditions, distances are over conditions and data together, each column in standard deviations;
/// then for each class, over the data alone. For a run, it says whether samples repeat training rows and whether the
/// run overfits.
///
/// The last line names the solver with the fewest evaluations that is as good as the best: by its energy, by the
/// classifier and by each column's deviation. If there are too few rows to know, it says so.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run: a float model or an integer one
    model: PathBuf,
    /// Data to compare with: a preset, or a file with the model's columns; - is standard input (text or NPY) [default:
    /// the rows that the run held out, found by the config.toml beside the model]
    #[arg(long, value_name = "PRESET|FILE", value_hint = ValueHint::AnyPath)]
    data: Option<String>,
    /// Numbers of solver steps, separated by commas
    #[arg(
        long,
        value_name = "N",
        value_delimiter = ',',
        default_values_t = [1, 2, 4, 8, 16, 50],
        value_parser = between(1, MOST_STEPS)
    )]
    steps: Vec<usize>,
    /// Integration methods, separated by commas [default: the one that the model was made for]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = solver_parser())]
    solver: Vec<SolverKind>,
    /// Number of samples, and the most points of data; at most 10000, unless the model has one dimension and no
    /// conditions [default: 4000, and 2000 for W1 and W2; 100000 for one dimension without conditions]
    #[arg(short, value_name = "N", value_parser = between(1, MOST_SORTED))]
    n: Option<usize>,
    /// Seed of the starting points and of the choice of data
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Energy above the best that the last line still accepts, in per cent of the best
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    within: f64,
    /// Target chip, such as thumbv7em: adds the instructions of a sample to the advice. `flowlet inspect` lists the chips
    #[arg(long, value_name = "CHIP")]
    chip: Option<String>,
    /// Units of the distances [default: data for a preset, deviations for a file and for a model with conditions]
    #[arg(long, value_name = "UNITS")]
    units: Option<DistanceUnits>,
    /// Output format [default: by the extension of --out, or text]
    #[arg(long, value_name = "FORMAT")]
    format: Option<Format>,
    /// Output file: .txt, .csv or .json; - is standard output [default: -]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
    #[command(flatten)]
    table: TableOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum DistanceUnits {
    /// The units of the data
    Data,
    /// Standard deviations of each column
    Deviations,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    ensure!(args.within >= 0.0, "--within {}: expected a percentage of 0 or more", args.within);
    let opened = open_any(&args.model)?;
    let model = opened.floats();
    let mut inputs = real::inputs(model, args.data.as_deref());
    inputs.extend(files_of_run(&model.path, &[]));
    let output = file_or_stdout(args.out.as_deref(), &args.force, &inputs)?;
    let format = format(args.format, &output)?;
    ensure!(
        args.chip.is_none() || !matches!(opened, AnyModel::Integer(_)),
        "--chip: the instructions that are known are those of floats, and this is an integer model: leave --chip out. \
         runtime/assembly/README.md has what the model mixture takes in whole numbers"
    );
    let chip = args.chip.as_ref().map(|chip| cost::on_chip(&model.shape(), chip)).transpose();
    let chip = chip.context("--chip")?;
    let (real, source) = data(args, model)?;
    let units = model.units()?;
    let conditions = model.condition_columns();

    let plain = model.mlp.data_dim() == 1 && model.mlp.condition_dim() == 0;
    let points = args.n.unwrap_or(if plain { 100_000 } else { 2000 });
    let samples = args.n.unwrap_or(if plain { 100_000 } else { 4000 });
    ensure!(
        plain || points <= MOST_ASSIGNED,
        "-n {points}: exact distances take at most {MOST_ASSIGNED} points, unless the model has one dimension and \
         no conditions"
    );
    // The samples, two sets of data, their sorted copies, and the sampler's buffers.
    let width = model.mlp.data_dim() + model.mlp.condition_dim();
    memory::check(
        32.0 * width as f64 * points as f64,
        &format!("-n {points}"),
        "choose a smaller -n",
    )?;
    let is_file = matches!(real, Real::Rows { .. });
    let in_deviations = match args.units {
        Some(DistanceUnits::Data) if model.mlp.condition_dim() > 0 => {
            bail!(
                "--units data: a model with conditions is measured in deviations; leave --units out"
            )
        }
        Some(units) => units == DistanceUnits::Deviations,
        None => is_file,
    };
    let solvers =
        if args.solver.is_empty() { vec![model.solver_kind()] } else { args.solver.clone() };
    let plan = Plan {
        solvers,
        steps: args.steps.clone(),
        points,
        samples,
        seed: args.seed,
        standardize: in_deviations,
        within: args.within,
        instructions: chip.as_ref().map(|chip| chip.instructions),
    };
    let draw = |kind, steps, x_0: &Matrix, c: &Matrix| opened.sample(kind, steps, x_0, c);
    let subject = Subject {
        model,
        draw: &draw,
        real: &real,
        units: &units,
        source: &source,
        conditions: &conditions,
        overfitting: Overfitting::find(
            &measurements(&model.path.with_file_name(METRICS_FILE), &mut Vec::new()),
            model.description.kept_iteration,
        ),
    };
    let bar = parts(plan.solvers.len() * plan.steps.len())?;
    let evaluation = evaluate(&subject, &plan, || bar.inc(1));
    bar.finish_and_clear();
    let mut evaluation = evaluation.with_context(|| model.path.display().to_string())?;
    if matches!(opened, AnyModel::Integer(_)) {
        evaluation.notes.push(OF_FLOATS.to_string());
    }
    let chip = chip.as_ref().map(|chip| chip.target.as_str());
    let text = write(&args.model.display().to_string(), &evaluation, format, chip)?;
    output.write(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the real data that samples are compared with, and the source distribution of the model.
fn data(args: &Args, model: &Model) -> Result<(Real, Source)> {
    if let Some(name) = &args.data {
        return Ok((real::named(name, model, args.table)?, real::source(model)?));
    }
    let (config, dataset) = real::read(model)?.with_context(|| {
        format!(
            "there is no {CONFIG_FILE} beside {}, so its data are unknown: give --data a preset or a file",
            model.path.display()
        )
    })?;
    real::check(model, &config, &dataset)?;
    Ok((dataset.real, dataset.source))
}

/// Returns the format of `--format`, or the one that belongs to the output file's extension.
fn format(said: Option<Format>, output: &Output) -> Result<Format> {
    let extension = output.path().extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match (said, extension.as_str()) {
        (Some(said), _) => Ok(said),
        (None, "txt") => Ok(Format::Text),
        (None, "csv") => Ok(Format::Csv),
        (None, "json") => Ok(Format::Json),
        _ if output.file().is_none() => Ok(Format::Text),
        _ => bail!(
            "{}: expected a name that ends in .csv, .json or .txt; or give --format",
            output.path().display()
        ),
    }
}
