//! `flowlet import`: converts a network of PyTorch, Flax, Equinox or Keras into a model file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use flowlet::ActivationKind;

use super::output::{Force, say};
use crate::config::list::List;
use crate::config::words::activation_parser;
use crate::disk::output::Output;
use crate::model::import::{Convention, Imported, Time, import};
use crate::model::self_test;
use crate::report::numbers::thousands;

const EXAMPLES: &str = "\
Examples:
  torchcfm:        flowlet import net.pt --columns x,t --activation selu \\
                     --out model.safetensors
  Meta's notebook: flowlet import net.pt --columns x,t --activation swish \\
                     --prefix main --out model.safetensors
  Lightning:       flowlet import last.ckpt --prefix model.net --out model.safetensors
  an average:      flowlet import all.pt --entry ema.shadow --out model.safetensors
  Flax, FQL:       flowlet import actor.npz --columns c,x,t --activation gelu_tanh \\
                     --out model.safetensors
  one step, FQL:   flowlet import actor.npz --columns c,x --output sample \\
                     --activation gelu_tanh --out model.safetensors
  noise at t = 1:  flowlet import net.pt --time reversed --out model.safetensors
  t up to 1000:    flowlet import net.pt --time-scale 1000 --out model.safetensors
  scaled data:     flowlet import net.pt --mean mean --scale std --out model.safetensors
  named columns:   flowlet import net.pt --names x,y --out model.safetensors
  other names:     flowlet import net.pt --layers fc1,fc2,out --out model.safetensors";

/// Convert a network of PyTorch, Flax, Equinox or Keras into a model file
///
/// Finds the layers by their names, puts the input columns into flowlet's order, and writes metadata and a self-test. The
/// network must be a chain of linear layers with one activation between them. The file alone cannot prove
/// this: compare a velocity or a sample with your framework's.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Network: .pt, .pth, .ckpt or .bin (PyTorch), .safetensors, or .npz (arrays by name)
    file: PathBuf,
    /// Order of the network's input columns: t (time), x (state), c (conditions)
    #[arg(long, value_name = "ORDER", default_value = "t,x,c")]
    columns: List,
    /// Activation between the layers; silu is also called swish
    #[arg(long, value_name = "NAME", default_value = "gelu", value_parser = activation_parser())]
    activation: ActivationKind,
    /// Direction of the network's time: forward has noise at 0 and data at 1, reversed the opposite
    #[arg(long, value_enum, default_value = "forward")]
    time: Direction,
    /// What the network's time is multiplied by: 1000 if it runs from 0 to 1000
    #[arg(long, value_name = "NUMBER", default_value = "1", allow_negative_numbers = true)]
    time_scale: f64,
    /// What the network gives: a velocity, or the sample itself (in one step, without t)
    #[arg(long, value_enum, default_value = "velocity")]
    output: Given,
    /// Which dictionary of a checkpoint has the weights, such as ema.shadow [default: the only one]
    #[arg(long, value_name = "NAME")]
    entry: Option<String>,
    /// Prefix of the tensors' names, before the layers' numbers [default: the only one in the file]
    #[arg(long, value_name = "NAME")]
    prefix: Option<String>,
    /// Names of the layers in their order, if numbers do not tell it
    #[arg(long, value_name = "NAMES", conflicts_with = "prefix")]
    layers: Option<List>,
    /// Whether weights are [inputs, outputs], as Flax and Keras have them [default: by shapes and names]
    #[arg(long, value_enum)]
    transposed: Option<Answer>,
    /// Tensor with the mean of the data, if the network has standardised data
    #[arg(long, value_name = "TENSOR", requires = "scale")]
    mean: Option<String>,
    /// Tensor with the scale of the data (their standard deviations)
    #[arg(long, value_name = "TENSOR", requires = "mean")]
    scale: Option<String>,
    /// Names of the data columns, then those of the conditions, as in a data file's header
    #[arg(long, value_name = "NAMES")]
    names: Option<List>,
    /// Model file to write; - is standard output
    #[arg(long, value_name = "MODEL")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Direction {
    Forward,
    Reversed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Given {
    Velocity,
    Sample,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Answer {
    Yes,
    No,
}

impl Args {
    fn convention(&self) -> Result<Convention> {
        let list =
            |list: &Option<List>| list.as_ref().map(|list| list.0.clone()).unwrap_or_default();
        for (option, names) in [("--names", &self.names), ("--layers", &self.layers)] {
            let empty = names.as_ref().is_some_and(|names| names.0.iter().any(String::is_empty));
            ensure!(!empty, "{option}: expected names, separated by commas, found an empty one");
        }
        Ok(Convention {
            entry: self.entry.clone(),
            prefix: self
                .prefix
                .as_deref()
                .map(|prefix| prefix.trim_end_matches(['.', '/']).to_string()),
            layers: list(&self.layers),
            transposed: self.transposed.map(|answer| answer == Answer::Yes),
            columns: self.columns.0.clone(),
            time: Time { reversed: self.time == Direction::Reversed, scale: self.time_scale },
            gives_samples: self.output == Given::Sample,
            activation: self.activation,
            units: self.mean.clone().zip(self.scale.clone()).map(|(mean, scale)| [mean, scale]),
            names: list(&self.names),
        })
    }
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let convention = args.convention()?;
    let output = Output::open(&args.out, args.force.force, std::slice::from_ref(&args.file))?;
    let Imported { mut file, shape, notes } = import(&args.file, &convention)?;
    self_test::add(&mut file)?;
    output.write(&file.to_bytes()?)?;
    let mut said = format!(
        "{}: D = {}, C = {}, H = {}, L = {}, {}; {} weights\n",
        output.name(),
        shape.data_dim,
        shape.condition_dim,
        shape.hidden_width,
        shape.hidden_layers,
        shape.activation,
        thousands(shape.parameters())
    );
    for note in notes {
        said += &format!("  {note}\n");
    }
    say(&output, &said)?;
    Ok(ExitCode::SUCCESS)
}
