//! `flowlet tune`: fits the times of a few steps to a model.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use flowlet::SolverKind;

use super::between::between;
use super::output::{Force, note, open, say, source, starts};
use crate::config::words::solver_parser;
use crate::data::random::{Stream, choose, generator};
use crate::data::table_options::TableOptions;
use crate::data::{Matrix, load_conditions};
use crate::disk::names::{GOLDEN_FILE, MODEL_FILE};
use crate::disk::output::Output;
use crate::disk::run_directory::files_of_run;
use crate::judge::golden::Golden;
use crate::model::Model;
use crate::model::self_test::affine;
use crate::model::tuning::{Tuned, apply, conditions, tune};
use crate::report::numbers::{count, thousands};

const EXAMPLES: &str = "\
Examples:
  flowlet tune runs/moons --steps 6 --force
  flowlet tune runs/moons --steps 3 --solver midpoint --out moons3.safetensors
  flowlet tune runs/mapped --steps 4 --x0 starts.csv --force";

/// Fit the times of a few solver steps to a model
///
/// Searches the times at which N steps end nearest to the true ends of the paths from the model's source. Writes the
/// times, the solver and the number of steps into the model file. The weights stay as they are. Golden outputs beside
/// the file are renewed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run
    model: PathBuf,
    /// Number of solver steps
    #[arg(long, value_name = "N", value_parser = between(1, 10_000))]
    steps: usize,
    /// Integration method [default: the one that the model was made for]
    #[arg(long, value_name = "NAME", value_parser = solver_parser())]
    solver: Option<SolverKind>,
    /// Table with rows of conditions, used in turn; - is standard input (text or NPY)
    /// [default: every category, and numbers distributed as in training]
    #[arg(long, value_name = "FILE")]
    conditions: Option<PathBuf>,
    /// Table with starting points: in flow units, or in data units if the model was trained
    /// with --source; - is standard input (text or NPY) [default: draws from the model's source; required if that is a
    /// file]
    #[arg(long, value_name = "FILE")]
    x0: Option<PathBuf>,
    /// Number of starting points. The search uses one half, and the printed error is measured on the other [default:
    /// 4096, or all rows of --x0 if they are fewer]
    #[arg(long, value_name = "N", value_parser = between(2, 1_000_000))]
    points: Option<usize>,
    /// Seed of the starting points, and of the choice of rows of --x0
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Output file; - is standard output [default: MODEL itself, in place, which needs --force]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
    #[command(flatten)]
    table: TableOptions,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let model = open(&args.model)?;
    let out = args.out.as_ref().unwrap_or(&model.path);
    let inputs: Vec<PathBuf> = args.conditions.iter().chain(&args.x0).cloned().collect();
    let of_run = |except| [inputs.clone(), files_of_run(&model.path, &[except])].concat();
    let output = Output::open(out, args.force.force, &of_run(MODEL_FILE))?;
    let goldens = goldens_beside(&output, &args.force, &of_run(GOLDEN_FILE))?;
    let kind = args.solver.unwrap_or(model.solver_kind());
    let x_0 = starting_points(args, &model)?;
    let c = conditions_for(args, &model, x_0.rows())?;
    let tuned = tune(&model.mlp, kind, args.steps, &x_0, &c)?;
    if args.steps == 1 {
        note(format_args!("a single step has nothing to tune: it always goes from t = 0 to 1"));
    }

    let mut file = model.file.clone();
    apply(&mut file, kind, &tuned.times)?;
    let bytes = file.to_bytes()?;
    let written = Model::parse(&bytes, out.clone()).context("the tuned model is not valid")?;
    // Made before anything is written: goldens of another model cannot be renewed.
    let renew = |(golden, mut outputs): (Output, Golden)| {
        outputs.renew(&written).with_context(|| format!("cannot renew {}", golden.name()))?;
        Ok((golden, outputs.to_bytes()?))
    };
    let goldens: Vec<(Output, Vec<u8>)> = goldens.into_iter().map(renew).collect::<Result<_>>()?;
    output.write(&bytes)?;
    goldens.iter().try_for_each(|(golden, bytes)| golden.write(bytes))?;
    let golden: Vec<&Path> = goldens.iter().map(|(golden, _)| golden.path()).collect();
    let name = match (&args.x0, &model.description.source) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(name)) => name.clone(),
        (None, None) => "noise".to_string(),
    };
    let starts = format!("{} of {name}", count(x_0.rows(), "point"));
    say(&output, &report(&output, kind, &starts, &tuned, &golden)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The number of starting points if `--points` is not given.
const POINTS: usize = 4096;

/// Returns the starting points in flow units, `[points][D]`: draws from the model's source, or rows of `--x0`.
fn starting_points(args: &Args, model: &Model) -> Result<Matrix> {
    let Some(path) = &args.x0 else {
        let points = args.points.unwrap_or(POINTS);
        return Ok(source(model)?.starts(args.seed, points, model.mlp.data_dim()));
    };
    let all = starts(model, path, args.table)?;
    let points = args.points.unwrap_or(POINTS.min(all.rows()));
    ensure!(
        points >= 2 && points <= all.rows(),
        "--x0: expected at least {} starting points, found {}",
        points.max(2),
        all.rows()
    );
    // Rows are chosen at random, since the first ones may not be typical. No row is taken twice: the halves must differ.
    Ok(all.select(&choose(all.rows(), points, &mut generator(args.seed, Stream::Starts))))
}

/// Returns a row of conditions for each starting point, `[points][C]`.
fn conditions_for(args: &Args, model: &Model, points: usize) -> Result<Matrix> {
    let columns = model.condition_columns();
    let Some(path) = &args.conditions else {
        let (mean, scale) = affine(&model.file, "condition", model.mlp.condition_dim())?;
        return Ok(conditions(&columns, (&mean, &scale), points, args.seed.wrapping_add(1)));
    };
    if model.mlp.condition_dim() == 0 {
        bail!("the model has no conditions: leave --conditions out");
    }
    let rows = load_conditions(path, &columns, args.table)?;
    ensure!(rows.rows() > 0, "{} has no rows", path.display());
    // Points 2k and 2k + 1 are in different halves and take the same row, so both halves see every row.
    Ok(rows.select(&(0..points).map(|point| point / 2 % rows.rows()).collect::<Vec<_>>()))
}

/// Returns the golden outputs beside a run's model, and where to write the new ones. If the model is a link, both those
/// beside the link and those beside the file that is written, since `verify` may be given either.
fn goldens_beside(
    model: &Output,
    force: &Force,
    inputs: &[PathBuf],
) -> Result<Vec<(Output, Golden)>> {
    let mut goldens: Vec<(Output, Golden)> = Vec::new();
    for model in [Some(model.path()), model.file()].into_iter().flatten() {
        let path = model.with_file_name(GOLDEN_FILE);
        if model.file_name() != Some(MODEL_FILE.as_ref()) || !path.exists() {
            continue;
        }
        let output = Output::open(&path, force.force, inputs)?;
        if goldens.iter().all(|(known, _)| known.file() != output.file()) {
            goldens.push((output, Golden::read(&path)?));
        }
    }
    Ok(goldens)
}

fn report(
    model: &Output,
    kind: SolverKind,
    starts: &str,
    tuned: &Tuned,
    golden: &[&Path],
) -> Result<String> {
    use std::fmt::Write;
    let mut out = String::new();
    let Tuned { times, uniform_error, error, tried } = tuned;
    let steps = times.len() - 1;
    writeln!(out, "{}", model.name())?;
    writeln!(
        out,
        "  solver      {kind}, {}, {} a sample",
        count(steps, "step"),
        count(steps * kind.evaluations(), "evaluation")
    )?;
    writeln!(out, "  starts      {starts}")?;
    writeln!(
        out,
        "  error       {error:.3e}, {uniform_error:.3e} with steps of equal length\n\
         {:14}(mean squared distance to the true ends of the paths, in flow units)",
        ""
    )?;
    let rounded: Vec<String> = times.iter().map(|t| format!("{t:.4}")).collect();
    writeln!(out, "  times       {}", rounded.join(" "))?;
    writeln!(out, "  tried       {} grids", thousands(*tried))?;
    for golden in golden {
        writeln!(out, "  golden      {} renewed", golden.display())?;
    }
    Ok(out)
}
