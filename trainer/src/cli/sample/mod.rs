//! `flowlet sample`: samples from a model.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use flowlet::SolverKind;

use super::list::List;
use super::output::{check_format, condition, condition_columns, data_columns, open, write_rows};
use crate::data::{Matrix, load_conditions, load_starts};
use crate::description::solver;
use crate::sampling;

/// Draw samples, one row each, in data units.
///
/// The same model, seed, solver and steps give the same bits here and wherever the model is embedded.
///
/// Examples:
///   flowlet sample runs/mixture -n 1000 --out samples.csv
///   flowlet sample weights/8gaussians -n 100 --condition 3 | head
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A model file or a run's directory
    model: PathBuf,
    /// Samples [default: 10, or one for each row of --x0 or --conditions]
    #[arg(short, value_name = "N")]
    n: Option<NonZeroUsize>,
    /// euler, midpoint, heun, rk4 or ab2 [default: as the model was made for]
    #[arg(long, value_name = "NAME", value_parser = solver)]
    solver: Option<SolverKind>,
    /// Solver steps, of equal length unless they are the model's own [default: as it was made for]
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Of the noise
    #[arg(long, value_name = "K", default_value_t = 0)]
    seed: u64,
    /// How much more the condition counts than it does by itself: two evaluations for one, for a
    /// model that was trained with --label-dropout
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    guidance: Option<f32>,
    /// One condition for all samples: names of categories and numbers, or C numbers
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true, conflicts_with = "conditions")]
    condition: Option<List>,
    /// A CSV or NPY file with one row of conditions per sample
    #[arg(long, value_name = "FILE")]
    conditions: Option<PathBuf>,
    /// A CSV or NPY file with one starting point per sample, instead of noise: in flow units,
    /// or in data units if the model's source is no noise
    #[arg(long, value_name = "FILE")]
    x0: Option<PathBuf>,
    /// Where to: .csv, .npy or .safetensors [default: CSV to standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if let Some(out) = &args.out {
        check_format(out)?;
    }
    let model = open(&args.model)?;
    let mut solver = model.solver(args.solver, args.steps)?;
    if let Some(weight) = args.guidance {
        ensure!(weight.is_finite(), "--guidance {weight}: expected a number");
        ensure!(model.mlp.condition_dim() > 0, "the model has no conditions: leave --guidance out");
        solver = solver.guided(weight, model.mlp.null_condition().to_vec());
    }
    let data_dim = model.mlp.data_dim();
    let names = data_columns(&model);
    let x_0 = match &args.x0 {
        Some(path) => {
            let mut x_0 = load_starts(path, &names).context("--x0")?;
            if model.description.source.is_some() {
                model.data_units()?.forward(&mut x_0);
            }
            Some(x_0)
        }
        None => None,
    };
    let conditions = match &args.conditions {
        Some(_) if model.mlp.condition_dim() == 0 => {
            bail!("the model has no conditions: leave --conditions out")
        }
        Some(path) => Some(load_conditions(path, &condition_columns(&model))?),
        None => None,
    };

    let n = rows(args.n.map(NonZeroUsize::get), x_0.as_ref(), conditions.as_ref())?;
    let x_0 = match x_0 {
        Some(x_0) => x_0,
        None => model.source()?.starts(args.seed, n, data_dim),
    };
    let c = match conditions {
        Some(conditions) => conditions,
        None => condition(&model, args.condition.as_ref())?.select(&vec![0; n]),
    };
    let samples = sampling::sample(&model.mlp, &solver, &x_0, &c);
    write_rows(args.out.as_deref(), &names, &samples)?;
    Ok(ExitCode::SUCCESS)
}

/// How many samples: what is said and what files have must agree.
fn rows(n: Option<usize>, x_0: Option<&Matrix>, conditions: Option<&Matrix>) -> Result<usize> {
    let said = [
        ("-n", n),
        ("--x0", x_0.map(Matrix::rows)),
        ("--conditions", conditions.map(Matrix::rows)),
    ];
    let mut said = said.into_iter().filter_map(|(name, rows)| rows.map(|rows| (name, rows)));
    let Some((first, n)) = said.next() else { return Ok(10) };
    for (name, rows) in said {
        ensure!(rows == n, "{first} says {n} samples, but {name} says {rows}: one row per sample");
    }
    const MOST: usize = u32::MAX as usize;
    ensure!(n <= MOST, "-n {n}: expected at most {MOST}");
    Ok(n)
}
