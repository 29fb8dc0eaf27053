//! `flowlet evaluate`: how good a model's samples are, and what they cost.

mod table;

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use flowlet::SolverKind;
use indicatif::{ProgressBar, ProgressStyle};

use self::table::{Format, write};
use super::output::{condition_columns, data_columns, note, open, write_text};
use crate::config::{Config, check_steps};
use crate::data::{Matrix, Points, RowsOptions, Standardization, load, load_conditions, preset};
use crate::dataset::{Dataset, Real, Units};
use crate::description::solver;
use crate::evaluation::{MOST_ASSIGNED, Plan, Subject, evaluate};
use crate::model::Model;
use crate::run_directory::CONFIG_FILE;
use crate::self_test::affine;
use crate::source::Source;

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
    let units = units(&model)?;
    let conditions = condition_columns(&model);

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
    let bar = bar(plan.solvers.len() * plan.steps.len())?;
    let evaluation = evaluate(&subject, &plan, || bar.inc(1));
    bar.finish_and_clear();
    let evaluation = evaluation.with_context(|| model.path.display().to_string())?;
    let text = write(&args.model.display().to_string(), &evaluation, format)?;
    write_text(args.out.as_deref(), &text)?;
    Ok(ExitCode::SUCCESS)
}

fn bar(lines: usize) -> Result<ProgressBar> {
    if !io::stderr().is_terminal() {
        return Ok(ProgressBar::hidden());
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {eta} left")?;
    Ok(ProgressBar::new(lines as u64).with_style(style))
}

/// What the model is held against, and where its paths begin.
fn data(args: &Args, model: &Model) -> Result<(Real, Source)> {
    let Some(name) = &args.data else {
        let path = model.path.with_file_name(CONFIG_FILE);
        ensure!(
            path.exists(),
            "{} has no {CONFIG_FILE} beside it that names its data: give --data",
            model.path.display()
        );
        let dataset = Dataset::open(&Config::read(&path)?)
            .with_context(|| format!("the data of {}; --data takes other", path.display()))?;
        for warning in &dataset.warnings {
            note(format_args!("warning: {warning}"));
        }
        let found = (dataset.data_dim(), dataset.condition_dim());
        let expected = (model.mlp.data_dim(), model.mlp.condition_dim());
        ensure!(
            found == expected,
            "{} describes {} data columns and {} conditions, but the model has {} and {}",
            path.display(),
            found.0,
            found.1,
            expected.0,
            expected.1
        );
        return Ok((dataset.real, dataset.source));
    };
    let real = match preset(name) {
        Some(distribution) => {
            let found = (distribution.data_dim(), distribution.classes());
            let (data_dim, conditions) = (model.mlp.data_dim(), model.mlp.condition_dim());
            ensure!(
                found.0 == data_dim && (conditions == 0 || conditions == found.1),
                "--data {name}: the model has {data_dim} data columns and {conditions} conditions, \
                 {name} has {} and {} classes",
                found.0,
                found.1
            );
            Real::Distribution { distribution, by_class: conditions > 0 }
        }
        None => file(Path::new(name), model).context("--data")?,
    };
    Ok((real, model.source()?))
}

/// A file with the model's columns.
fn file(path: &Path, model: &Model) -> Result<Real> {
    let names = data_columns(model);
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let named = matches!(extension.as_str(), "csv" | "tsv");
    let conditions = condition_columns(model);
    ensure!(
        named || conditions.is_empty(),
        "{}: expected a CSV file with the columns of the data and the conditions, by name",
        path.display()
    );
    let options = RowsOptions { data: named.then(|| names.clone()), ..RowsOptions::default() };
    let x = load(path, &options)?.points.x;
    ensure!(
        x.columns() == names.len(),
        "{}: expected the {} columns of the data, found {}",
        path.display(),
        names.len(),
        x.columns()
    );
    let c = if conditions.is_empty() {
        Matrix::new(Vec::new(), x.rows(), 0)
    } else {
        load_conditions(path, &conditions)?
    };
    Ok(Real::Rows { train: Points::default(), held_out: Points { x, c } })
}

fn units(model: &Model) -> Result<Units> {
    let (mean, scale) = affine(&model.file, "condition", model.mlp.condition_dim())?;
    Ok(Units { data: model.data_units()?, condition: Standardization { mean, scale } })
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
