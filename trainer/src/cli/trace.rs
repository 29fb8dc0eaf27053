//! `flowlet trace`: one path, step by step.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::output::{condition, data_columns, open};
use crate::sampling;

/// Show one path from noise to data: t and x (flow units) before the first step and after each.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A model file or a run's directory
    model: PathBuf,
    /// The starting point, D numbers separated by commas [default: the noise of --seed]
    #[arg(long, value_name = "X", value_delimiter = ',', allow_hyphen_values = true)]
    x0: Option<Vec<f32>>,
    /// Solver steps [default: as the model was made for]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// The condition: names of categories and numbers, or C numbers
    #[arg(long, value_name = "VALUES", value_delimiter = ',', allow_hyphen_values = true)]
    condition: Option<Vec<String>>,
    /// Of the noise
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let model = open(&args.model)?;
    let solver = model.solver(args.steps)?;
    let data_dim = model.mlp.data_dim();
    let x_0 = match &args.x0 {
        Some(x) if x.len() == data_dim && x.iter().all(|x| x.is_finite()) => x.clone(),
        Some(x) => bail!("--x0: expected {data_dim} finite numbers, found {x:?}"),
        None => sampling::noise(args.seed, 1, data_dim).row(0).to_vec(),
    };
    let c = condition(&model, args.condition.as_deref())?;
    let points = solver.trajectory(&model.mlp, &x_0, c.row(0), &mut model.mlp.scratch());

    let names = data_columns(&model);
    let mut out = io::stdout().lock();
    let row = |cells: &[f32]| cells.iter().map(|x| format!("{x:>10.3}")).collect::<String>();
    let header: String = names.iter().map(|name| format!("{name:>10}")).collect();
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
