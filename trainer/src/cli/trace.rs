//! `flowlet trace`: one path, step by step.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use flowlet::SolverKind;

use super::between::between;
use super::output::{condition, open_any, print, source};
use crate::config::list::List;
use crate::config::words::solver_parser;
use crate::quantize::sampler::{Path, Sampler};
use crate::report::numbers::count;

const EXAMPLES: &str = "\
Examples:
  flowlet trace runs/mixture --x0 0.85 --steps 15
  flowlet trace weights/8gaussians --condition 3 --solver heun --steps 4";

/// Show one path from noise to data, step by step
///
/// Prints the time t and the point x before the first step and after each step, in flow units, and the last point in
/// data units.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run: a float model or an integer one
    model: PathBuf,
    /// Starting point in flow units: D numbers, separated by commas [default: noise of --seed]
    #[arg(long, value_name = "X", value_delimiter = ',', allow_hyphen_values = true)]
    x0: Option<Vec<f32>>,
    /// Integration method [default: the one that the model was made for]
    #[arg(long, value_name = "NAME", value_parser = solver_parser())]
    solver: Option<SolverKind>,
    /// Solver steps. They have equal lengths, unless the model's file holds times for this solver and number of steps
    /// [default: as many as the model was made for]
    #[arg(long, value_name = "N", value_parser = between(1, 100_000))]
    steps: Option<usize>,
    /// Condition: a value for each condition column, or all C numbers, separated by commas
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true)]
    condition: Option<List>,
    /// Seed of the starting point
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let opened = open_any(&args.model)?;
    let model = opened.floats().clone();
    let sampler = Sampler::new(opened, args.solver, args.steps, None)?;
    let data_dim = model.mlp.data_dim();
    let x_0 = match &args.x0 {
        Some(x) if x.len() == data_dim && x.iter().all(|x| x.is_finite()) => x.clone(),
        Some(x) => bail!("--x0: expected {}, found {x:?}", count(data_dim, "finite number")),
        None => sampler.starts(&source(&model)?, args.seed, 0, 1).row(0).to_vec(),
    };
    let c = condition(&model, args.condition.as_ref())?;
    let Path { times, points, sample } = sampler.path(&x_0, c.row(0));

    let names = model.data_columns();
    let mut out = String::new();
    // Columns are at least two spaces apart.
    let widths: Vec<usize> = names.iter().map(|name| 10.max(name.chars().count() + 2)).collect();
    let row = |cells: &[f32]| -> String {
        cells.iter().zip(&widths).map(|(&x, &width)| format!("{:>width$}", number(x))).collect()
    };
    let header: String =
        names.iter().zip(&widths).map(|(name, &width)| format!("{name:>width$}")).collect();
    writeln!(out, "{:>7}{header}", "t")?;
    for (t, x) in times.iter().zip(points.values().chunks_exact(data_dim)) {
        writeln!(out, "{t:>7.3}{}", row(x))?;
    }
    if sample != points.row(points.rows() - 1) {
        writeln!(out, "\nin data units\n{:>7}{}", "", row(&sample))?;
    }
    print(&out)?;
    Ok(ExitCode::SUCCESS)
}

/// Formats a number with three decimals, or in scientific notation if it is too small or too large.
fn number(x: f32) -> String {
    if x == 0.0 || (1e-3..1e4).contains(&x.abs()) { format!("{x:.3}") } else { format!("{x:.1e}") }
}
