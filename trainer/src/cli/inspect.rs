//! `flowlet inspect`: what a model file holds, what it costs, and how to embed it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use flowlet::{ActivationKind, CONTRACT, SolverKind};

use super::output::{open, print};
use crate::model::Model;
use crate::model::cost;
use crate::network::Shape;
use crate::report::numbers::thousands;

const EXAMPLES: &str = "\
Examples:
  flowlet inspect runs/mixture
  flowlet inspect model.safetensors";

/// Show a model's sizes, metadata and cost, and the Rust code that embeds it
///
/// The cost is an estimate for each target that was measured: flash and RAM in bytes, and instructions for one
/// evaluation of the network.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Model file, or directory of a run
    model: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<ExitCode> {
    let model = open(&args.model)?;
    print(&report(&model)?)?;
    Ok(ExitCode::SUCCESS)
}

/// With more weights than this, rustc's lint against long constant evaluation may stop the build. Rust 1.95 accepts
/// 300,000 and stops at 400,000.
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
    writeln!(text, "\ncost")?;
    writeln!(text, "  weights   {} bytes", thousands(cost::weights(&shape)))?;
    writeln!(
        text,
        "  work      {} multiply-adds and {} activations per evaluation",
        thousands(cost::multiply_adds(&shape)),
        thousands(cost::activations(&shape))
    )?;
    writeln!(
        text,
        "\n  estimates from the measurements of the model mixture (runtime/README.md): flash of a whole program\n  \
         that samples, RAM with the stack, instructions of an evaluation in an emulator (not cycles)\n\n  \
         {:<30} opt {:>10} {:>8} {:>14}",
        "target", "flash", "RAM", "instructions"
    )?;
    for estimate in cost::estimates(&shape)? {
        writeln!(
            text,
            "  {:<30} {:<3} {:>10} {:>8} {:>14}",
            estimate.target,
            estimate.opt,
            thousands(estimate.flash),
            thousands(estimate.ram),
            thousands(estimate.instructions)
        )?;
    }
    if activation == ActivationKind::Relu {
        writeln!(
            text,
            "  without an FPU, ReLU takes up to a fifth less: products with 0 are fast"
        )?;
    }
    if !hidden_width.is_multiple_of(16) {
        writeln!(
            text,
            "  chips without vectors take up to a fifth more: choose a width that is a multiple of 16"
        )?;
    }
    writeln!(text, "\nembed\n{}\n\n{PROFILES}", embed(model)?)?;
    Ok(text)
}

/// What to put into the manifest of the program that embeds a model.
const PROFILES: &str = "\
profiles, for Cargo.toml
  # A game's debug build samples hundreds of times slower without:
  [profile.dev.package.flowlet]
  opt-level = 3

  # Firmware at s or z: saves a few per cent, as opt s+3 above. Not needed.
  [profile.release.package.flowlet]
  opt-level = 3

  For the web, build at opt-level 3 with -C target-feature=+simd128: four to six times as fast.";

fn embed(model: &Model) -> Result<String> {
    let Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation } = model.shape();
    let (import, parameter) = match activation {
        ActivationKind::Gelu => (None, String::new()),
        _ => {
            let name = format!("{activation:?}");
            let parameter = format!(", {name}");
            (Some(name), parameter)
        }
    };
    let steps = model.description.steps.unwrap_or(50);
    let lint = if model.shape().parameters() > LONG_CONST_EVAL {
        "\n  // The compiler takes some seconds for so many weights, and its lint must allow that.\n  \
         #[allow(long_running_const_eval)]"
    } else {
        ""
    };
    let file = model.path.file_name().unwrap_or_default().to_string_lossy();
    let c = if condition_dim == 0 { "[]" } else { "c" };
    let solver = match model.solver_kind() {
        SolverKind::Euler => "Euler",
        SolverKind::Midpoint => "Midpoint",
        SolverKind::Heun => "Heun",
        SolverKind::Rk4 => "Rk4",
        SolverKind::AdamsBashforth2 => "AdamsBashforth2",
        kind => unreachable!("the trainer does not know the method {kind}"),
    };
    let grid = if model.has_grid_of_its_own()? {
        format!("from_safetensors(include_bytes!(\"{file}\"))")
    } else {
        "UNIFORM".to_string()
    };
    let mut names = ["Mlp", solver].map(String::from).to_vec();
    let start = match &model.description.source {
        None => {
            names.push("Noise".to_string());
            "Noise::new(seed).sample(index);".to_string()
        }
        // The runtime can draw only noise.
        Some(source) => format!(
            "MODEL.to_flow_units(start); // `start`: [f32; {data_dim}], a point of {source} in data units"
        ),
    };
    names.extend(import);
    names.sort();
    Ok(format!(
        "  use flowlet::{{{}}};\n{lint}\n  \
         static MODEL: Mlp<{data_dim}, {condition_dim}, {hidden_width}, {hidden_layers}{parameter}> =\n      \
         Mlp::from_safetensors(include_bytes!(\"{file}\"));\n  \
         static SOLVER: {solver}<{steps}> = {solver}::{grid};\n\n  \
         let x_0 = {start}\n  \
         let sample: [f32; {data_dim}] = SOLVER.sample(&MODEL, x_0, {c});",
        names.join(", ")
    ))
}
