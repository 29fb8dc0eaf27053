//! `flowlet trace`: one path, step by step.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use flowlet::SolverKind;

use super::output::{condition, open};
use crate::config::list::List;
use crate::config::words::solver;

/// Show one path from noise to data: t and x (flow units) before the first step and after each.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A model file or a run's directory
    model: PathBuf,
    /// The starting point, D numbers separated by commas [default: the noise of --seed]
    #[arg(long, value_name = "X", value_delimiter = ',', allow_hyphen_values = true)]
    x0: Option<Vec<f32>>,
    /// euler, midpoint, heun, rk4 or ab2 [default: as the model was made for]
    #[arg(long, value_name = "NAME", value_parser = solver)]
    solver: Option<SolverKind>,
    /// Solver steps, of equal length unless they are the model's own [default: as it was made for]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// The condition: names of categories and numbers, or C numbers
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true)]
    condition: Option<List>,
    /// Of the noise
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let model = open(&args.model)?;
    let solver = model.solver(args.solver, args.steps)?;
    let data_dim = model.mlp.data_dim();
    let x_0 = match &args.x0 {
        Some(x) if x.len() == data_dim && x.iter().all(|x| x.is_finite()) => x.clone(),
        Some(x) => bail!("--x0: expected {data_dim} finite numbers, found {x:?}"),
        None => model.source()?.starts(args.seed, 1, data_dim).row(0).to_vec(),
    };
    let c = condition(&model, args.condition.as_ref())?;
    let points = solver.trajectory(&model.mlp, &x_0, c.row(0), &mut model.mlp.scratch());

    let names = model.data_columns();
    let mut out = io::stdout().lock();
    // Two spaces at least between columns.
    let widths: Vec<usize> = names.iter().map(|name| 10.max(name.chars().count() + 2)).collect();
    let row = |cells: &[f32]| -> String {
        cells.iter().zip(&widths).map(|(&x, &width)| format!("{:>width$}", number(x))).collect()
    };
    let header: String =
        names.iter().zip(&widths).map(|(name, &width)| format!("{name:>width$}")).collect();
    writeln!(out, "{:>7}{header}", "t")?;
    for (t, x) in solver.times().zip(points.chunks_exact(data_dim)) {
        writeln!(out, "{t:>7.3}{}", row(x))?;
    }
    let last = &points[points.len() - data_dim..];
    let mut sample = last.to_vec();
    model.mlp.to_data_units(&mut sample);
    if sample != last {
        writeln!(out, "\nin data units\n{:>7}{}", "", row(&sample))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Three decimals, as long as they say something and fit.
fn number(x: f32) -> String {
    if x == 0.0 || (1e-3..1e4).contains(&x.abs()) { format!("{x:.3}") } else { format!("{x:.1e}") }
}
