//! `flowlet import`: converts a PyTorch state dict of another convention into a model file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use flowlet::ActivationKind;

use super::output::{Force, say};
use crate::config::list::List;
use crate::config::words::activation_parser;
use crate::disk::output::Output;
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
    /// Model file to write; - is standard output
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let convention = Convention {
        columns: args.columns.0.clone(),
        activation: args.activation,
        prefix: args.prefix.as_deref().map(|prefix| prefix.trim_end_matches('.').to_string()),
    };
    let output = Output::open(&args.out, args.force.force, std::slice::from_ref(&args.file))?;
    let (mut file, shape) = import(&args.file, &convention)?;
    self_test::add(&mut file)?;
    output.write(&file.to_bytes()?)?;
    let said = format!(
        "{}: D = {}, C = {}, H = {}, L = {}, {}; {} weights\n",
        output.name(),
        shape.data_dim,
        shape.condition_dim,
        shape.hidden_width,
        shape.hidden_layers,
        shape.activation,
        thousands(shape.parameters())
    );
    say(&output, &said)?;
    Ok(ExitCode::SUCCESS)
}
