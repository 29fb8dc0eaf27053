//! `flowlet export`: a model in other languages and formats.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use flowlet::SolverKind;

use super::between::between;
use super::output::{Force, create_directory, note, open_any, tell};
use crate::config::words::solver_parser;
use crate::disk::input;
use crate::disk::names::MODEL_FILE;
use crate::disk::output::write_all;
use crate::export::layout::Layout;
use crate::export::name::Name;
use crate::export::{SolverChoice, onnx, rust, to_c};
use crate::model::locate;
use crate::report::numbers::thousands;

const EXAMPLES: &str = "\
Examples:
  flowlet export runs/mixture --to c
  flowlet export runs/mixture --to c --layout arduino --out mixture
  flowlet export runs/mixture-i8 --to c --name spawn --out src
  flowlet export runs/mixture --to rust
  flowlet export runs/mixture --to onnx --steps 8";

/// Write a model as C or Rust source, or in ONNX
///
/// C: one header and one source for C99 and C++11, which need no library and give the bits of the Rust runtime. Rust: a
/// crate that embeds the model. ONNX: velocity.onnx (inputs t, x and, in your units, c; x and the output v are in flow
/// units) and sampler.onnx (from the noise x_0, in flow units, and c to the sample x_1, in data units), which ONNX Runtime and
/// others run within rounding of flowlet's numbers. A model that takes guidance gets sampler_guided.onnx too, with the
/// weight as one more input.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run: floats or whole numbers
    model: PathBuf,
    /// Language or format
    #[arg(long, value_enum)]
    to: Language,
    /// Folder around the C files: plain (only the files), arduino (also for PlatformIO), esp-idf, zephyr or cmake
    #[arg(long, value_name = "LAYOUT", default_value = "plain", value_parser = layout_parser())]
    layout: Layout,
    /// Name of the files and the beginning of all names in them, a C identifier; for C and Rust [default: made of the
    /// model's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Solver [default: the one that the model was made for]
    #[arg(long, value_name = "NAME", value_parser = solver_parser())]
    solver: Option<SolverKind>,
    /// Number of solver steps [default: what the model was made for]
    #[arg(long, value_name = "N", value_parser = between(1, 10_000))]
    steps: Option<usize>,
    /// Directory to write into [default: beside the run's directory or the model's file, such as runs/mixture-c]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    force: Force,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Language {
    C,
    Rust,
    Onnx,
}

/// With more weights than this, a C compiler takes long and a microcontroller has no room: the user is told the size.
const MANY_WEIGHTS: usize = 500_000;

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let path = locate(&args.model)?;
    let model = open_any(&path)?;
    let stem = stem(&path);
    let name = match &args.name {
        Some(name) => Name::new(name)?,
        None => Name::from_file(&stem),
    };
    let choice = SolverChoice { kind: args.solver, steps: args.steps };
    ensure!(
        args.to == Language::C || args.layout == Layout::Plain,
        "--layout {}: the layouts are for --to c; --to {}",
        args.layout.name(),
        if args.to == Language::Rust { "rust writes a crate" } else { "onnx writes graphs" }
    );
    ensure!(
        args.to != Language::Onnx || args.name.is_none(),
        "--name: the files of --to onnx have names of their own, such as sampler.onnx; --out names their folder"
    );
    let files = match args.to {
        Language::C => to_c(&model, &name, args.layout, choice)?,
        Language::Rust => rust::to_rust(&model, &name, choice, &input::read(&path)?)?,
        Language::Onnx => onnx::to_onnx(&model, choice)?,
    };
    let kind = match (args.to, args.layout) {
        (Language::Rust, _) => "rust",
        (Language::Onnx, _) => "onnx",
        (Language::C, Layout::Plain) => "c",
        (Language::C, layout) => layout.name(),
    };
    let directory = match &args.out {
        Some(directory) => directory.clone(),
        None => beside(&path, &stem, kind),
    };
    create_directory(&directory)?;
    let mut outputs: Vec<(PathBuf, &[u8])> = Vec::new();
    for (file, bytes) in &files {
        let path = directory.join(file);
        if let Some(folder) = path.parent().filter(|folder| *folder != directory) {
            create_directory(folder)?;
        }
        outputs.push((path, bytes));
    }
    write_all(&outputs, args.force.force, std::slice::from_ref(&path))?;
    let bytes: usize = files.iter().map(|(_, bytes)| bytes.len()).sum();
    let weights = model.floats().shape().parameters();
    if weights > MANY_WEIGHTS && args.to != Language::Onnx {
        note(format_args!(
            "warning: {} weights make {} bytes of source: a compiler needs seconds and hundreds of megabytes for them. \
             `flowlet quantize` makes them smaller, and the Rust crate reads a model's file at run time",
            thousands(weights),
            thousands(bytes)
        ));
    }
    let mut said = String::new();
    for (path, bytes) in &outputs {
        said += &format!("{}: {} bytes\n", path.display(), thousands(bytes.len()));
    }
    tell(&said)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the name of the run's directory, or of the model's file without its extension.
fn stem(model: &Path) -> String {
    if model.file_name() == Some(MODEL_FILE.as_ref())
        && let Some(directory) = fs::canonicalize(model)
            .ok()
            .and_then(|path| Some(path.parent()?.file_name()?.to_string_lossy().into_owned()))
    {
        return directory;
    }
    model.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Returns the directory beside the run's, or beside the model's file.
fn beside(model: &Path, stem: &str, kind: &str) -> PathBuf {
    let name = format!("{stem}-{kind}");
    if model.file_name() == Some(MODEL_FILE.as_ref()) {
        let whole = fs::canonicalize(model).unwrap_or_else(|_| model.to_path_buf());
        let named = model.parent().filter(|directory| directory.file_name().is_some());
        if let Some(directory) = named.or_else(|| whole.parent()) {
            return directory.with_file_name(name);
        }
    }
    model.with_file_name(name)
}

fn layout_parser() -> impl TypedValueParser<Value = Layout> {
    let names = PossibleValuesParser::new(Layout::ALL.map(Layout::name));
    let find = |name: String| Layout::ALL.into_iter().find(|layout| layout.name() == name);
    names.try_map(move |name| find(name).ok_or("no such layout"))
}
