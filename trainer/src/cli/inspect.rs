//! `flowlet inspect`: what a model file holds, what it costs, and how to embed it.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use flowlet::fixed::{INTEGER_CONTRACT, STATE_BITS};
use flowlet::{ActivationKind, CONTRACT};

use super::output::{open_any, print};
use super::quantize::listed;
use crate::disk::quote::shortened;
use crate::disk::tensor_file::TensorFile;
use crate::export::rust::{PROFILES, embed, embed_integer};
use crate::model::Model;
use crate::model::cost;
use crate::network::Shape;
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
    writeln!(text, "\nembed\n{}\n\n{PROFILES}", embed(model)?)?;
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
    text.push_str(&kinds(model)?);
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

/// Describes what the data columns can hold; nothing if the file does not say it.
fn kinds(model: &Model) -> Result<String> {
    use std::fmt::Write;
    if model.columns.is_empty() {
        return Ok(String::new());
    }
    let [least, most] = model.columns.bounds();
    let bounds = least.iter().zip(most);
    let mut text = "\ncolumns\n".to_string();
    for ((name, kind), (&least, &most)) in
        model.data_columns().iter().zip(model.columns.kinds()).zip(bounds)
    {
        let what = match kind {
            0 => "real numbers".to_string(),
            1 => "whole numbers".to_string(),
            category => format!("1 or 0, of category {category}"),
        };
        let bounds = match (least > f32::MIN, most < f32::MAX) {
            (true, true) => format!(" from {least} to {most}"),
            (true, false) => format!(", at least {least}"),
            (false, true) => format!(", at most {most}"),
            (false, false) => String::new(),
        };
        writeln!(text, "  {:<18} {what}{bounds}", shortened(name))?;
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
    writeln!(text, "\nembed\n{}", embed_integer(file)?)?;
    Ok(text)
}
