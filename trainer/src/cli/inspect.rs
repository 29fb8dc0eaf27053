//! `flowlet inspect`: what a model file holds, what it costs, and how to embed it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use flowlet::{ActivationKind, CONTRACT};

use super::output::{open, thousands};
use crate::model::Model;
use crate::network::Shape;

/// Show a model's sizes, metadata and cost, and the lines of Rust that embed it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A model file or a run's directory
    model: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let model = open(&args.model)?;
    let mut out = io::stdout().lock();
    write!(out, "{}", report(&model)?)?;
    Ok(ExitCode::SUCCESS)
}

/// From so many weights on, rustc's lint against long constant evaluation may stop the build: Rust
/// 1.95 lets 300,000 pass and stops at 400,000.
const LONG_CONST_EVAL: usize = 250_000;

fn report(model: &Model) -> Result<String> {
    use std::fmt::Write;
    let shape = model.shape();
    let Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation } = shape;
    let mut text = String::new();
    writeln!(text, "{}: {} bytes\n", model.path.display(), thousands(model.bytes))?;
    writeln!(
        text,
        "D = {data_dim} data dimensions, C = {condition_dim} conditions, H = {hidden_width} wide, L = {hidden_layers} hidden-to-hidden layers, {activation}\n"
    )?;
    writeln!(text, "tensors")?;
    for (name, block) in &model.file.tensors {
        writeln!(text, "  {name:<18} {:?} {:?}", block.dtype(), block.shape())?;
    }
    writeln!(text, "\nfingerprint  {:#018x}, under contract {CONTRACT}", model.mlp.fingerprint())?;
    writeln!(text, "\nmetadata")?;
    if model.file.metadata.is_empty() {
        writeln!(text, "  none")?;
    }
    for (key, value) in &model.file.metadata {
        writeln!(text, "  {key:<22} {value}")?;
    }
    let layers = shape.layers();
    let multiplications: usize = layers.iter().map(|[inputs, outputs]| inputs * outputs).sum();
    writeln!(text, "\ncost")?;
    writeln!(text, "  flash     {} bytes", thousands(flash(&shape)))?;
    writeln!(text, "  scratch   {} bytes of stack per evaluation", thousands(scratch(&shape)))?;
    writeln!(
        text,
        "  work      {} multiply-adds and {} activations per evaluation",
        thousands(multiplications),
        thousands(hidden_width * (hidden_layers + 1))
    )?;
    writeln!(text, "\nembed\n{}", embed(model))?;
    Ok(text)
}

/// Bytes of an `Mlp`: weights, biases, and the units of data and conditions.
fn flash(shape: &Shape) -> usize {
    4 * (shape.parameters() + 2 * shape.data_dim + 2 * shape.condition_dim)
}

/// Two layers of hidden units, the state, the velocity and the condition.
fn scratch(shape: &Shape) -> usize {
    4 * (2 * shape.hidden_width + 2 * shape.data_dim + shape.condition_dim)
}

fn embed(model: &Model) -> String {
    let Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation } = model.shape();
    let (import, parameter) = match activation {
        ActivationKind::Gelu => (String::new(), String::new()),
        _ => {
            let name = format!("{activation:?}");
            (format!(", {name}"), format!(", {name}"))
        }
    };
    let steps = model.description.steps.unwrap_or(50);
    let lint = if model.shape().parameters() > LONG_CONST_EVAL {
        "\n  // So many weights take the compiler some seconds; its lint wants to know that they may.\n  \
         #[allow(long_running_const_eval)]"
    } else {
        ""
    };
    let file = model.path.file_name().unwrap_or_default().to_string_lossy();
    let c = if condition_dim == 0 { "[]" } else { "c" };
    format!(
        "  use flowlet::{{Euler, Mlp, Noise{import}}};\n{lint}\n  \
         static MODEL: Mlp<{data_dim}, {condition_dim}, {hidden_width}, {hidden_layers}{parameter}> =\n      \
         Mlp::from_safetensors(include_bytes!(\"{file}\"));\n\n  \
         let x_0 = Noise::new(seed).sample(index);\n  \
         let sample: [f32; {data_dim}] = Euler::<{steps}>::UNIFORM.sample(&MODEL, x_0, {c});"
    )
}
