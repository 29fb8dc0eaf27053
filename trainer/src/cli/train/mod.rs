//! `flowlet train`: trains a model on data, exports it and verifies it.

mod settings;
mod summary;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use flowlet::SolverKind;

use self::settings::Settings;
use self::summary::summary;
use super::output::note;
use super::progress::Progress;
use super::report;
use crate::config::{Config, Flags};
use crate::coupling::dataset::{Dataset, Real};
use crate::data::Matrix;
use crate::data::random::{Stream, choose, generator};
use crate::disk::names::{CONFIG_FILE, GOLDEN_FILE, METRICS_FILE, MODEL_FILE};
use crate::disk::run_directory::RunDirectory;
use crate::judge::golden::Golden;
use crate::judge::judgement::judge;
use crate::judge::verify::verify;
use crate::model::description::Description;
use crate::model::self_test;
use crate::model::tuning;
use crate::model::{Model, export};
use crate::report::numbers::thousands;
use crate::training::checkpoint::Checkpoints;
use crate::training::metrics::{MetricsFile, row_every};
use crate::training::{Keep, check, phases, train};

const EXAMPLES: &str = "\
Examples:
  flowlet train mixture
  flowlet train points.csv --data x,y --condition label
  flowlet train --data actions.npy --conditions obs.npy --hidden-width 256
  flowlet train mixture --few-steps 1
  flowlet train runs/points/config.toml --seed 1 --out runs/points-1
  flowlet train --resume runs/points";

/// Train a model, export it, and verify it
///
/// TARGET is a preset (mixture, moons, 8gaussians, checkerboard, swissroll), a configuration file (.toml), or a data
/// file (.csv, .tsv, .npy, .safetensors). Options override the configuration.
///
/// The directory of the run receives the model (model.safetensors), the golden outputs that the runtime is verified
/// against (golden.safetensors), the resolved configuration (config.toml) and the losses (metrics.csv). Ctrl-C stops
/// the training and keeps what was trained; --resume continues it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Continue a run that was stopped or killed. The model's bytes are those of an uninterrupted run
    #[arg(long, value_name = "RUN", conflicts_with_all = ["target", "data", Flags::GROUP, "out", "force"])]
    resume: Option<PathBuf>,
    /// Directory of the run [default: runs/NAME, after the target]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an existing run
    #[arg(long)]
    force: bool,
    /// Write the report of the run at its end, as `flowlet report` does
    #[arg(long)]
    report: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let (directory, config, dataset, run) = match &args.resume {
        Some(directory) => {
            let run = RunDirectory::resume(directory)?;
            let config = Config::read(&run.path().join(CONFIG_FILE))?;
            config.check()?;
            let dataset = Dataset::open(&config)?;
            (directory.clone(), config, dataset, run)
        }
        None => {
            let (config, name) = args.settings.resolve()?;
            config.check()?;
            let directory = args.out.clone().unwrap_or_else(|| Path::new("runs").join(name));
            let dataset = Dataset::open(&config)?;
            check(&config, &dataset)?;
            let run = RunDirectory::create(&directory, args.force)?;
            (directory, config, dataset, run)
        }
    };
    for warning in &dataset.warnings {
        note(format_args!("warning: {warning}"));
    }
    if let Some(replaced) = run.replaces() {
        note(format_args!(
            "{} replaces {} when it is done",
            run.path().display(),
            replaced.display()
        ));
    }
    let data = dataset.digest();
    let digest = config.digest(&data)?;
    let checkpoints = Checkpoints::new(run.path(), digest.clone(), data);
    if args.resume.is_none() {
        checkpoints.clear()?;
        run.write(CONFIG_FILE, config.to_toml()?.as_bytes())?;
    }
    let resumed = checkpoints.read()?;
    let keep = Keep { directory: run.path().to_path_buf(), checkpoints, resumed };

    let phases = phases(&config);
    let total = phases.iter().map(|(_, iterations)| iterations).sum();
    let done = keep.resumed.as_ref().map(|checkpoint| (checkpoint.phase, checkpoint.iteration));
    let before = done.map_or(0, |(phase, iteration)| {
        phases[..phase].iter().map(|(_, iterations)| iterations).sum::<usize>() + iteration
    });
    if args.resume.is_some() {
        note(format_args!(
            "continuing after {} of {} iterations",
            thousands(before),
            thousands(total)
        ));
    }
    let rows = done.map(|(phase, iteration)| (phase, iteration, row_every(phases[phase].1)));
    let metrics = MetricsFile::create(&run.path().join(METRICS_FILE), rows)?;
    let mut progress = Progress::new(total, before, metrics)?;
    let trained = train(&config, &dataset, &mut progress, Some(&keep));
    progress.finish();
    let trained = trained?;
    if trained.stopped {
        let (name, iterations) = phases[trained.phase];
        note(format_args!(
            "stopped after {} of {} iterations ({name}); continue with `flowlet train --resume {}`",
            thousands(trained.losses.len()),
            thousands(iterations),
            directory.display()
        ));
        if trained.phase + 1 < phases.len() {
            return Ok(ExitCode::from(130));
        }
    }

    let description = Description {
        solver: Some(SolverKind::Euler),
        steps: Some(config.steps()),
        source: dataset.source.name(&config.source),
        data_columns: dataset.data_columns.clone(),
        conditions: dataset.conditions.clone(),
        seed: Some(config.seed),
        config: Some(digest),
    };
    let mut file = export(&trained.network, &dataset.units, &description)?;
    if let Some(times) = &trained.times {
        tuning::apply(&mut file, SolverKind::Euler, times)?;
    }
    self_test::add(&mut file).context("the trained model is not valid")?;
    let bytes = file.to_bytes()?;
    let model = Model::parse(&bytes, run.path().join(MODEL_FILE))
        .context("the trained model is not valid")?;
    // Written before verification, since training may have taken hours and a later step may fail.
    run.write(MODEL_FILE, &bytes)?;
    let golden = Golden::make(&model, &golden_conditions(&dataset.real, config.seed), config.seed)?;
    let verified = verify(&model, &golden)?;
    let judgement = judge(&model, &model.solver(None, None)?, &dataset, config.seed)?;
    run.write(GOLDEN_FILE, &golden.to_bytes()?)?;
    if !trained.stopped {
        run.finish()?;
    }
    let summary = summary(&directory, &config, &trained, &model, &verified, &judgement)?;
    io::stdout().write_all(summary.as_bytes())?;
    if args.report {
        let at = if trained.stopped { &keep.directory } else { &directory };
        let page = report::of_run(at, &config, dataset)
            .context("the model is complete, but its report could not be written")?;
        println!("  report      {}", page.display());
    }
    Ok(if verified.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Returns conditions of real data in the user's units, `[n][C]`, for the golden paths.
fn golden_conditions(real: &Real, seed: u64) -> Matrix {
    const ROWS: usize = 256;
    let mut rng = generator(seed, Stream::Evaluation);
    match real {
        Real::Distribution { distribution, by_class } => {
            distribution.draw(ROWS, *by_class, &mut rng).c
        }
        Real::Rows { train, .. } => train.c.select(&choose(train.c.rows(), ROWS, &mut rng)),
    }
}
