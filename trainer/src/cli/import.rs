//! `flowlet import`: a PyTorch state dict of another convention becomes a model file.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};

use crate::config::list::List;
use crate::config::words::activation;
use crate::disk::files::write_whole;
use crate::model::import::{Convention, import};
use crate::model::self_test;
use crate::report::numbers::thousands;

/// Convert a PyTorch state dict: reorder its input columns, rename its tensors, write metadata.
///
/// Examples:
///   flowlet import torchcfm.safetensors --columns x,t --activation selu --out model.safetensors
///   flowlet import checkpoint.pt --columns x,t --activation swish --prefix main --out model.safetensors
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Args {
    /// A state dict: .safetensors, .pt or .pth
    file: PathBuf,
    /// The order of the network's input columns: t (time), x (state) and c (conditions)
    #[arg(long, value_name = "ORDER", default_value = "t,x,c")]
    columns: List,
    /// gelu, gelu_tanh, silu (or swish), selu, tanh, relu, elu or mish
    #[arg(long, value_name = "NAME", default_value = "gelu")]
    activation: String,
    /// What the tensors' names begin with, before the layer's number [default: found out]
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    /// The model file to write
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let convention = Convention {
        columns: args.columns.0.clone(),
        activation: activation(&args.activation)?,
        prefix: args.prefix.as_deref().map(|prefix| prefix.trim_end_matches('.').to_string()),
    };
    ensure!(
        args.force || !args.out.exists(),
        "{} exists: choose another name by --out, or replace it by --force",
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
