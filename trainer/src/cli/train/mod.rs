//! `flowlet train`: trains a model on data, exports it and verifies it.

mod outlook;
mod settings;
mod sizing;
mod summary;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use flowlet::SolverKind;

use self::outlook::outlook;
use self::settings::Settings;
use self::summary::{Judged, summary};
use super::interrupt::Interrupts;
use super::losses::measurements;
use super::output::{note, tell};
use super::progress::Progress;
use super::quantize::{self, weights_parser};
use super::report;
use crate::config::words::DeviceKind;
use crate::coupling::dataset::{Dataset, Real};
use crate::data::Matrix;
use crate::data::random::{Stream, choose, generator};
use crate::disk::names::{CONFIG_FILE, GOLDEN_FILE, METRICS_FILE, MODEL_FILE};
use crate::disk::run_directory::RunDirectory;
use crate::judge::golden::Golden;
use crate::judge::judgement::judge;
use crate::judge::losses::Overfitting;
use crate::judge::pairs::nearness;
use crate::judge::verify::verify;
use crate::model::self_test;
use crate::model::tuning;
use crate::model::{Model, add_kinds, export};
use crate::quantize::Weights;
use crate::report::numbers::thousands;
use crate::training::checkpoint::Checkpoints;
use crate::training::metrics::{Done, MetricsFile};
use crate::training::{Keep, check, check_device, description, phases, resolve, train};

const EXAMPLES: &str = "\
Examples:
  flowlet train mixture
  flowlet train points.csv --data x,y --condition label
  flowlet train points.csv --seconds 60
  flowlet train --data actions.npy --conditions obs.npy --hidden-width 256
  flowlet train frames.csv --data dx,dy --condition x,y --window 8 --group episode
  flowlet train mixture --few-steps 1
  flowlet train --pairs teacher.npz --few-steps 4
  flowlet train runs/points/config.toml --seed 1 --out runs/points-1
  flowlet train --resume runs/points";

/// Train a model, export it, and verify it
///
/// TARGET is a preset (mixture, moons, 8gaussians, checkerboard, swissroll), a configuration file (.toml), or a data
/// file: .csv, .tsv, .txt, .dat, .jsonl, .npy, .npz, .safetensors or .parquet, perhaps followed by .gz or .zst. What
/// separates the cells of text is found out if there is only one reading. Options override the configuration. File names in a configuration are
/// relative to its own directory.
///
/// Trajectories: with --window, the rows of the file are frames, and each window of an episode is a row for the model. Its
/// data are those of K frames, NAME+0, NAME+1 and so on; its conditions those of its first frame, and of frames before it
/// with --history. TARGET may also be the directory of a data set of LeRobot.
///
/// The directory of the run receives the model (model.safetensors), the golden outputs that the runtime is verified
/// against (golden.safetensors), the resolved configuration (config.toml) and the losses (metrics.csv). Ctrl-C,
/// SIGTERM and SIGHUP stop the training and keep what was trained; --resume continues it.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    settings: Settings,
    /// Continue a run that was stopped or killed. The model's bytes are those of an uninterrupted run. If data files
    /// have been moved, name them with --data, --conditions and --source
    #[arg(long, value_name = "RUN", conflicts_with_all = ["target", "out", "force"])]
    resume: Option<PathBuf>,
    /// Directory of the run [default: runs/NAME, after the target]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an existing run, when the new one is complete
    #[arg(long)]
    force: bool,
    /// Write the report of the run at its end, as `flowlet report` does
    #[arg(long)]
    report: bool,
    /// Make a model in whole numbers at the end, as `flowlet quantize` does: i16, i8 or i4
    #[arg(long, value_name = "TYPE", value_parser = weights_parser())]
    weights: Option<Weights>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let interrupts = Interrupts::new()?;
    let (directory, mut config, dataset, run) = match &args.resume {
        Some(directory) => {
            let Some(run) = RunDirectory::resume(directory)? else {
                note(format_args!(
                    "{} holds a complete run: there is nothing to resume",
                    directory.display()
                ));
                return Ok(ExitCode::SUCCESS);
            };
            let path = run.path().join(CONFIG_FILE);
            let mut config = args.settings.resume(&path)?;
            config.check()?;
            config.train.device = chosen(config.train.device);
            check_device(config.train.device).with_context(|| {
                format!(
                    "{} is trained on {}, and cannot be resumed on another device: resume it on a machine that has \
                     one, or train a new run with --device cpu",
                    directory.display(),
                    config.train.device.name()
                )
            })?;
            let dataset = Dataset::open(&config)?;
            let found = dataset.digest();
            ensure!(
                config.data.digest.as_ref().is_none_or(|digest| *digest == found),
                "{}: the data files have changed since the run started (expected the digest {}, found {found}): \
                 restore them, name the moved files with --data, or train a new run without --resume",
                config.file_names().unwrap_or_default(),
                config.data.digest.unwrap_or_default()
            );
            check_weights(args, directory)?;
            (directory.clone(), config, dataset, run)
        }
        None => {
            let (mut config, sizing, name) = args.settings.resolve()?;
            config.check()?;
            config.train.device = chosen(config.train.device);
            let directory = args.out.clone().unwrap_or_else(|| Path::new("runs").join(name));
            check_weights(args, &directory)?;
            let dataset = Dataset::open(&config)?;
            sizing.apply(&mut config, &dataset)?;
            check(&config, &dataset)?;
            let run = RunDirectory::create(&directory, args.force, &config.files())?;
            // Last, since it takes seconds.
            sizing.fit(&mut config, &dataset)?;
            (directory, config, dataset, run)
        }
    };
    dataset.notes.iter().for_each(note);
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
    config.data.digest = config.reads_inputs().then(|| data.clone());
    let phases = phases(&config);
    let checkpoints = Checkpoints::new(run.anchor().clone(), digest.clone(), data);
    if args.resume.is_none() {
        checkpoints.clear()?;
    }
    let resumed = checkpoints.read()?;
    // Also for a resumed run, since its data files may have moved.
    run.write(CONFIG_FILE, config.placed_in(run.path())?.to_toml()?.as_bytes())?;
    let keep = Keep { checkpoints, resumed };

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
    let done = done.map(|(phase, iteration)| Done { phase, iteration, of: phases[phase].1 });
    let metrics = MetricsFile::create(&run.path().join(METRICS_FILE), done)?;
    interrupts.defer()?;
    let mut progress = Progress::new(total, before, metrics, interrupts.clone())?;
    let trained = train(&config, &dataset, &mut progress, Some(&keep));
    progress.finish();
    let trained = trained?;
    let stopped = |what: &str| {
        note(format_args!(
            "stopped {what}; continue with `flowlet train --resume {}`",
            directory.display()
        ));
        Ok(interrupts.exit_code())
    };
    let so_far = || {
        let (name, iterations) = phases[trained.phase];
        let done = thousands(trained.losses.iterations());
        format!("after {done} of {} iterations ({name})", thousands(iterations))
    };
    // A student has no model before the last phase.
    if trained.stopped && trained.phase + 1 < phases.len() {
        return stopped(&so_far());
    }

    let mut description = description(&config, &dataset, &digest);
    description.kept_iteration = trained.chosen.map(|chosen| chosen.iteration);
    let mut file = export(&trained.network, &dataset.units, &description)?;
    add_kinds(&mut file, &dataset.kinds);
    if let Some(times) = &trained.times {
        tuning::apply(&mut file, SolverKind::Euler, times)?;
    }
    self_test::add(&mut file).context("the trained model is not valid")?;
    let bytes = file.to_bytes()?;
    let model = Model::parse(&bytes, run.path().join(MODEL_FILE))
        .context("the trained model is not valid")?;
    // Written before verification, since training may have taken hours and a later step may fail.
    run.write(MODEL_FILE, &bytes)?;
    if trained.stopped {
        return stopped(&so_far());
    }
    // The last checkpoint and the model are on the disk. A resumed run repeats what follows.
    interrupts.at_once();
    if interrupts.caught() {
        return stopped("after training, before the model was verified");
    }
    let conditions = golden_conditions(&dataset.real, config.seed);
    let golden = Golden::make(&model, &dataset.source, &conditions, config.seed)?;
    let verified = verify(&model, &golden)?;
    let notes = dataset.notes.clone();
    let solver = model.solver(None, None)?;
    let judgement = judge(&model, &solver, &dataset, config.seed)?;
    let teacher = dataset.pairs.as_ref();
    let teacher = teacher.and_then(|pairs| nearness(&model, &solver, &pairs.held_out));
    run.write(GOLDEN_FILE, &golden.to_bytes()?)?;
    let rows = measurements(&run.path().join(METRICS_FILE), &mut Vec::new());
    run.finish()?;
    let judged = Judged {
        verified: &verified,
        judgement: &judgement,
        teacher,
        overfitting: Overfitting::find(&rows, None),
        outlook: outlook(&rows),
        notes: &notes,
        selected_on: dataset.selected_on,
    };
    let summary = summary(&directory, &config, &trained, &model, &judged)?;
    let printed = tell(&summary);
    if args.report {
        let page = report::of_run(&directory, &config, dataset)
            .context("the model is complete, but its report could not be written")?;
        tell(&format!("  report      {}\n", page.display()))?;
    }
    printed?;
    if let Some(weights) = args.weights {
        let passes = quantize::of_run(&directory, weights, config.seed, args.force)
            .context("the model is complete, but no integer model could be made of it")?;
        if !passes {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(if verified.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks that the integer model of `--weights` may be written.
fn check_weights(args: &Args, directory: &Path) -> Result<()> {
    args.weights.map_or(Ok(()), |weights| quantize::check_free(directory, weights, args.force))
}

/// Returns the device that `kind` stands for on this machine. Prints it if `kind` is `auto`.
fn chosen(kind: DeviceKind) -> DeviceKind {
    let device = resolve(kind);
    if kind == DeviceKind::Auto {
        note(format_args!("--device auto: training on {}", device.name()));
    }
    device
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
