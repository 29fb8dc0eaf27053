//! Opening a model, and printing and writing results, shared by the commands.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, ensure};

use crate::config::list::List;
use crate::coupling::source::Source;
use crate::data::table_options::TableOptions;
use crate::data::{ConditionColumn, Matrix, encode, in_order, load_starts};
use crate::disk::output::{Output, refuse_stdout};
use crate::disk::quote::{listed, message, shortened};
use crate::disk::run_directory::unfinished_run;
use crate::disk::whole;
use crate::model::Model;
use crate::model::description::ASSUMPTION;
use crate::model::unseen::unseen;
use crate::quantize::file::AnyModel;

/// Opens a model. If the file has no metadata, prints the assumption about it on standard error. Says there, too, if
/// the model is of a run that is not complete.
pub(super) fn open(path: &Path) -> Result<Model> {
    let model = Model::open(path)?;
    say_what_is_known(&model);
    Ok(model)
}

fn say_what_is_known(model: &Model) {
    if let Some(run) = unfinished_run(&model.path) {
        note(format_args!(
            "{}: the run is not complete, so this model is perhaps only partly trained: `flowlet train --resume {}` \
             continues it",
            model.path.display(),
            run.display()
        ));
    }
    if !model.states_its_convention {
        note(format_args!(
            "{}: the file has no metadata; assuming {ASSUMPTION}. `flowlet import` converts other conventions",
            model.path.display()
        ));
    }
}

/// Opens a model of floats or of whole numbers. Says what [`open`] says.
pub(super) fn open_any(path: &Path) -> Result<AnyModel> {
    let opened = AnyModel::open(path)?;
    say_what_is_known(opened.floats());
    Ok(opened)
}

/// Returns the source distribution of a model, for a command with the option `--x0`.
///
/// # Errors
///
/// Returns an error that asks for `--x0` if the model's file does not hold the source.
pub(super) fn source(model: &Model) -> Result<Source> {
    model.source().map_err(|error| anyhow!("{error:#}: give them with --x0"))
}

/// Reads the starting points of `--x0`. Returns them in flow units, `[n][D]`. The file holds data units if the model
/// was trained with a source other than noise.
///
/// # Errors
///
/// Returns an error if the file cannot be read or has other columns.
pub(super) fn starts(model: &Model, path: &Path, table: TableOptions) -> Result<Matrix> {
    let mut x_0 = load_starts(path, &model.data_columns(), table).context("--x0")?;
    if model.description.source.is_some() {
        model.data_units()?.forward(&mut x_0);
    }
    Ok(x_0)
}

/// Prints a line on standard error. Ignores a closed pipe, so that it does not end a run of hours.
pub(super) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "{}", message(&text.to_string()));
}

/// Returns the condition of `--condition`, `[1][C]`. Warns if it is far outside of what training saw.
pub(super) fn condition(model: &Model, cells: Option<&List>) -> Result<Matrix> {
    let columns = model.condition_columns();
    let conditions = model.mlp.condition_dim();
    let Some(cells) = cells else {
        ensure!(
            conditions == 0,
            "the model has conditions: give --condition {}",
            describe(&columns, conditions)
        );
        return Ok(Matrix::new(Vec::new(), 1, 0));
    };
    ensure!(conditions > 0, "the model has no conditions: leave --condition out");
    let cells: Vec<&str> = cells.0.iter().map(String::as_str).collect();
    let values = in_order(&columns, &cells).and_then(|named| match named {
        Some(named) => encode(&columns, &named.iter().map(String::as_str).collect::<Vec<_>>()),
        None => encode(&columns, &cells),
    });
    let values = values
        .with_context(|| format!("--condition: expected {}", describe(&columns, conditions)))?;
    let c = Matrix::new(values, 1, conditions);
    warn_of_unseen(model, &c);
    Ok(c)
}

/// Warns of conditions that are far outside of what training saw.
pub(super) fn warn_of_unseen(model: &Model, c: &Matrix) {
    for said in unseen(&model.description, c) {
        note(format_args!("warning: {said}"));
    }
}

/// Describes the values of `--condition`: `label (one of a, b); or all 2 numbers, separated by commas`.
fn describe(columns: &[ConditionColumn], numbers: usize) -> String {
    let names: Vec<String> = columns
        .iter()
        .filter(|column| column.has_choice())
        .map(|column| match &column.categories {
            Some(categories) => {
                format!("{} (one of {})", shortened(&column.name), listed(categories))
            }
            None => shortened(&column.name).into_owned(),
        })
        .collect();
    let chosen = columns.iter().any(|column| column.has_choice() && column.categories.is_some());
    if !chosen {
        format!("{}: {} values, separated by commas", listed(&names), names.len())
    } else {
        format!("{}; or all {numbers} numbers, separated by commas", listed(&names))
    }
}

/// The option of every command that writes files.
#[derive(Debug, clap::Args)]
pub(super) struct Force {
    /// Replace an existing file
    #[arg(long)]
    pub(super) force: bool,
}

/// Prints the result of a command on standard output.
///
/// # Errors
///
/// Returns an error if it cannot be written, for example because the disk is full or its reader has left.
pub(super) fn print(text: &str) -> Result<()> {
    Output::stdout().write(text.as_bytes())
}

/// Prints on standard output what a command says about a result that is elsewhere: in files, or in the exit code. If
/// the reader has left, that is not an error.
///
/// # Errors
///
/// Returns an error if it cannot be written, for example because the disk is full.
pub(super) fn tell(text: &str) -> Result<()> {
    match print(text) {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        printed => printed,
    }
}

/// Whether `error` was caused by a pipe whose reader has closed it.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}

/// Prints what a command says about its result: on standard output, or on standard error if the result itself
/// goes to standard output.
///
/// # Errors
///
/// Returns an error if standard output cannot be written.
pub(super) fn say(result: &Output, text: &str) -> Result<()> {
    if result.is_stdout() {
        note(text.trim_end());
        return Ok(());
    }
    tell(text)
}

/// Opens the output of `--out`, or standard output.
///
/// # Errors
///
/// Returns an error if the output must not be written: see [`Output::open`].
pub(super) fn file_or_stdout(
    out: Option<&Path>,
    force: &Force,
    inputs: &[PathBuf],
) -> Result<Output> {
    out.map_or_else(|| Ok(Output::stdout()), |out| Output::open(out, force.force, inputs))
}

/// Creates the directory of `--out` for several files.
///
/// # Errors
///
/// Returns an error that names the directory.
pub(super) fn create_directory(directory: &Path) -> Result<()> {
    refuse_stdout(directory)?;
    whole::create_directory(directory)
        .with_context(|| format!("cannot create the directory {}", directory.display()))
}
