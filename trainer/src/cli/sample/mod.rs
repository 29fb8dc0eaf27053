//! `flowlet sample`: draws samples from a model, in blocks of rows.

mod inputs;
mod settings;
mod shard;

use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use flowlet::SolverKind;

use super::bar::Bar;
use super::between::between;
use super::interrupt::Interrupts;
use super::output::{Force, condition, note, open_any, source, starts, warn_of_unseen};
use crate::config::list::List;
use crate::config::words::{MOST_STEPS, solver_parser};
use crate::data::categories::Category;
use crate::data::row_format::RowFormat;
use crate::data::table_options::TableOptions;
use crate::data::{Matrix, load_conditions};
use crate::disk::output::Output;
use crate::disk::part_file::{Begin, Opened, PartFile};
use crate::disk::run_directory::files_of_run;
use crate::model::Model;
use crate::quantize::sampler::Sampler;
use crate::report::numbers::thousands;
use crate::solve::blocks::in_blocks;
use inputs::{Conditions, Starts};
use settings::Settings;
use shard::Shard;

const EXAMPLES: &str = "\
Examples:
  flowlet sample runs/mixture -n 1000 --out samples.csv
  flowlet sample weights/8gaussians -n 100 --condition 3 | head
  flowlet sample runs/mixture -n 1000000000 --out big.npy --resume
  flowlet sample runs/mixture -n 1000000000 --shard 5/64 --out part-5.npy";

/// Draw samples, one row each, in data units
///
/// The same model, seed, condition, solver and steps give the same bits here and in every program that embeds the
/// model. Memory use does not grow with the number of samples. An output file is called NAME.part until it is whole;
/// --resume continues it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run
    model: PathBuf,
    /// Number of samples [default: 10, or one for each row of --x0 or --conditions]. With --conditions, a multiple of
    /// its rows: each row is the condition of equally many samples, one after the other
    #[arg(short, value_name = "N", value_parser = between(1, usize::MAX))]
    n: Option<usize>,
    /// Integration method [default: the one that the model was made for]
    #[arg(long, value_name = "NAME", value_parser = solver_parser())]
    solver: Option<SolverKind>,
    /// Solver steps. They have equal lengths, unless the model's file holds times for this solver and number of steps
    /// [default: as many as the model was made for]
    #[arg(long, value_name = "N", value_parser = between(1, MOST_STEPS))]
    steps: Option<usize>,
    /// Seed of the starting points
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Classifier-free guidance weight; 1 is off. Doubles the cost. Needs a model trained with --label-dropout
    #[arg(long, value_name = "WEIGHT")]
    guidance: Option<f32>,
    /// Condition of all samples: a value for each condition column, or all C numbers, separated by commas; or by name, as
    /// in speed=2,obs=0.1,0.3 for the columns speed, obs.0 and obs.1
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true, conflicts_with = "conditions")]
    condition: Option<List>,
    /// Table with a row of conditions for each sample, or for each K of -n: CSV, TSV, TXT, JSON lines, NPY, NPZ or
    /// safetensors; - is standard input (text or NPY)
    #[arg(long, value_name = "FILE")]
    conditions: Option<PathBuf>,
    /// Table with one starting point for each sample, instead of noise: in flow units, or in data units if the model was
    /// trained with --source; - is standard input (text or NPY)
    #[arg(long, value_name = "FILE")]
    x0: Option<PathBuf>,
    /// Output file: .csv, .npy or .safetensors; the last two have the shape of the data's arrays; - is CSV on standard output [default: -]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
    /// Write only part i of k, counted from 0. The rows of all parts, in order, are those of the run without
    /// --shard, on any machines
    #[arg(long, value_name = "i/k", allow_hyphen_values = true)]
    shard: Option<Shard>,
    /// Continue an interrupted file, start it if there is none, or do nothing if it is complete. Its bytes are those of
    /// an uninterrupted run
    #[arg(long, requires = "out")]
    resume: bool,
    #[command(flatten)]
    table: TableOptions,
}

/// The inputs of the computation of all rows.
struct Work {
    sampler: Sampler,
    starts: Starts,
    conditions: Conditions,
    /// Those of the data.
    categories: Vec<Category>,
    rows: Range<u64>,
    /// The number of rows computed at once.
    block: u64,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let interrupts = Interrupts::new()?;
    let opened = open_any(&args.model)?;
    let model = opened.floats().clone();
    let inputs = inputs(args, &model);
    let (output, format) = output(args, &inputs)?;
    if let Some(weight) = args.guidance {
        ensure!(weight.is_finite(), "--guidance {weight}: expected a finite number");
        ensure!(model.mlp.condition_dim() > 0, "the model has no conditions: leave --guidance out");
        ensure!(
            model.takes_guidance(),
            "the model was trained without --label-dropout, so its samples without a condition, which guidance needs, \
             are no samples of the data: train it with --label-dropout 0.1, or leave --guidance out"
        );
    }
    let sampler = Sampler::new(opened, args.solver, args.steps, args.guidance)?;
    let names = model.data_columns();
    let shape = model.description.data_shape.clone().unwrap_or_else(|| vec![names.len()]);
    let x_0 = match &args.x0 {
        Some(path) => Some(starts(&model, path, args.table)?),
        None => None,
    };
    let conditions = match &args.conditions {
        Some(_) if model.mlp.condition_dim() == 0 => {
            bail!("the model has no conditions: leave --conditions out")
        }
        Some(path) => {
            let conditions = load_conditions(path, &model.condition_columns(), args.table)?;
            warn_of_unseen(&model, &conditions);
            Some(conditions)
        }
        None => None,
    };

    let n = rows(args.n.map(|n| n as u64), x_0.as_ref(), conditions.as_ref())?;
    let block = block(&model, sampler.evaluations());
    let starts = match x_0 {
        Some(x_0) => Starts::Given(x_0),
        None => Starts::Drawn { source: source(&model)?, seed: args.seed },
    };
    let conditions = match conditions {
        Some(rows) => Conditions::Given { each: n / rows.rows() as u64, rows },
        None => Conditions::one(&condition(&model, args.condition.as_ref())?, block),
    };
    let shard = args.shard.unwrap_or(Shard::WHOLE);
    let settings = Settings {
        contract: sampler.contract(),
        model: sampler.digest()?,
        samples: n,
        shard: shard.to_string(),
        seed: args.seed,
        solver: sampler.kind().name(),
        steps: sampler.steps(),
        times: sampler.times(),
        guidance: args.guidance.map_or("none".to_string(), |weight| weight.to_string()),
        conditions: conditions.digest(),
        starts: starts.digest(),
    };
    let rows = shard.rows(n);
    let categories = model.categories();
    let head = format
        .head(&names, &categories, rows.end - rows.start, &shape)
        .with_context(|| format!("-n {n}"))?;
    let work = Work { sampler, starts, conditions, categories, rows, block: block as u64 };
    let Some(path) = output.file() else { return to_stream(&work, format, &head, &output) };
    let begin = Begin { resume: args.resume, force: args.force.force, inputs: &inputs };
    match PartFile::open(path, &head, &settings, begin)? {
        Opened::Unfinished(file) => to_file(&work, format, file, &interrupts),
        Opened::Complete { rows } => {
            note(format_args!("{} is complete: {} rows", output.name(), thousands(rows)));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Returns the files that the command reads, and those of the model's run, which must not be overwritten.
fn inputs(args: &Args, model: &Model) -> Vec<PathBuf> {
    let read = [Some(&model.path), args.x0.as_ref(), args.conditions.as_ref()];
    let mut inputs: Vec<PathBuf> = read.into_iter().flatten().cloned().collect();
    inputs.extend(files_of_run(&model.path, &[]));
    inputs
}

/// Returns where the rows go and their format, before any work is done.
fn output(args: &Args, inputs: &[PathBuf]) -> Result<(Output, RowFormat)> {
    let Some(out) = &args.out else { return Ok((Output::stdout(), RowFormat::Csv)) };
    // With --resume, an existing file may be the complete file of this run.
    let output = Output::open(out, args.force.force || args.resume, inputs)?;
    let format = match RowFormat::of(out) {
        // A pipe or a device need not have an extension.
        Err(_) if output.file().is_none() => RowFormat::Csv,
        format => format?,
    };
    ensure!(
        !args.resume || output.file().is_some(),
        "--resume needs a regular file, but {} is a stream",
        output.name()
    );
    Ok((output, format))
}

/// Returns the number of samples: that of `-n`, or of the rows of a file. `--x0` has a row for each sample; each row of
/// `--conditions` may stand for several samples, but the same number of them.
fn rows(n: Option<u64>, x_0: Option<&Matrix>, conditions: Option<&Matrix>) -> Result<u64> {
    let count = |matrix: &Matrix| matrix.rows() as u64;
    let (starts, given) = (x_0.map(count), conditions.map(count));
    let (name, samples) = match (n, starts, given) {
        (Some(n), _, _) => ("-n", n),
        (None, Some(starts), _) => ("--x0", starts),
        (None, None, Some(given)) => ("--conditions", given),
        (None, None, None) => ("-n", 10),
    };
    ensure!(
        starts.is_none_or(|rows| rows == samples),
        "{name} gives {samples} samples, but --x0 gives {}: expected one row for each sample",
        starts.unwrap_or_default()
    );
    ensure!(
        given.is_none_or(|rows| rows > 0 && samples.is_multiple_of(rows)),
        "{name} gives {samples} samples, but --conditions gives {}: expected one row for each sample, or a number of \
         samples that is a multiple of the rows",
        given.unwrap_or_default()
    );
    Ok(samples)
}

/// Returns the number of rows that are computed at once: for each core at least a few milliseconds of work, at
/// most a tenth of a second and a few megabytes. It does not change the rows.
fn block(model: &Model, evaluations: usize) -> usize {
    const MULTIPLY_ADDS: usize = 500_000_000;
    const VALUES: usize = 1 << 18;
    let shape = model.shape();
    let work = shape.parameters().saturating_mul(evaluations);
    let width = shape.data_dim + shape.condition_dim;
    let rows = (MULTIPLY_ADDS / work.max(1)).min(VALUES / width.max(1));
    rows.clamp(16, 2048) * rayon::current_num_threads()
}

impl Work {
    fn compute(&self, format: RowFormat, rows: &Range<u64>) -> Result<Vec<u8>> {
        let x_0 = self.starts.of(rows, &self.sampler)?;
        let c = self.conditions.of(rows)?;
        format.rows(&self.sampler.sample(&x_0, &c), &self.categories)
    }
}

fn to_stream(work: &Work, format: RowFormat, head: &[u8], output: &Output) -> Result<ExitCode> {
    let context = || format!("cannot write {}", output.name());
    let mut stream = output.stream()?;
    stream.write_all(head).with_context(context)?;
    let compute = |rows: Range<u64>| work.compute(format, &rows);
    let write = |bytes: &[u8], _| stream.write_all(bytes).with_context(context);
    in_blocks(work.rows.clone(), work.block, || false, compute, write)?;
    stream.flush().with_context(context)?;
    Ok(ExitCode::SUCCESS)
}

/// The interval between two syncs of the file, after which its rows survive a crash.
const KEEP: Duration = Duration::from_secs(1);

fn to_file(
    work: &Work,
    format: RowFormat,
    mut file: PartFile,
    interrupts: &Interrupts,
) -> Result<ExitCode> {
    let Range { start, end } = work.rows;
    let total = end - start;
    let before = file.rows();
    if before > 0 {
        let (before, total) = (thousands(before), thousands(total));
        note(format_args!("continuing after {before} of {total} rows"));
    }
    interrupts.defer()?;
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
    let stops = || interrupts.caught();
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
            note(format_args!("stopped after {done} of {total} rows; continue with --resume"));
            file.give_up();
            Ok(interrupts.exit_code())
        }
        Ok(_) => {
            file.finish(total)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => {
            file.give_up();
            if file.rows() == 0 {
                return Err(error);
            }
            let kept = thousands(file.rows());
            Err(error.context(format!("{kept} rows are kept: continue with --resume")))
        }
    }
}
