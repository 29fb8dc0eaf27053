//! `flowlet evaluate`: how good a model's samples are, and what they cost.

mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::ValueHint;
use flowlet::SolverKind;

use self::table::{Format, write};
use super::bar::parts;
use super::between::between;
use super::output::{Force, file_or_stdout, open};
use super::real;
use crate::config::words::{MOST_STEPS, solver_parser};
use crate::coupling::dataset::Real;
use crate::coupling::source::Source;
use crate::disk::memory;
use crate::disk::names::CONFIG_FILE;
use crate::disk::output::Output;
use crate::disk::run_directory::files_of_run;
use crate::judge::evaluation::{MOST_ASSIGNED, Plan, Subject, evaluate};
use crate::model::Model;

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
/// Measures the distances between samples and data that the model was not trained on, for each solver and number of
/// steps. Beside them is the floor: the same distances between two sets of real data.
///
/// W1 and W2 are exact. For a model with conditions, distances are over conditions and data together, each column in
/// standard deviations; then for each class, over the data alone. The last line names the fewest evaluations whose
/// distance is close to the best.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run
    model: PathBuf,
    /// Data to compare with: a preset, or a file with the model's columns; - is standard input (CSV or NPY) [default:
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
    /// Number of samples, and of points of data; at most 10000, unless the model has one dimension and no
    /// conditions [default: 2000; 100000 for one dimension without conditions]
    #[arg(short, value_name = "N", value_parser = between(1, MOST_SORTED))]
    n: Option<usize>,
    /// Seed of the starting points and of the choice of data
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Distance from the best that the last line still accepts, in per cent of the best
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    within: f64,
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
    let model = open(&args.model)?;
    let mut inputs = real::inputs(&model, args.data.as_deref());
    inputs.extend(files_of_run(&model.path, &[]));
    let output = file_or_stdout(args.out.as_deref(), &args.force, &inputs)?;
    let format = format(args.format, &output)?;
    let (real, source) = data(args, &model)?;
    let units = model.units()?;
    let conditions = model.condition_columns();

    let plain = model.mlp.data_dim() == 1 && model.mlp.condition_dim() == 0;
    let points = args.n.unwrap_or(if plain { 100_000 } else { 2000 });
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
        seed: args.seed,
        standardize: in_deviations,
        within: args.within,
    };
    let subject = Subject {
        model: &model,
        real: &real,
        units: &units,
        source: &source,
        conditions: &conditions,
    };
    let bar = parts(plan.solvers.len() * plan.steps.len())?;
    let evaluation = evaluate(&subject, &plan, || bar.inc(1));
    bar.finish_and_clear();
    let evaluation = evaluation.with_context(|| model.path.display().to_string())?;
    let text = write(&args.model.display().to_string(), &evaluation, format)?;
    output.write(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the real data that samples are compared with, and the source distribution of the model.
fn data(args: &Args, model: &Model) -> Result<(Real, Source)> {
    if let Some(name) = &args.data {
        return Ok((real::named(name, model)?, real::source(model)?));
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
