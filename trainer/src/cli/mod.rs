//! The command line.

mod bar;
mod bench;
mod between;
mod completions;
mod distance;
mod evaluate;
mod import;
mod inspect;
mod interrupt;
mod losses;
mod man;
mod output;
mod progress;
mod real;
mod report;
mod sample;
mod trace;
mod train;
mod tune;
mod verify;

use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

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

/// Runs the command of the process's arguments. Returns its exit code: 0 if it is done, 1 if a model failed
/// verification, 2 after an error, and 128 plus the signal's number if a signal stopped it.
pub fn main() -> ExitCode {
    let cli = Cli::from_arg_matches(&command().get_matches())
        .unwrap_or_else(|error| error.format(&mut command()).exit());
    match survive_large_files().and_then(|()| start_threads()).and_then(|()| run(cli)) {
        Ok(code) => code,
        // `flowlet sample … | head`: the reader closed the pipe because it has read enough.
        Err(error) if output::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(format_args!("error: {error:#}"));
            ExitCode::from(ERROR)
        }
    }
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
