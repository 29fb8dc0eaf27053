//! `flowlet report`: the pictures that explain a model, in one page.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::ValueHint;

use super::bar::parts;
use super::losses::measurements;
use super::output::{Force, condition, create_directory, note, open, print, tell};
use super::real;
use crate::config::Config;
use crate::config::list::List;
use crate::coupling::Coupling;
use crate::coupling::dataset::{Dataset, Real};
use crate::data::random::{Stream, generator};
use crate::data::table_options::TableOptions;
use crate::data::{ConditionColumn, Matrix, Target};
use crate::disk::memory;
use crate::disk::names::{METRICS_FILE, MODEL_FILE, REPORT_FILE};
use crate::disk::output::{Output, write_all};
use crate::judge::losses::Overfitting;
use crate::model::Model;
use crate::report::chart::number;
use crate::report::{Known, Page, Shown, Subject, figures, raster, text};
use crate::training::metrics::Measurement;

const EXAMPLES: &str = "\
Examples:
  flowlet report runs/mixture
  flowlet report runs/points --condition cat --out figures
  flowlet report model.safetensors --data points.csv --terminal";

/// Draw the pictures that explain a model, as one HTML page
///
/// Draws from the model's weights, with the runtime that programs embed. The page is RUN/report.html, or NAME.html
/// beside a file NAME.safetensors. It loads nothing from the network.
///
/// For one dimension: source and target, reference paths, the average and the learned velocity field, one path step
/// by step, samples against the target. For two and more: samples beside the target, paths, the field as arrows, the
/// flow as an animation, each class, each coordinate, pairs of coordinates. For all models: the loss, and samples in
/// few and in many steps.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run
    model: PathBuf,
    /// Output directory for the page and for each figure as SVG and PNG, and as GIF if it moves
    /// [default: write the page alone, beside the model]
    #[arg(long, value_name = "DIR", conflicts_with = "terminal")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
    /// Print the histogram and the loss as text; write no file
    #[arg(long)]
    terminal: bool,
    /// Data to compare with: a preset, or a file with the model's columns; - is standard input (text or NPY) [default:
    /// the run's data, found by the config.toml beside the model]
    #[arg(long, value_name = "PRESET|FILE", value_hint = ValueHint::AnyPath)]
    data: Option<String>,
    /// Condition of the fields and paths that are drawn: a value for each condition column, or all C numbers,
    /// separated by commas [default: the first category, the mean of numbers]
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true)]
    condition: Option<List>,
    /// Seed of the starting points and of the choice of data
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    table: TableOptions,
}

/// The bytes of addresses that drawing the figures reserves, found by trying `ulimit -v`: at most 400 MB with two
/// threads, 900 MB with eight.
const ADDRESSES: f64 = 200e6;

/// The bytes of addresses that each thread reserves.
const ADDRESSES_OF_A_THREAD: f64 = 100e6;

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    if args.out.is_some() {
        raster::check()?;
    }
    if !args.terminal {
        let threads = rayon::current_num_threads() as f64;
        memory::check_limit(ADDRESSES + threads * ADDRESSES_OF_A_THREAD, "drawing a report")?;
    }
    let model = open(&args.model)?;
    let page = match &args.out {
        Some(directory) => directory.join(REPORT_FILE),
        None => beside(&model.path),
    };
    let mut inputs = real::inputs(&model, args.data.as_deref());
    inputs.push(model.path.with_file_name(METRICS_FILE));
    // Checked before the work: no page is drawn if it must not be written.
    if let Some(directory) = &args.out {
        create_directory(directory)?;
    }
    if !args.terminal {
        Output::open(&page, args.force.force, &inputs)?;
    }
    let mut notes = Vec::new();
    let shown = shown(&model, args.condition.as_ref())?;
    let (known, source) = data(args, &model, &mut notes)?;
    let metrics = measurements(&model.path.with_file_name(METRICS_FILE), &mut notes);
    notes.extend(overfitting(&metrics, &model));
    let name = name(&args.model);
    let units = model.units()?;
    let seed = args.seed;
    let subject = Subject { model, name, units, source, known, metrics, shown, seed };
    for said in &notes {
        note(format_args!("note: {said}"));
    }
    if args.terminal {
        print(&text(&subject)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    write(&subject, &notes, &page, args.out.is_some(), (args.force.force, &inputs))?;
    tell(&format!("{}\n", page.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the path of a model's page: report.html in the directory of a run, or NAME.html beside a model
/// file NAME.safetensors.
fn beside(model: &Path) -> PathBuf {
    if model.file_name().is_some_and(|name| name == MODEL_FILE) {
        model.with_file_name(REPORT_FILE)
    } else {
        model.with_extension("html")
    }
}

/// Writes the page of a run that has just been trained to its directory. Returns the page's path.
pub(super) fn of_run(directory: &Path, config: &Config, dataset: Dataset) -> Result<PathBuf> {
    let model = Model::open(directory)?;
    let mut notes = Vec::new();
    let metrics = measurements(&directory.join(METRICS_FILE), &mut notes);
    notes.extend(overfitting(&metrics, &model));
    let subject = Subject {
        name: name(directory),
        units: dataset.units.clone(),
        shown: shown(&model, None)?,
        source: dataset.source.clone(),
        known: Some(known(config, dataset)?),
        model,
        metrics,
        seed: 0,
    };
    let page = directory.join(REPORT_FILE);
    // Replaces the page of the run: the directory is its own.
    write(&subject, &notes, &page, false, (true, &[]))?;
    Ok(page)
}

/// Writes the page, and with `files` each figure beside it. Replaces existing files only with `force`, and never
/// one of `inputs`.
fn write(
    subject: &Subject,
    notes: &[String],
    path: &Path,
    files: bool,
    (force, inputs): (bool, &[PathBuf]),
) -> Result<()> {
    let bar = parts(0)?;
    let figures = figures(subject, |parts| {
        bar.set_length(parts as u64);
        bar.inc(1);
    });
    bar.finish_and_clear();
    let page = Page::new(subject, &figures?, notes, files)?;
    let beside = |name: &String| path.with_file_name(name);
    let files = page.files.iter().map(|(name, bytes)| (beside(name), bytes.as_slice()));
    let all: Vec<_> = files.chain([(path.to_path_buf(), page.html.as_bytes())]).collect();
    write_all(&all, force, inputs)
}

/// Returns the data of `--data`, or those of the run, and the source distribution. If the run's data cannot be
/// read, the report leaves out the figures that need them, and a note says so. If `--data` cannot be read, or the
/// run's files hold other data, that is an error.
fn data(
    args: &Args,
    model: &Model,
    notes: &mut Vec<String>,
) -> Result<(Option<Known>, crate::coupling::source::Source)> {
    if let Some(name) = &args.data {
        let real = real::named(name, model, args.table)?;
        return Ok((Some(of_real(real, model)?), real::source(model)?));
    }
    match real::read(model) {
        Ok(Some((config, dataset))) => {
            real::check(model, &config, &dataset)?;
            let source = dataset.source.clone();
            Ok((Some(known(&config, dataset)?), source))
        }
        Ok(None) => {
            notes.push(
                "There is no config.toml beside the model, so its data are unknown and the figures that need \
                 them are left out. Give --data a preset or a file."
                    .to_string(),
            );
            Ok((None, model.source()?))
        }
        Err(error) => {
            notes.push(format!(
                "The data could not be read, and the figures that need them are left out: {error:#}"
            ));
            Ok((None, model.source()?))
        }
    }
}

fn known(config: &Config, dataset: Dataset) -> Result<Known> {
    let train = &config.train;
    let coupling = Coupling::new(
        train.coupling,
        &dataset.conditions,
        train.condition_ratio,
        train.force_transport,
    )?;
    let Dataset { real, target, .. } = dataset;
    let transport_size = train.transport_size.max(train.batch_size);
    Ok(Known { real, target, coupling, transport_size })
}

/// `--data` names no coupling: assume independent pairs.
fn of_real(real: Real, model: &Model) -> Result<Known> {
    let units = model.units()?;
    let rng = generator(0, Stream::Target);
    let target = match &real {
        Real::Distribution { distribution, by_class } => {
            Target::draws(distribution.clone(), *by_class, units.data, rng)
        }
        Real::Rows { held_out, .. } => {
            Target::rows(Arc::clone(held_out), units.data, units.condition, rng)
        }
    };
    Ok(Known { real, target, coupling: Coupling::Independent, transport_size: 1024 })
}

/// Returns the note of a run that overfits.
fn overfitting(metrics: &[Measurement], model: &Model) -> Option<String> {
    Overfitting::find(metrics, model.description.kept_iteration).map(|found| format!("{found}."))
}

/// Returns the condition given by `--condition`, or the first category and the mean of numbers.
fn shown(model: &Model, asked: Option<&List>) -> Result<Shown> {
    let columns = model.condition_columns();
    if model.mlp.condition_dim() == 0 {
        if asked.is_some() {
            bail!("the model has no conditions: leave --condition out");
        }
        return Ok(Shown { c: Vec::new(), names: Vec::new() });
    }
    let c = match asked {
        Some(_) => condition(model, asked)?,
        None => {
            let mut c = model.mlp.null_condition().to_vec();
            for (own, condition) in ConditionColumn::with_columns(&columns) {
                if condition.categories.is_some() {
                    c[own.clone()].fill(0.0);
                    c[own.start] = 1.0;
                }
            }
            let width = c.len();
            Matrix::new(c, 1, width)
        }
    };
    let names = describe(&columns, c.row(0));
    Ok(Shown { c: c.row(0).to_vec(), names })
}

/// Returns the conditions as text, such as `label = cat` and `speed = 0.5`.
fn describe(columns: &[ConditionColumn], c: &[f32]) -> Vec<String> {
    let describe = |(own, condition): (Range<usize>, &ConditionColumn)| {
        let values = &c[own];
        match &condition.categories {
            Some(categories) => {
                let chosen = values.iter().position(|&value| value == 1.0);
                let category = chosen.map_or("none", |chosen| categories[chosen].as_str());
                format!("{} = {category}", condition.name)
            }
            None => format!("{} = {}", condition.name, number(values[0].into())),
        }
    };
    let described: Vec<String> = ConditionColumn::with_columns(columns).map(describe).collect();
    let asked = described.into_iter().zip(columns).filter(|(_, column)| column.has_choice());
    asked.map(|(text, _)| text).collect()
}

/// Returns the last component of a path, after `.` and links are resolved.
fn name(path: &Path) -> String {
    let whole = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    whole.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}
