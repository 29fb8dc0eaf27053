//! `flowlet evaluate`: how good a model's samples are, and what they cost.

mod table;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use flowlet::SolverKind;

use self::table::{Format, write};
use super::bar::parts;
use super::output::{open, write_text};
use super::real;
use crate::config::words::check_steps;
use crate::config::words::solver;
use crate::coupling::dataset::Real;
use crate::coupling::source::Source;
use crate::disk::names::CONFIG_FILE;
use crate::judge::evaluation::{MOST_ASSIGNED, Plan, Subject, evaluate};
use crate::model::Model;

/// Hold a model's samples against data that it was not trained on: distances by solver and number
/// of evaluations, each beside its floor, the same distance between two sets of real data.
///
/// W1 and W2 are exact. With conditions, distances are over conditions and data together, each
/// column in standard deviations, and class by class over data alone. The last line says how few
/// evaluations come near enough to the best.
///
/// Examples:
///   flowlet evaluate runs/moons
///   flowlet evaluate runs/moons --solver euler,midpoint --steps 1,2,4,8 --out moons.csv
///   flowlet evaluate model.safetensors --data held-out.csv
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A model file or a run's directory
    model: PathBuf,
    /// A preset, or a file with the model's columns [default: what the run held out, by the
    /// config.toml beside the model]
    #[arg(long, value_name = "PRESET|FILE")]
    data: Option<String>,
    /// Solver steps, separated by commas
    #[arg(
        long,
        value_name = "N",
        value_delimiter = ',',
        default_values_t = [1, 2, 4, 8, 16, 50]
    )]
    steps: Vec<usize>,
    /// euler, midpoint, heun, rk4 or ab2, separated by commas [default: as the model was made for]
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = solver)]
    solver: Vec<SolverKind>,
    /// Samples, and as many points of data [default: 2000, at most 10000; on a line without
    /// conditions 100000]
    #[arg(short, value_name = "N")]
    n: Option<NonZeroUsize>,
    /// Of the starting points and the choice of data
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,
    /// How much farther than the best is near enough, in per cent
    #[arg(long, value_name = "PERCENT", default_value_t = 5.0)]
    within: f64,
    /// data or deviations: what distances are in [default: data for a preset, deviations for a file;
    /// with conditions always deviations]
    #[arg(long, value_name = "UNITS")]
    units: Option<DistanceUnits>,
    /// text, csv or json [default: as --out is called, or text]
    #[arg(long, value_name = "NAME")]
    format: Option<Format>,
    /// Where to [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum DistanceUnits {
    Data,
    Deviations,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let format = format(args.format, args.out.as_deref())?;
    for &steps in &args.steps {
        check_steps(steps).context("--steps")?;
    }
    ensure!(args.within >= 0.0, "--within {}: expected per cent, 0 or more", args.within);
    let model = open(&args.model)?;
    let (real, source) = data(args, &model)?;
    let units = model.units()?;
    let conditions = model.condition_columns();

    let plain = model.mlp.data_dim() == 1 && model.mlp.condition_dim() == 0;
    let points = args.n.map_or(if plain { 100_000 } else { 2000 }, NonZeroUsize::get);
    ensure!(
        plain || points <= MOST_ASSIGNED,
        "-n {points}: exact distances take at most {MOST_ASSIGNED} points, except on a line"
    );
    let is_file = matches!(real, Real::Rows { .. });
    let in_deviations = match args.units {
        Some(DistanceUnits::Data) if model.mlp.condition_dim() > 0 => {
            bail!("--units data: with conditions distances are in deviations")
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
    write_text(args.out.as_deref(), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// What the model is held against, and where its paths begin.
fn data(args: &Args, model: &Model) -> Result<(Real, Source)> {
    if let Some(name) = &args.data {
        return Ok((real::named(name, model)?, model.source()?));
    }
    let (_, dataset) = real::of_run(model)?.with_context(|| {
        format!(
            "{} has no {CONFIG_FILE} beside it that names its data: give --data",
            model.path.display()
        )
    })?;
    Ok((dataset.real, dataset.source))
}

/// As it is said, or as the file is called.
fn format(said: Option<Format>, out: Option<&Path>) -> Result<Format> {
    let Some(out) = out else { return Ok(said.unwrap_or(Format::Text)) };
    let extension = out.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match (said, extension.as_str()) {
        (Some(said), _) => Ok(said),
        (None, "txt") => Ok(Format::Text),
        (None, "csv") => Ok(Format::Csv),
        (None, "json") => Ok(Format::Json),
        _ => bail!("{}: expected a name that ends in .csv, .json or .txt", out.display()),
    }
}
