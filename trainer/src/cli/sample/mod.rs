//! `flowlet sample`: samples from a model, block after block.

mod inputs;
mod settings;
mod shard;

use std::io::{self, Write};
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use flowlet::{CONTRACT, Digest, HeapSolver, SolverKind};

use super::bar::Bar;
use super::interrupt::interrupts;
use super::output::{condition, note, open};
use crate::config::list::List;
use crate::config::words::solver;
use crate::data::row_format::RowFormat;
use crate::data::{Matrix, load_conditions, load_starts};
use crate::disk::part_file::PartFile;
use crate::model::Model;
use crate::report::numbers::thousands;
use crate::solve::blocks::in_blocks;
use crate::solve::sampling;
use inputs::{Conditions, Starts, digest};
use settings::Settings;
use shard::Shard;

/// Draw samples, one row each, in data units.
///
/// The same model, seed, solver and steps give the same bits here and wherever the model is embedded.
/// Memory does not grow with their number. A file has its name when it is whole; until then it is
/// NAME.part, and --resume goes on with it.
///
/// Examples:
///   flowlet sample runs/mixture -n 1000 --out samples.csv
///   flowlet sample weights/8gaussians -n 100 --condition 3 | head
///   flowlet sample runs/mixture -n 1000000000 --out big.npy --resume
///   flowlet sample runs/mixture -n 1000000000 --shard 5/64 --out part-5.npy
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A model file or a run's directory
    model: PathBuf,
    /// Samples [default: 10, or one for each row of --x0 or --conditions]
    #[arg(short, value_name = "N")]
    n: Option<NonZeroU64>,
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
    /// Only part i of k, counted from 0: the parts' rows, one after the other, are those of the whole
    /// run, whichever machines they were made on
    #[arg(long, value_name = "i/k", allow_hyphen_values = true)]
    shard: Option<Shard>,
    /// Go on with what an interrupted run left, to the bytes that it would have had; where there is
    /// nothing, begin
    #[arg(long, requires = "out")]
    resume: bool,
}

/// What is computed, row by row.
struct Work {
    model: Model,
    solver: HeapSolver,
    starts: Starts,
    conditions: Conditions,
    names: Vec<String>,
    rows: Range<u64>,
    /// Rows in a block.
    block: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let format = match &args.out {
        Some(out) => check_format(out)?,
        None => RowFormat::Csv,
    };
    let model = open(&args.model)?;
    let mut solver = model.solver(args.solver, args.steps)?;
    if let Some(weight) = args.guidance {
        ensure!(weight.is_finite(), "--guidance {weight}: expected a number");
        ensure!(model.mlp.condition_dim() > 0, "the model has no conditions: leave --guidance out");
        solver = solver.guided(weight, model.mlp.null_condition().to_vec());
    }
    let names = model.data_columns();
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
        Some(path) => Some(load_conditions(path, &model.condition_columns())?),
        None => None,
    };

    let n = rows(args.n.map(NonZeroU64::get), x_0.as_ref(), conditions.as_ref())?;
    let block = block(&model, &solver);
    let starts = match x_0 {
        Some(x_0) => Starts::Given(x_0),
        None => Starts::Drawn { source: model.source()?, seed: args.seed },
    };
    let conditions = match conditions {
        Some(conditions) => Conditions::Given(conditions),
        None => Conditions::one(&condition(&model, args.condition.as_ref())?, block),
    };
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let mut file = Digest::new();
    file.update_bytes(&model.file.to_bytes()?);
    let settings = Settings {
        contract: CONTRACT,
        model: format!("{:016x}", file.value()),
        samples: n,
        shard: shard.to_string(),
        seed: args.seed,
        solver: solver.kind().name(),
        steps: solver.steps(),
        times: digest(&solver.times().collect::<Vec<_>>()),
        guidance: args.guidance.map_or("none".to_string(), |weight| weight.to_string()),
        conditions: conditions.digest(),
        starts: starts.digest(),
    };
    let rows = shard.rows(n);
    let head = format.head(&names, rows.end - rows.start).with_context(|| format!("-n {n}"))?;
    let work = Work { model, solver, starts, conditions, names, rows, block: block as u64 };
    match &args.out {
        Some(out) => {
            let file = PartFile::open(out, &head, &settings, args.resume)?;
            to_file(&work, format, file)
        }
        None => to_standard_output(&work, format, &head),
    }
}

/// How many samples: what is said and what files have must agree.
fn rows(n: Option<u64>, x_0: Option<&Matrix>, conditions: Option<&Matrix>) -> Result<u64> {
    let count = |matrix: &Matrix| matrix.rows() as u64;
    let said = [("-n", n), ("--x0", x_0.map(count)), ("--conditions", conditions.map(count))];
    let mut said = said.into_iter().filter_map(|(name, rows)| rows.map(|rows| (name, rows)));
    let Some((first, n)) = said.next() else { return Ok(10) };
    for (name, rows) in said {
        ensure!(rows == n, "{first} says {n} samples, but {name} says {rows}: one row per sample");
    }
    Ok(n)
}

/// Rows in a block: for each core as many as take it some milliseconds or more, but no more than a
/// tenth of a second and not many megabytes. How many changes nothing in them.
fn block(model: &Model, solver: &HeapSolver) -> usize {
    const MULTIPLY_ADDS: usize = 500_000_000;
    const VALUES: usize = 1 << 18;
    let shape = model.shape();
    let work = shape.parameters().saturating_mul(solver.evaluations());
    let width = shape.data_dim + shape.condition_dim;
    let rows = (MULTIPLY_ADDS / work.max(1)).min(VALUES / width.max(1));
    rows.clamp(16, 2048) * rayon::current_num_threads()
}

/// Refuses a file name that no format goes with, or that a model has; before the work, not after.
fn check_format(path: &Path) -> Result<RowFormat> {
    let format = RowFormat::of(path)?;
    ensure!(
        format != RowFormat::Safetensors || Model::open(path).is_err(),
        "{} is a model: choose another name for the samples",
        path.display()
    );
    Ok(format)
}

impl Work {
    fn compute(&self, format: RowFormat, rows: &Range<u64>) -> Result<Vec<u8>> {
        let x_0 = self.starts.of(rows, self.names.len())?;
        let c = self.conditions.of(rows)?;
        format.rows(&sampling::sample(&self.model.mlp, &self.solver, &x_0, &c))
    }
}

fn to_standard_output(work: &Work, format: RowFormat, head: &[u8]) -> Result<ExitCode> {
    let mut stdout = io::stdout();
    stdout.write_all(head)?;
    let compute = |rows: Range<u64>| work.compute(format, &rows);
    let write = |bytes: &[u8], _| Ok(io::stdout().write_all(bytes)?);
    in_blocks(work.rows.clone(), work.block, || false, compute, write)?;
    stdout.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Between two moments at which everything so far is on the disk for certain.
const KEEP: Duration = Duration::from_secs(1);

fn to_file(work: &Work, format: RowFormat, mut file: PartFile) -> Result<ExitCode> {
    let Range { start, end } = work.rows;
    let total = end - start;
    let before = file.rows();
    if before > 0 {
        let (before, total) = (thousands(before), thousands(total));
        note(format_args!("going on after {before} of {total} rows"));
    }
    let stop = interrupts()?;
    let mut bar = Bar::new(total, before)?;
    let mut kept = Instant::now();
    let mut shown = start + before;
    let write = |bytes: &[u8], next: u64| {
        file.write(bytes)?;
        if kept.elapsed() >= KEEP {
            file.keep(next - start)?;
            kept = Instant::now();
        }
        bar.advance(next - shown);
        bar.line("");
        shown = next;
        Ok(())
    };
    let stops = || stop.load(Ordering::Relaxed);
    let compute = |rows: Range<u64>| work.compute(format, &rows);
    let done = in_blocks(start + before..end, work.block, stops, compute, write);
    bar.finish();
    let done = match done {
        Ok(next) if next < end => file.keep(next - start).map(|()| next),
        done => done,
    };
    match done {
        Ok(next) if next < end => {
            let (done, total) = (thousands(next - start), thousands(total));
            note(format_args!("stopped after {done} of {total} rows; go on by --resume"));
            file.give_up();
            Ok(ExitCode::from(130))
        }
        Ok(_) => {
            file.finish()?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            file.give_up();
            if file.rows() == 0 {
                return Err(error);
            }
            let kept = thousands(file.rows());
            Err(error.context(format!("{kept} rows are kept: go on by --resume")))
        }
    }
}
