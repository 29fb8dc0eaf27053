//! The command line.

mod bar;
mod bench;
mod distance;
mod evaluate;
mod import;
mod inspect;
mod interrupt;
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
use clap::{Parser, Subcommand};

/// Trains small flow-matching models, and samples them with the runtime that runs anywhere.
#[derive(Debug, Parser)]
#[command(name = "flowlet", version, propagate_version = true, max_term_width = 100)]
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
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        // `flowlet sample … | head` ends here: the reader has what it wanted.
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
    }
}

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }
}
