//! `flowlet verify`: the runtime against golden outputs.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::output::open;
use crate::golden::{GOLDEN_FILE, Golden};
use crate::verify::verify;

/// Hold the runtime against golden outputs: worst errors, and the bits. Exit code 1 when it fails.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A model file or a run's directory
    model: PathBuf,
    /// A golden file or a run's directory [default: MODEL, if that is a run's directory]
    golden: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let model = open(&args.model)?;
    let golden = match &args.golden {
        Some(path) if path.is_dir() => path.join(GOLDEN_FILE),
        Some(path) => path.clone(),
        None if args.model.is_dir() => args.model.join(GOLDEN_FILE),
        None => bail!("no golden file: name it after the model"),
    };
    let report = verify(&model, &Golden::read(&golden)?)?;
    writeln!(io::stdout(), "{report}")?;
    Ok(if report.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
