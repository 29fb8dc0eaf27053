//! `flowlet inspect`: what a model file holds, what it costs, and how to embed it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use flowlet::fixed::{INTEGER_CONTRACT, STATE_BITS};
use flowlet::{ActivationKind, CONTRACT, SolverKind};

use super::output::{open_any, print};
use super::quantize::listed;
use crate::disk::tensor_file::TensorFile;
use crate::model::Model;
use crate::model::cost;
use crate::network::Shape;
use crate::quantize::Weights;
use crate::quantize::file::{AnyModel, IntegerFile};
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
    let text = match open_any(&args.model)? {
        AnyModel::Float(model) => report(&model)?,
        AnyModel::Integer(file) => integer_report(&file)?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// With more weights than this, rustc's lint against long constant evaluation may stop the build. Rust 1.95 accepts
/// 300,000 and stops at 400,000.
const LONG_CONST_EVAL: usize = 250_000;

fn report(model: &Model) -> Result<String> {
    use std::fmt::Write;
    let shape = model.shape();
    let Shape { hidden_width, activation, .. } = shape;
    let fingerprint = (model.mlp.fingerprint(), format!("contract {CONTRACT}"));
    let mut text = contents(model, &model.file, fingerprint)?;
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
    writeln!(
        text,
        "\nembed\n{}\n\n{PROFILES}",
        embed(model, model.has_grid_of_its_own()?, &FLOATS)?
    )?;
    Ok(text)
}

/// Describes the sizes, the tensors and the metadata of a file. `fingerprint` names the contract, too.
fn contents(model: &Model, file: &TensorFile, fingerprint: (u64, String)) -> Result<String> {
    use std::fmt::Write;
    let Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation } = model.shape();
    let mut text = String::new();
    writeln!(text, "{}: {} bytes\n", model.path.display(), thousands(model.bytes))?;
    writeln!(
        text,
        "D = {data_dim} data dimensions, C = {condition_dim} conditions, H = {hidden_width} wide, L = {hidden_layers} hidden-to-hidden layers, {activation}\n"
    )?;
    writeln!(text, "tensors")?;
    for (name, block) in &file.tensors {
        writeln!(text, "  {name:<18} {:?} {:?}", block.dtype(), block.shape())?;
    }
    let (number, contract) = fingerprint;
    writeln!(text, "\nfingerprint  {number:#018x}, under {contract}")?;
    writeln!(text, "\nmetadata")?;
    if file.metadata.is_empty() {
        writeln!(text, "  none")?;
    }
    for (key, value) in &file.metadata {
        writeln!(text, "  {key:<22} {value}")?;
    }
    Ok(text)
}

/// Describes an integer model.
fn integer_report(file: &IntegerFile) -> Result<String> {
    use std::fmt::Write;
    let (model, shape) = (&file.floats, file.floats.shape());
    let contract = format!("integer contract {INTEGER_CONTRACT}");
    let mut text = contents(model, &file.file, (file.mlp.fingerprint(), contract))?;
    writeln!(text, "\ncost")?;
    writeln!(text, "  weights   {} bytes with biases and shifts", thousands(file.model.bytes()))?;
    writeln!(
        text,
        "  work      {} multiply-adds and {} activations per evaluation, all of whole numbers",
        thousands(cost::multiply_adds(&shape)),
        thousands(cost::activations(&shape))
    )?;
    writeln!(
        text,
        "\nformats\n  point and velocity  {STATE_BITS} fraction bits; the point enters with {}\n  \
         units               {} fraction bits\n  \
         data units          {} fraction bits",
        file.model.point_bits,
        listed(&file.model.unit_bits),
        file.mlp.data_bits()
    )?;
    if shape.condition_dim > 0 {
        writeln!(text, "  conditions          {} fraction bits", file.mlp.condition_bits())?;
    }
    writeln!(text, "\nembed\n{}", integer_embed(file)?)?;
    Ok(text)
}

/// Returns the Rust code that embeds an integer model.
fn integer_embed(file: &IntegerFile) -> Result<String> {
    let Shape { hidden_width, hidden_layers, .. } = file.floats.shape();
    let (mlp, bytes) = match file.model.weights {
        Weights::I16 => ("Mlp", None),
        Weights::I8 => ("Mlp8", None),
        Weights::I4 => ("Mlp4", Some(hidden_layers * hidden_width * hidden_width.div_ceil(2))),
    };
    let bytes = bytes.map_or(String::new(), |bytes| format!(", {bytes}"));
    let form = Form { module: "flowlet::fixed", mlp, bytes, number: "i32" };
    embed(&file.floats, file.has_grid_of_its_own(), &form)
}

/// What differs between the code for floats and for whole numbers.
struct Form {
    module: &'static str,
    /// The type of the model.
    mlp: &'static str,
    /// Its parameter after the sizes.
    bytes: String,
    /// The type of a coordinate.
    number: &'static str,
}

const FLOATS: Form = Form { module: "flowlet", mlp: "Mlp", bytes: String::new(), number: "f32" };

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

fn embed(model: &Model, own_grid: bool, form: &Form) -> Result<String> {
    let Form { module, mlp, bytes, number } = form;
    let Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation } = model.shape();
    let (import, parameter) = match activation {
        ActivationKind::Gelu => (None, String::new()),
        _ => {
            let name = format!("{activation:?}");
            let parameter = format!(", {name}");
            (Some(name), parameter)
        }
    };
    let steps = model.own_steps();
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
    let grid = if own_grid {
        format!("from_safetensors(include_bytes!(\"{file}\"))")
    } else {
        "UNIFORM".to_string()
    };
    let mut names = [*mlp, solver].map(String::from).to_vec();
    let start = match &model.description.source {
        None => {
            names.push("Noise".to_string());
            "Noise::new(seed).sample(index);".to_string()
        }
        // The runtime can draw only noise.
        Some(source) => format!(
            "MODEL.to_flow_units(start); // `start`: [{number}; {data_dim}], a point of {source} in data units"
        ),
    };
    let apart = match import {
        // The activations are those of the float side.
        Some(name) if *module != "flowlet" => format!("  use flowlet::{name};\n"),
        name => {
            names.extend(name);
            String::new()
        }
    };
    names.sort();
    Ok(format!(
        "  use {module}::{{{}}};\n{apart}{lint}\n  \
         static MODEL: {mlp}<{data_dim}, {condition_dim}, {hidden_width}, {hidden_layers}{bytes}{parameter}> =\n      \
         {mlp}::from_safetensors(include_bytes!(\"{file}\"));\n  \
         static SOLVER: {solver}<{steps}> = {solver}::{grid};\n\n  \
         let x_0 = {start}\n  \
         let sample: [{number}; {data_dim}] = SOLVER.sample(&MODEL, x_0, {c});",
        names.join(", ")
    ))
}
