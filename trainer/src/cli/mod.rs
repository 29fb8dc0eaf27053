//! The command line.

mod bar;
mod bench;
mod between;
mod completions;
mod distance;
mod evaluate;
mod export;
mod import;
mod inspect;
mod interrupt;
mod losses;
mod man;
mod output;
mod progress;
mod quantize;
mod real;
mod report;
mod sample;
mod trace;
mod train;
mod tune;
mod verify;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::disk::quote::shortened;
use interrupt::survive_large_files;

const EXAMPLES: &str = "\
Examples:
  flowlet train mixture
  flowlet train points.csv --data x,y --condition label
  flowlet sample runs/mixture -n 1000 --out samples.csv
  flowlet report runs/mixture
  flowlet help train";

/// Train small flow-matching models, and sample them with the runtime that firmware and games embed
#[derive(Debug, Parser)]
#[command(name = "flowlet", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Train(Box<train::Args>),
    Sample(Box<sample::Args>),
    Trace(trace::Args),
    Tune(tune::Args),
    Quantize(quantize::Args),
    Export(export::Args),
    Evaluate(evaluate::Args),
    Report(report::Args),
    Distance(distance::Args),
    Verify(verify::Args),
    Inspect(inspect::Args),
    Bench(bench::Args),
    Import(import::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// The exit code after an error, also of wrong arguments. 1 is an answer: the model failed verification.
const ERROR: u8 = 2;

/// The exit code if the reader of the result left before its end: 128 plus the number of SIGPIPE.
const CLOSED_PIPE: u8 = 141;

/// Runs the command of the process's arguments. Returns its exit code: 0 if it is done, 1 if a model failed
/// verification, 2 after an error, 141 if the reader of the result left before its end, and 128 plus the signal's
/// number if a signal stopped it.
pub fn main() -> ExitCode {
    let matches = match command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) if error.kind() == ErrorKind::InvalidUtf8 => {
            output::note(format_args!("error: {}", not_utf8()));
            return ExitCode::from(ERROR);
        }
        Err(error) => error.exit(),
    };
    let cli =
        Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.format(&mut command()).exit());
    match survive_large_files().and_then(|()| start_threads()).and_then(|()| run(cli)) {
        Ok(code) => code,
        // `flowlet sample … | head`: the reader has read enough. Says nothing, as other tools that SIGPIPE ends.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::from(CLOSED_PIPE),
        Err(error) => {
            output::note(format_args!("error: {error:#}"));
            ExitCode::from(ERROR)
        }
    }
}

/// Returns the error for an argument that is not UTF-8 where text is expected. clap's own does not name it.
fn not_utf8() -> String {
    let argument = std::env::args_os().find(|argument| argument.to_str().is_none());
    let argument = argument.unwrap_or_default();
    format!(
        "{}: expected UTF-8, since the configuration and the model's file hold such names as text: rename the file",
        shortened(&argument.to_string_lossy())
    )
}

/// Starts rayon's threads. Otherwise rayon would start them at their first use, and panic if it cannot.
fn start_threads() -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().build_global();
    // The error's source repeats its text.
    pool.map_err(|error| anyhow!("cannot start the threads that share the work: {error}"))
}

fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Command::Train(args) => train::run(&args),
        Command::Sample(args) => sample::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Tune(args) => tune::run(&args),
        Command::Quantize(args) => quantize::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Distance(args) => distance::run(&args),
        Command::Verify(args) => verify::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Completions(args) => completions::run(&args, command()),
        Command::Man(args) => man::run(&args, command()),
    }
}

/// Returns the definition of the command line.
fn command() -> clap::Command {
    // A negative number is a value, so that the error is about its range and not about an unknown flag.
    Cli::command().mut_subcommands(|command| {
        command.mut_args(|arg| {
            if arg.is_positional() || !arg.get_action().takes_values() {
                return arg;
            }
            arg.allow_negative_numbers(true)
        })
    })
}

#[cfg(test)]
mod tests;
