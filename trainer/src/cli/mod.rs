//! The command line.

mod bar;
mod bench;
mod completions;
mod count;
mod distance;
mod evaluate;
mod import;
mod inspect;
mod interrupt;
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

use std::io;
use std::process::ExitCode;

use anyhow::Result;
use clap::{CommandFactory, Parser, Subcommand};

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

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        // `flowlet sample … | head`: the reader closed the pipe because it has read enough.
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
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

/// Returns the definition of the command line, for completions and manual pages.
fn command() -> clap::Command {
    Cli::command()
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests;
