//! `flowlet train`: from data to a verified model.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use flowlet::SolverKind;
use rand::seq::SliceRandom;

use super::list::List;
use super::output::note;
use super::progress::Progress;
use super::report;
use crate::checkpoint::Checkpoints;
use crate::config::{Config, preset};
use crate::coupling::CouplingKind;
use crate::data::Matrix;
use crate::dataset::{Dataset, Real};
use crate::description::Description;
use crate::golden::{GOLDEN_FILE, Golden};
use crate::judgement::{FEW, Judgement, judge};
use crate::metrics::{MetricsFile, row_every};
use crate::model::{MODEL_FILE, Model, export};
use crate::numbers::thousands;
use crate::random::{Stream, generator};
use crate::run_directory::{CONFIG_FILE, METRICS_FILE, RunDirectory};
use crate::schedule::Decay;
use crate::self_test;
use crate::times::Times;
use crate::training::{Keep, Trained, check, phases, train};
use crate::tuning;
use crate::verify::{Report, verify};

/// Train a model, export it, and verify the runtime against the trainer.
///
/// TARGET is a preset (mixture, moons, 8gaussians, checkerboard, swissroll), a configuration
/// (.toml), or data (.csv, .tsv, .npy, .safetensors). Flags override a configuration.
///
/// The run's directory gets model.safetensors, golden.safetensors, config.toml and metrics.csv.
///
/// Examples:
///   flowlet train mixture
///   flowlet train points.csv --data x,y --condition label
///   flowlet train --data actions.npy --conditions obs.npy --hidden-width 256
///   flowlet train runs/points/config.toml --seed 1 --out runs/points-1
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A preset, a configuration file, or a data file
    #[arg(value_name = "TARGET")]
    target: Option<String>,

    /// Data columns by name, number or range, separated by commas (x,y or 0..112); without TARGET:
    /// the data file
    #[arg(long, value_name = "COLUMNS|FILE", help_heading = "Data")]
    data: Option<String>,
    /// Condition columns; text becomes one-hot. For a preset: class
    #[arg(long, value_name = "COLUMNS", help_heading = "Data")]
    condition: Option<List>,
    /// A file whose columns are all conditions, row by row
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    conditions: Option<PathBuf>,
    /// Numeric condition columns that are categories, one-hot like text
    #[arg(long, value_name = "COLUMNS", help_heading = "Data")]
    categorical: Option<List>,
    /// The part of the rows that is kept from training, to judge the model by [default: 0.1]
    #[arg(long, value_name = "PART", allow_negative_numbers = true, help_heading = "Data")]
    holdout: Option<f64>,
    /// Rows that agree in this column (an episode, say) are held out together
    #[arg(long, value_name = "COLUMN", help_heading = "Data")]
    group: Option<String>,
    /// Bring data and numeric conditions to mean 0 and standard deviation 1; --standardize=false
    /// leaves them in their own units [default: true; for mixture: false]
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Data"
    )]
    standardize: Option<bool>,
    /// Skip and count rows with missing or non-finite values, rather than refuse them
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Data"
    )]
    skip_invalid: Option<bool>,
    /// Refuse constant data columns, rather than warn of them
    #[arg(
        long,
        value_name = "BOOL",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        help_heading = "Data"
    )]
    strict: Option<bool>,

    /// Where paths begin: normal, a preset, or a data file in the units of the data
    /// [default: normal]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Data")]
    source: Option<String>,

    /// Units in each hidden layer, H [default: 64]
    #[arg(long, value_name = "H", help_heading = "Model")]
    hidden_width: Option<usize>,
    /// Hidden-to-hidden layers, L [default: 1]
    #[arg(long, value_name = "L", help_heading = "Model")]
    hidden_layers: Option<usize>,
    /// gelu, gelu_tanh, silu, selu, tanh or relu [default: gelu]
    #[arg(long, value_name = "NAME", help_heading = "Model")]
    activation: Option<String>,

    /// Optimiser steps [default: 10000]
    #[arg(long, value_name = "N", help_heading = "Training")]
    iterations: Option<usize>,
    /// Samples a step [default: 256]
    #[arg(long, value_name = "B", help_heading = "Training")]
    batch_size: Option<usize>,
    /// Adam's step length [default: 0.001]
    #[arg(long, value_name = "RATE", help_heading = "Training")]
    learning_rate: Option<f64>,
    /// How the learning rate goes after its warm-up [default: constant]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Training")]
    schedule: Option<Decay>,
    /// Iterations in which the learning rate rises from 0 [default: 0]
    #[arg(long, value_name = "N", help_heading = "Training")]
    warmup: Option<usize>,
    /// AdamW's weight decay [default: 0]
    #[arg(long, value_name = "W", help_heading = "Training")]
    weight_decay: Option<f64>,
    /// The longest gradient; 0 for none [default: 0]
    #[arg(long, value_name = "NORM", help_heading = "Training")]
    gradient_clip: Option<f64>,
    /// The decay of the weights' moving average, which is exported; 0 for none [default: 0]
    #[arg(long, value_name = "DECAY", help_heading = "Training")]
    ema: Option<f64>,
    /// How noise and data are paired [default: independent]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "Training")]
    coupling: Option<CouplingKind>,
    /// Points that are paired at once, if pairs are transported [default: 1024]
    #[arg(long, value_name = "N", help_heading = "Training")]
    transport_size: Option<usize>,
    /// The smaller, the more numeric conditions keep pairs apart (C²OT's r) [default: 0.05]
    #[arg(long, value_name = "R", help_heading = "Training")]
    condition_ratio: Option<f64>,
    /// Take plain transport even for a conditional model
    #[arg(long, help_heading = "Training")]
    force_transport: bool,
    /// Training times: uniform, logit-normal[:MEAN,STD] or beta:ALPHA,BETA [default: uniform]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    time: Option<Times>,
    /// The part of conditions that are replaced by none, for guidance [default: 0]
    #[arg(long, value_name = "PART", help_heading = "Training")]
    label_dropout: Option<f64>,
    /// Seconds between two checkpoints [default: 60]
    #[arg(long, value_name = "S", help_heading = "Training")]
    checkpoint_seconds: Option<u64>,
    /// auto, cpu or cuda [default: auto]
    #[arg(long, value_name = "NAME", help_heading = "Training")]
    device: Option<String>,
    /// Of all random numbers: the same seed gives the same model, to the byte [default: 0]
    #[arg(long, value_name = "K", help_heading = "Training")]
    seed: Option<u64>,
    /// Solver steps that the model is made for and judged by [default: 50]
    #[arg(long, value_name = "N", help_heading = "Training")]
    steps: Option<usize>,

    /// Train a teacher by transport, then a network that does in N steps what the teacher does in
    /// many. Unless TARGET is a configuration file or a flag says otherwise: conditional-transport,
    /// cosine, 0.002, an average of 0.999
    #[arg(long, value_name = "N", help_heading = "Few steps")]
    few_steps: Option<usize>,
    /// The teacher's hidden width [default: 128]
    #[arg(long, value_name = "H", help_heading = "Few steps")]
    teacher_hidden_width: Option<usize>,
    /// The teacher's hidden-to-hidden layers [default: 2]
    #[arg(long, value_name = "L", help_heading = "Few steps")]
    teacher_hidden_layers: Option<usize>,

    /// Go on with a run that was stopped or killed: to the bytes that it would have had
    #[arg(long, value_name = "RUN", exclusive = true)]
    resume: Option<PathBuf>,
    /// The run's directory [default: runs/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace an existing run
    #[arg(long)]
    force: bool,
    /// Draw every picture of the run at its end, as `flowlet report` does
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
            let (config, name) = resolve(args)?;
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
            "{} takes the place of {} when it is done",
            run.path().display(),
            replaced.display()
        ));
    }
    let checkpoints = Checkpoints::new(run.path(), config.digest()?, dataset.digest());
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
            "going on after {} of {} iterations",
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
            "stopped after {} of {} iterations ({name}); go on by `flowlet train --resume {}`",
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
        config: Some(config.digest()?),
    };
    let mut file = export(&trained.network, &dataset.units, &description)?;
    if let Some(times) = &trained.times {
        tuning::apply(&mut file, SolverKind::Euler, times)?;
    }
    self_test::add(&mut file).context("the trained model")?;
    let bytes = file.to_bytes()?;
    let model = Model::parse(&bytes, run.path().join(MODEL_FILE)).context("the trained model")?;
    // Before anything else can fail: it may have taken hours.
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
        let page =
            report::of_run(at, &config, dataset).context("the model is whole, but the report")?;
        println!("  report      {}", page.display());
    }
    Ok(if verified.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole configuration, and the name of the run.
fn resolve(args: &Args) -> Result<(Config, String)> {
    let (mut config, name) = match (&args.target, &args.data) {
        (Some(target), _) => open_target(target)?,
        (None, Some(file)) => open_target(file)?,
        (None, None) => bail!(
            "nothing to train on: name a preset, a configuration or a data file; \
             `flowlet train --help` has examples"
        ),
    };
    // A configuration file says itself how its teacher is trained.
    let is_file = args.target.as_ref().is_some_and(|target| target.ends_with(".toml"));
    if let (Some(steps @ 1..), false) = (args.few_steps, is_file) {
        config.take_few_steps(steps);
    }
    let Config { seed, data, source, model, train, few_steps, sample } = &mut config;
    if args.target.is_some() {
        let columns = |list: &String| list.parse().map(|List(columns)| columns);
        data.columns = args.data.as_ref().map(columns).transpose()?.or(data.columns.take());
    }
    set(&mut data.condition, &args.condition.clone().map(|List(columns)| columns));
    if args.conditions.is_some() {
        data.conditions.clone_from(&args.conditions);
    }
    set(&mut data.categorical, &args.categorical.clone().map(|List(columns)| columns));
    if args.group.is_some() {
        data.group.clone_from(&args.group);
    }
    set(&mut data.holdout, &args.holdout);
    set(&mut data.standardize, &args.standardize);
    set(&mut data.skip_invalid, &args.skip_invalid);
    set(&mut data.strict, &args.strict);
    set(&mut model.hidden_width, &args.hidden_width);
    set(&mut model.hidden_layers, &args.hidden_layers);
    set(&mut model.activation, &args.activation);
    set(&mut train.iterations, &args.iterations);
    set(&mut train.batch_size, &args.batch_size);
    set(&mut train.learning_rate, &args.learning_rate);
    set(&mut few_steps.steps, &args.few_steps);
    set(&mut few_steps.teacher_hidden_width, &args.teacher_hidden_width);
    set(&mut few_steps.teacher_hidden_layers, &args.teacher_hidden_layers);
    set(&mut source.distribution, &args.source);
    set(&mut train.schedule, &args.schedule);
    set(&mut train.warmup, &args.warmup);
    set(&mut train.weight_decay, &args.weight_decay);
    set(&mut train.gradient_clip, &args.gradient_clip);
    set(&mut train.ema, &args.ema);
    set(&mut train.coupling, &args.coupling);
    set(&mut train.transport_size, &args.transport_size);
    set(&mut train.condition_ratio, &args.condition_ratio);
    train.force_transport |= args.force_transport;
    set(&mut train.time, &args.time);
    set(&mut train.label_dropout, &args.label_dropout);
    set(&mut train.checkpoint_seconds, &args.checkpoint_seconds);
    set(&mut train.device, &args.device);
    set(seed, &args.seed);
    set(&mut sample.steps, &args.steps);
    Ok((config, name))
}

fn set<T: Clone>(value: &mut T, flag: &Option<T>) {
    if let Some(flag) = flag {
        value.clone_from(flag);
    }
}

fn open_target(target: &str) -> Result<(Config, String)> {
    if let Some(config) = preset(target) {
        return Ok((config, target.to_string()));
    }
    let path = Path::new(target);
    let stem = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    if path.extension().is_some_and(|extension| extension == "toml") {
        let config = Config::read(path)?;
        // A run's own configuration is named after the run.
        let parent = path.parent().and_then(stem).filter(|_| path.ends_with(CONFIG_FILE));
        return Ok((config, parent.or(stem(path)).unwrap_or_default()));
    }
    let mut config = Config::default();
    config.data.source = target.to_string();
    Ok((config, stem(path).unwrap_or_default()))
}

/// Real conditions in the user's units, for the golden paths.
fn golden_conditions(real: &Real, seed: u64) -> Matrix {
    const ROWS: usize = 256;
    let mut rng = generator(seed, Stream::Evaluation);
    match real {
        Real::Distribution { distribution, by_class } => {
            distribution.draw(ROWS, *by_class, &mut rng).c
        }
        Real::Rows { train, .. } => {
            let mut rows: Vec<usize> = (0..train.c.rows()).collect();
            rows.shuffle(&mut rng);
            rows.truncate(ROWS);
            train.c.select(&rows)
        }
    }
}

fn summary(
    directory: &Path,
    config: &Config,
    trained: &Trained,
    model: &Model,
    report: &Report,
    judgement: &Judgement,
) -> Result<String> {
    use std::fmt::Write;
    let mut text = String::new();
    let last = trained.losses.len();
    let Judgement { measure, model: distance, real, samples, judged_on, memory, .. } = judgement;
    let phases = phases(config);
    let done = |(k, (name, iterations)): (usize, &(&str, usize))| {
        let iterations = if k == trained.phase { last } else { *iterations };
        (iterations, format!("{} of {name}", thousands(iterations)))
    };
    let (iterations, names): (Vec<usize>, Vec<String>) =
        phases.iter().enumerate().map(done).unzip();
    writeln!(text, "{}", directory.display())?;
    writeln!(
        text,
        "  trained     {} iterations in {:.1} s",
        thousands(iterations.iter().sum::<usize>()),
        trained.seconds
    )?;
    if names.len() > 1 {
        writeln!(text, "{:14}({})", "", names.join(", "))?;
    }
    writeln!(
        text,
        "  loss        {:.4}, the mean of the last {} iterations",
        trained.recent_loss(),
        thousands(last.min(1000))
    )?;
    writeln!(
        text,
        "  distance    {distance:.4} to the target, {real:.4} between two sets of real data\n\
         {:14}({measure}, {} samples in {} steps, {judged_on})",
        "",
        thousands(*samples),
        config.steps()
    )?;
    if *samples < FEW {
        writeln!(text, "{:14}so few rows say little: hold out more by --holdout", "")?;
    }
    if let Some(memory) = memory {
        writeln!(
            text,
            "  memory      samples lie {:.4} from the nearest training row, held-out rows {:.4}",
            memory.samples, memory.held_out
        )?;
        if memory.nearer {
            writeln!(
                text,
                "{:14}samples lie nearer to training rows than held-out rows do: the model repeats\n\
                 {:14}what it saw. Fewer iterations, a smaller network or more rows would help",
                "", ""
            )?;
        }
    }
    writeln!(
        text,
        "  runtime     worst error {:.1e} against f64 (candle's f32: {:.1e}); {}",
        report.worst(),
        report.path.candle.max(report.velocity.candle),
        if report.passes() { "verified" } else { "OUT OF TOLERANCE" }
    )?;
    writeln!(
        text,
        "  model       {} weights, {} bytes; {:.1} µs a sample in {} steps on one core",
        thousands(model.shape().parameters()),
        thousands(model.bytes),
        judgement.seconds_per_sample * 1e6,
        config.steps()
    )?;
    if !report.passes() {
        writeln!(text, "\n{report}")?;
    }
    Ok(text)
}
