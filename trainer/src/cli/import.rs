//! `flowlet import`: converts a PyTorch state dict of another convention into a model file.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use flowlet::ActivationKind;

use crate::config::list::List;
use crate::config::words::activation_parser;
use crate::disk::files::write_whole;
use crate::model::import::{Convention, import};
use crate::model::self_test;
use crate::report::numbers::thousands;

const EXAMPLES: &str = "\
Examples:
  flowlet import torchcfm.safetensors --columns x,t --activation selu \\
      --out model.safetensors
  flowlet import checkpoint.pt --columns x,t --activation swish --prefix main \\
      --out model.safetensors";

/// Convert a PyTorch state dict into a model file
///
/// Reorders the network's input columns, renames its tensors, and writes metadata and a self-test. The network must
/// be a chain of linear layers whose hidden layers have one width.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// State dict: .safetensors, .pt or .pth
    file: PathBuf,
    /// Order of the network's input columns: t (time), x (state), c (conditions)
    #[arg(long, value_name = "ORDER", default_value = "t,x,c")]
    columns: List,
    /// Activation between the layers; silu is also called swish
    #[arg(long, value_name = "NAME", default_value = "gelu", value_parser = activation_parser())]
    activation: ActivationKind,
    /// Prefix of the tensors' names, before the layer's number [default: the only one in the file]
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    /// Model file to write
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let convention = Convention {
        columns: args.columns.0.clone(),
        activation: args.activation,
        prefix: args.prefix.as_deref().map(|prefix| prefix.trim_end_matches('.').to_string()),
    };
    ensure!(
        args.force || !args.out.exists(),
        "{} exists: choose another name with --out, or replace it with --force",
        args.out.display()
    );
    let (mut file, shape) = import(&args.file, &convention)?;
    self_test::add(&mut file)?;
    write_whole(&args.out, &file.to_bytes()?)?;
    writeln!(
        io::stdout(),
        "{}: D = {}, C = {}, H = {}, L = {}, {}; {} weights",
        args.out.display(),
        shape.data_dim,
        shape.condition_dim,
        shape.hidden_width,
        shape.hidden_layers,
        shape.activation,
        thousands(shape.parameters())
    )?;
    Ok(ExitCode::SUCCESS)
}
