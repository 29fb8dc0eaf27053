//! `flowlet verify`: compares the runtime with golden outputs.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};

use super::output::{open_any, tell};
use crate::disk::names::GOLDEN_FILE;
use crate::disk::whole::write_whole;
use crate::judge::golden::Golden;
use crate::judge::verify::verify;
use crate::quantize::file::AnyModel;
use crate::quantize::golden::IntegerGolden;
use crate::quantize::verify::verify as integer_verify;

const EXAMPLES: &str = "\
Examples:
  flowlet verify runs/mixture
  flowlet verify model.safetensors golden.safetensors
  flowlet verify runs/mixture --renew";

/// Compare the runtime's outputs with a model's golden outputs
///
/// Prints the worst errors against an f64 reference, and whether the output bits are the golden ones. The exit code is
/// 1 if an error is too large or a bit differs. The numbers of an integer model must be those of an independent
/// reference.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run
    model: PathBuf,
    /// Golden file, or directory of a run [default: MODEL, if it is the directory of a run]
    golden: Option<PathBuf>,
    /// First replace the outputs in the golden file by those of this model and this runtime, for the same inputs.
    /// The earlier golden outputs are lost
    #[arg(long)]
    renew: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let opened = open_any(&args.model)?;
    let golden = match &args.golden {
        Some(path) if path.is_dir() => path.join(GOLDEN_FILE),
        Some(path) => path.clone(),
        None if args.model.is_dir() => args.model.join(GOLDEN_FILE),
        None => bail!(
            "{} is a file, so the golden file must be named too: flowlet verify MODEL GOLDEN",
            args.model.display()
        ),
    };
    let (report, passes) = match opened {
        AnyModel::Float(model) => {
            let mut outputs = Golden::read(&golden)?;
            if args.renew {
                outputs.renew(&model)?;
                write_whole(&golden, &outputs.to_bytes()?)?;
            }
            let report = verify(&model, &outputs)?;
            (report.to_string(), report.passes())
        }
        AnyModel::Integer(file) => {
            let mut outputs = IntegerGolden::read(&golden)?;
            if args.renew {
                outputs.renew(&file)?;
                write_whole(&golden, &outputs.to_bytes()?)?;
            }
            let report = integer_verify(&file, &outputs)?;
            (report.to_string(), report.passes())
        }
    };
    tell(&format!("{report}\n"))?;
    Ok(if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
