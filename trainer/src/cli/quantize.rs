//! `flowlet quantize`: makes a model in whole numbers of a float one.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use flowlet::fixed::HeapMlp;

use super::bar::Bar;
use super::between::between;
use super::output::{Force, create_directory, open, say};
use super::real;
use crate::coupling::dataset::Dataset;
use crate::coupling::source::Source;
use crate::data::Matrix;
use crate::data::random::{Stream, generator};
use crate::disk::input;
use crate::disk::names::{CONFIG_FILE, GOLDEN_FILE, MODEL_FILE};
use crate::disk::output::Output;
use crate::disk::run_directory::files_of_run;
use crate::judge::golden::Inputs;
use crate::judge::judgement::{Comparison, Distance};
use crate::model::Model;
use crate::model::tuning::conditions;
use crate::quantize::calibration::Calibration;
use crate::quantize::export::export;
use crate::quantize::file::IntegerFile;
use crate::quantize::golden::IntegerGolden;
use crate::quantize::sampling::{Difference, difference, sample};
use crate::quantize::verify::verify;
use crate::quantize::{IntegerModel, Tuned, Weights, fine_tune, round};
use crate::report::numbers::{count, thousands};
use crate::solve::sampling;

const EXAMPLES: &str = "\
Examples:
  flowlet quantize runs/mixture
  flowlet quantize runs/mixture --weights i4 --iterations 10000
  flowlet quantize model.safetensors --weights i8 --out small.safetensors";

/// Paths from which the ranges are taken, if the user does not say.
const PATHS: usize = 1000;

/// Convert a float model to an integer model
///
/// The integer model samples without a float instruction and gives the same bits on every processor. The command draws
/// paths of the model to find the range of each number, rounds the weights, tunes them through the rounding towards the
/// float model's outputs, and writes the model and its golden outputs, which an independent reference computes. In a
/// directory of its own, the model also gets a copy of the run's configuration, so that its data are known.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run: a float model
    model: PathBuf,
    /// Weights between hidden layers: i16, i8 or i4. The first and the last layer have i16
    #[arg(long, value_name = "TYPE", default_value = "i16", value_parser = weights_parser())]
    weights: Weights,
    /// Number of paths from which the ranges are taken. Models of few steps get more
    #[arg(long, value_name = "N", default_value_t = PATHS, value_parser = between(1, 1_000_000))]
    calibrate: usize,
    /// Iterations of the tuning; 0 only rounds [default: 0 for i16, 3000 for i8, 6000 for i4]
    #[arg(long, value_name = "K", value_parser = between(0, 10_000_000))]
    iterations: Option<usize>,
    /// Seed of the paths, of the tuning's batches and of the golden outputs
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// Model file to write, with the golden outputs beside it [default: model.safetensors in a directory beside the
    /// run's, which is called after it and the weights, such as runs/mixture-i8]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

/// Makes the integer model of the run in `directory`, which is complete, with the defaults of this command. Returns
/// whether the runtime has the golden bits.
///
/// # Errors
///
/// As the command.
pub(super) fn of_run(directory: &Path, weights: Weights, seed: u64, force: bool) -> Result<bool> {
    let args = Args {
        model: directory.to_path_buf(),
        weights,
        calibrate: PATHS,
        iterations: None,
        seed,
        out: None,
        force: Force { force },
    };
    quantize(&args)
}

/// Checks before a run is trained in `directory` that [`of_run`] may write its integer model.
///
/// # Errors
///
/// Returns an error if there is one already.
pub(super) fn check_free(directory: &Path, weights: Weights, force: bool) -> Result<()> {
    let out = beside(&directory.join(MODEL_FILE), weights);
    ensure!(
        force || !out.exists(),
        "{} exists: choose another run with --out, or replace it with --force",
        out.display()
    );
    Ok(())
}

/// Returns the parser of `--weights`.
pub(super) fn weights_parser() -> impl TypedValueParser<Value = Weights> {
    let names = PossibleValuesParser::new(Weights::ALL.map(Weights::name));
    let find = |name: String| Weights::ALL.into_iter().find(|weights| weights.name() == name);
    names.try_map(move |name| find(name).ok_or("no such type of weights"))
}

/// Iterations of the tuning that are worth their time, if the user chooses none.
fn default_iterations(weights: Weights, hidden_layers: usize) -> usize {
    match weights {
        // The weights are not what such a model loses by.
        _ if hidden_layers == 0 => 0,
        Weights::I16 => 0,
        Weights::I8 => 3000,
        Weights::I4 => 6000,
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    Ok(if quantize(args)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn quantize(args: &Args) -> Result<bool> {
    let model = open(&args.model)?;
    let out = args.out.clone().unwrap_or_else(|| beside(&model.path, args.weights));
    ensure!(
        out != Path::new("-"),
        "--out -: expected a file, since the golden outputs are written beside it"
    );
    let created = match &args.out {
        None => out.parent().filter(|directory| !directory.exists()),
        Some(_) => None,
    };
    created.map_or(Ok(()), create_directory)?;
    let done = to_files(args, &model, &out);
    if let (Err(_), Some(directory)) = (&done, created) {
        // Removes only an empty directory.
        let _ = fs::remove_dir(directory);
    }
    done
}

/// Returns where the integer model of `model` is written if the user does not say: in a directory beside that of its
/// run, or beside the file.
fn beside(model: &Path, weights: Weights) -> PathBuf {
    let name = weights.name();
    if model.file_name() == Some(MODEL_FILE.as_ref()) {
        let whole = fs::canonicalize(model).unwrap_or_else(|_| model.to_path_buf());
        let directory = model.parent().filter(|directory| directory.file_name().is_some());
        let directory = directory.or_else(|| whole.parent());
        if let Some((directory, stem)) = directory.and_then(|d| Some((d, d.file_name()?))) {
            let mut stem = stem.to_os_string();
            stem.push(format!("-{name}"));
            return directory.with_file_name(stem).join(MODEL_FILE);
        }
    }
    let stem = model.file_stem().unwrap_or_default().to_string_lossy();
    model.with_file_name(format!("{stem}-{name}.safetensors"))
}

/// Returns where the golden outputs of the model at `out` are written.
fn golden_beside(out: &Path) -> PathBuf {
    if out.file_name() == Some(MODEL_FILE.as_ref()) {
        return out.with_file_name(GOLDEN_FILE);
    }
    let stem = out.file_stem().unwrap_or_default().to_string_lossy();
    out.with_file_name(format!("{stem}.{GOLDEN_FILE}"))
}

/// Returns the configuration beside `model`, and where its copy is written: beside a model in a directory of its own.
fn config_beside(out: &Path, model: &Model) -> Option<(PathBuf, PathBuf)> {
    let from = model.path.with_file_name(CONFIG_FILE);
    let own = out.file_name() == Some(MODEL_FILE.as_ref());
    (own && from.exists()).then(|| (from, out.with_file_name(CONFIG_FILE)))
}

/// Makes the integer model, and writes it and its golden outputs. Returns whether the runtime has the golden bits.
fn to_files(args: &Args, model: &Model, out: &Path) -> Result<bool> {
    let inputs = [vec![model.path.clone()], files_of_run(&model.path, &[])].concat();
    let output = Output::open(out, args.force.force, &inputs)?;
    let golden_path = golden_beside(out);
    let golden_output = Output::open(&golden_path, args.force.force, &inputs)?;
    let config = match config_beside(out, model) {
        Some((from, to)) => {
            Some((input::read(&from)?, Output::open(&to, args.force.force, &inputs)?))
        }
        None => None,
    };
    let source = real::source(model)?;

    let calibration = Calibration::run(model, &source, args.calibrate, args.seed)?;
    let rounded = round(model, &source, &calibration, args.weights)?;
    let iterations =
        args.iterations.unwrap_or(default_iterations(args.weights, model.shape().hidden_layers));
    let started = Instant::now();
    let tuned = tuned(args, model, &rounded, &calibration, iterations)?;
    let seconds = started.elapsed().as_secs_f64();

    let bytes = export(model, &tuned.model)?.to_bytes()?;
    let size = (model.mlp.data_dim(), model.mlp.condition_dim());
    let conditions = drawn_conditions(model, GOLDEN_CONDITIONS, args.seed)?;
    let inputs = Inputs::new(&source, &conditions, size, args.seed)?;
    let file = IntegerFile::parse(&bytes, out.to_path_buf())
        .context("the runtime does not read the integer model")?;
    let golden = IntegerGolden::make(&file, &inputs);
    let verified = verify(&file, &golden)?;
    output.write(&bytes)?;
    golden_output.write(&golden.to_bytes()?)?;
    config.map_or(Ok(()), |(bytes, output)| output.write(&bytes))?;

    let mut text = String::new();
    writeln!(text, "{}", output.name())?;
    writeln!(text, "  weights     {}", weights_line(&tuned.model, model, bytes.len()))?;
    writeln!(
        text,
        "  ranges      from {} of {}: {} fraction bits of the point, {} of the units",
        count(calibration.paths, "path"),
        count(calibration.evaluations, "evaluation"),
        tuned.model.point_bits,
        listed(&tuned.model.unit_bits)
    )?;
    if iterations > 0 {
        writeln!(
            text,
            "  tuned       {} in {seconds:.1} s: error of the velocity {:.2e}, before {:.2e}",
            count(iterations, "iteration"),
            tuned.after,
            tuned.before
        )?;
    }
    let before = (rounded != tuned.model).then_some(&rounded);
    quality(&mut text, args, model, &source, before, &file)?;
    let state = if verified.passes() { "verified" } else { "OTHER BITS" };
    writeln!(text, "  golden      {}: {state}", golden_output.name())?;
    if !verified.passes() {
        writeln!(text, "\n{verified}")?;
    }
    say(&output, &text)?;
    Ok(verified.passes())
}

/// Rows of conditions for golden paths.
const GOLDEN_CONDITIONS: usize = 256;

/// Returns conditions as training had them, `[n][C]` in the user's units.
fn drawn_conditions(model: &Model, n: usize, seed: u64) -> Result<Matrix> {
    let units = model.units()?.condition;
    let affine = (&units.mean[..], &units.scale[..]);
    Ok(conditions(&model.condition_columns(), affine, n, seed.wrapping_add(2)))
}

fn tuned(
    args: &Args,
    model: &Model,
    rounded: &IntegerModel,
    calibration: &Calibration,
    iterations: usize,
) -> Result<Tuned> {
    let mut bar = Bar::new(iterations as u64, 0)?;
    let done = || {
        bar.advance(1);
        bar.line("");
    };
    let tuned = fine_tune(model, rounded, calibration, iterations, args.seed, done);
    bar.finish();
    tuned.context("cannot tune the weights")
}

/// Samples for the Wasserstein distance of numbers.
const SORTED: usize = 100_000;

/// Samples whose difference is measured, if no data are known.
const SAMPLES: usize = 2000;

/// Writes the distances to the data, if they are known, and the difference from the float model.
fn quality(
    text: &mut String,
    args: &Args,
    model: &Model,
    source: &Source,
    before: Option<&IntegerModel>,
    file: &IntegerFile,
) -> Result<()> {
    let known = real::read(model).ok().flatten();
    let dataset = known.filter(|(config, dataset)| real::check(model, config, dataset).is_ok());
    let dataset: Option<Dataset> = dataset.map(|(_, dataset)| dataset);
    let mut rng = generator(args.seed, Stream::Evaluation);
    let comparison =
        dataset.as_ref().map(|data| Comparison::new(data, SORTED, args.seed, &mut rng));
    let c = match &comparison {
        Some(comparison) => comparison.conditions().clone(),
        None => drawn_conditions(model, SAMPLES, args.seed)?,
    };
    let x_0 = source.starts(args.seed, c.rows(), model.mlp.data_dim());
    let (solver, own) = (model.solver(None, None)?, file.solver(None, None)?);
    let of = sample(&file.mlp, &own, &x_0, &c);
    let float = sampling::integrate(&model.mlp, &solver, &x_0, &c);
    if let Some(comparison) = &comparison {
        let mut data = float.clone();
        data.rows_mut().for_each(|x| model.mlp.to_data_units(x));
        let float = comparison.distance(&data);
        let before = before.map(|before| -> Result<Distance> {
            let bytes = export(model, before)?.to_bytes()?;
            let before = HeapMlp::try_from_safetensors(&bytes)?;
            Ok(comparison.distance(&sample(&before, &own, &x_0, &c).data))
        });
        let before = before.transpose()?;
        distances(text, comparison.distance(&of.data), float, before)?;
    }
    let Difference { rms, worst } = difference(&of.flow, &float);
    writeln!(
        text,
        "  difference  {rms:.2e} rms, {worst:.2e} at most, from the float model's samples\n\
         {:14}({} of the same noise, in standard deviations)",
        "",
        count(x_0.rows(), "sample")
    )?;
    Ok(())
}

/// Writes the distances of the integer model, the float model and the integer model before tuning.
fn distances(
    text: &mut String,
    own: Distance,
    float: Distance,
    before: Option<Distance>,
) -> Result<()> {
    let value = |distance: Distance| match distance {
        Distance::Wasserstein { model, .. } => Some(format!("{model:.4}")),
        Distance::Energy { value, .. } => value.map(|value| format!("{value:.4}")),
    };
    let (Some(own_value), Some(float_value)) = (value(own), value(float)) else { return Ok(()) };
    let before = before.and_then(value);
    let before = before.map_or(String::new(), |before| format!(", {before} before the tuning"));
    writeln!(
        text,
        "  distance    {own_value} to the target, {float_value} of the float model{before}\n\
         {:14}({})",
        "",
        match own {
            Distance::Wasserstein { real, .. } =>
                format!("first Wasserstein distance; {real:.4} between two sets of real data"),
            Distance::Energy { error, .. } =>
                format!("squared energy distance without bias, ± {error:.4}"),
        }
    )?;
    Ok(())
}

/// Describes the weights and their bytes.
fn weights_line(integer: &IntegerModel, model: &Model, bytes: usize) -> String {
    let own = integer.bytes();
    let float = 4 * model.shape().parameters();
    format!(
        "{} between hidden layers; {} bytes with biases and shifts, {} in floats; the file has {}",
        integer.weights.name(),
        thousands(own),
        thousands(float),
        thousands(bytes)
    )
}

/// Returns fraction bits as a list for people.
pub(super) fn listed(bits: &[i8]) -> String {
    bits.iter().map(i8::to_string).collect::<Vec<_>>().join(", ")
}
