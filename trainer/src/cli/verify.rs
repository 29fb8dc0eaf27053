//! `flowlet verify`: the runtime against golden outputs.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::output::open;
use crate::disk::files::write_whole;
use crate::disk::names::GOLDEN_FILE;
use crate::judge::golden::Golden;
use crate::judge::verify::verify;

/// Hold the runtime against golden outputs: worst errors, and the bits. Exit code 1 when it fails.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A model file or a run's directory
    model: PathBuf,
    /// A golden file or a run's directory [default: MODEL, if that is a run's directory]
    golden: Option<PathBuf>,
    /// First write the golden file anew: from the inputs that it has, by this model, its solver and
    /// this runtime. Whatever they were held against before is lost
    #[arg(long)]
    renew: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let model = open(&args.model)?;
    let golden = match &args.golden {
        Some(path) if path.is_dir() => path.join(GOLDEN_FILE),
        Some(path) => path.clone(),
        None if args.model.is_dir() => args.model.join(GOLDEN_FILE),
        None => bail!("no golden file: name it after the model"),
    };
    let mut outputs = Golden::read(&golden)?;
    if args.renew {
        outputs.renew(&model)?;
        write_whole(&golden, &outputs.to_bytes()?)?;
    }
    let report = verify(&model, &outputs)?;
    writeln!(io::stdout(), "{report}")?;
    Ok(if report.passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
