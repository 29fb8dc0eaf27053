//! `flowlet tune`: fits the times of a few steps to a model.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use flowlet::SolverKind;

use super::count::count;
use super::output::{note, open};
use crate::config::words::solver_parser;
use crate::data::{Matrix, load_conditions};
use crate::disk::files::write_whole;
use crate::disk::names::{GOLDEN_FILE, MODEL_FILE};
use crate::judge::golden::Golden;
use crate::model::Model;
use crate::model::self_test::affine;
use crate::model::tuning::{Tuned, apply, conditions, tune};
use crate::report::numbers::thousands;
use crate::solve::sampling;

const EXAMPLES: &str = "\
Examples:
  flowlet tune runs/moons --steps 6
  flowlet tune runs/moons --steps 3 --solver midpoint --out moons3.safetensors";

/// Fit the times of a few solver steps to a model
///
/// Searches the times at which N steps end nearest to the true ends of the paths, and writes the times, the solver and
/// the number of steps into the model file. The weights stay as they are. Golden outputs beside the model are renewed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run
    model: PathBuf,
    /// Number of solver steps
    #[arg(long, value_name = "N", value_parser = count(1, 10_000))]
    steps: usize,
    /// Integration method [default: the one that the model was made for]
    #[arg(long, value_name = "NAME", value_parser = solver_parser())]
    solver: Option<SolverKind>,
    /// CSV, TSV, NPY or safetensors file with rows of conditions, used in turn; - is CSV on standard input [default: every category, and numbers
    /// distributed as in training]
    #[arg(long, value_name = "FILE")]
    conditions: Option<PathBuf>,
    /// Number of starting points. The search sees one half, the printed error is of the other
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = count(2, 1_000_000))]
    points: usize,
    /// Seed of the starting points
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Output file [default: MODEL itself]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let model = open(&args.model)?;
    let kind = args.solver.unwrap_or(model.solver_kind());
    let x_0 = sampling::noise(args.seed, args.points, model.mlp.data_dim());
    let c = conditions_for(args, &model)?;
    let tuned = tune(&model.mlp, kind, args.steps, &x_0, &c)?;
    if args.steps == 1 {
        note(format_args!("a single step has nothing to tune: it always goes from t = 0 to 1"));
    }

    let mut file = model.file.clone();
    apply(&mut file, kind, &tuned.times)?;
    let bytes = file.to_bytes()?;
    let out = args.out.as_ref().unwrap_or(&model.path);
    let written = Model::parse(&bytes, out.clone()).context("the tuned model is not valid")?;
    write_whole(out, &bytes)?;
    let golden = renew_golden(&written)?;
    report(&written, kind, &tuned, golden.as_deref())?;
    Ok(ExitCode::SUCCESS)
}

/// Returns a row of conditions for each starting point, `[points][C]`.
fn conditions_for(args: &Args, model: &Model) -> Result<Matrix> {
    let (points, columns) = (args.points, model.condition_columns());
    let Some(path) = &args.conditions else {
        let (mean, scale) = affine(&model.file, "condition", model.mlp.condition_dim())?;
        return Ok(conditions(&columns, (&mean, &scale), points, args.seed.wrapping_add(1)));
    };
    if model.mlp.condition_dim() == 0 {
        bail!("the model has no conditions: leave --conditions out");
    }
    let rows = load_conditions(path, &columns)?;
    ensure!(rows.rows() > 0, "{} has no rows", path.display());
    // Points 2k and 2k + 1 are in different halves and take the same row, so both halves see every row.
    Ok(rows.select(&(0..points).map(|point| point / 2 % rows.rows()).collect::<Vec<_>>()))
}

/// Renews the golden outputs beside a run's model. Returns their path, or `None` if there are none.
fn renew_golden(model: &Model) -> Result<Option<PathBuf>> {
    let path = model.path.with_file_name(GOLDEN_FILE);
    if model.path.file_name() != Some(MODEL_FILE.as_ref()) || !path.exists() {
        return Ok(None);
    }
    let mut golden = Golden::read(&path)?;
    golden.renew(model)?;
    write_whole(&path, &golden.to_bytes()?)?;
    Ok(Some(path))
}

fn report(model: &Model, kind: SolverKind, tuned: &Tuned, golden: Option<&Path>) -> Result<()> {
    let mut out = io::stdout().lock();
    let Tuned { times, uniform_error, error, tried } = tuned;
    let steps = times.len() - 1;
    writeln!(out, "{}", model.path.display())?;
    writeln!(
        out,
        "  solver      {kind}, {steps} steps, {} evaluations a sample",
        steps * kind.evaluations()
    )?;
    writeln!(
        out,
        "  error       {error:.3e}, {uniform_error:.3e} with steps of equal length\n\
         {:14}(mean squared distance to the true ends of the paths, in flow units)",
        ""
    )?;
    let rounded: Vec<String> = times.iter().map(|t| format!("{t:.4}")).collect();
    writeln!(out, "  times       {}", rounded.join(" "))?;
    writeln!(out, "  tried       {} grids", thousands(*tried))?;
    if let Some(golden) = golden {
        writeln!(out, "  golden      {} renewed", golden.display())?;
    }
    Ok(())
}
