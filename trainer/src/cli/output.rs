//! What the commands that open a model share: opening, and writing results.

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use npyz::WriterBuilder;

use crate::data::{ConditionColumn, Matrix, encode};
use crate::description::ASSUMPTION;
use crate::files::write_whole;
use crate::model::Model;
use crate::tensor_file::{Block, TensorFile};

/// Opens the model that a user named, and says on standard error what had to be assumed.
pub(super) fn open(path: &Path) -> Result<Model> {
    let model = Model::open(path)?;
    if !model.states_its_convention {
        eprintln!(
            "{}: no metadata, assumed: {ASSUMPTION}. `flowlet import` converts other conventions",
            model.path.display()
        );
    }
    Ok(model)
}

/// The names of a model's data columns.
pub(super) fn data_columns(model: &Model) -> Vec<String> {
    let names = &model.description.data_columns;
    match model.mlp.data_dim() {
        _ if !names.is_empty() => names.clone(),
        1 => vec!["x".to_string()],
        n => (0..n).map(|k| format!("x{k}")).collect(),
    }
}

/// A model's conditions as the user named them, or as plain numbers if the file does not say.
pub(super) fn condition_columns(model: &Model) -> Vec<ConditionColumn> {
    if !model.description.conditions.is_empty() {
        return model.description.conditions.clone();
    }
    (0..model.mlp.condition_dim())
        .map(|k| ConditionColumn { name: format!("c{k}"), categories: None })
        .collect()
}

/// One row of conditions `[1, C]` from `--condition`, or none for a model without.
pub(super) fn condition(model: &Model, cells: Option<&[String]>) -> Result<Matrix> {
    let columns = condition_columns(model);
    let conditions = model.mlp.condition_dim();
    let Some(cells) = cells else {
        ensure!(
            conditions == 0,
            "the model has conditions: give --condition {}",
            describe(&columns, conditions)
        );
        return Ok(Matrix::new(Vec::new(), 1, 0));
    };
    ensure!(conditions > 0, "the model has no conditions: leave --condition out");
    let cells: Vec<&str> = cells.iter().map(|cell| cell.trim()).collect();
    let values = encode(&columns, &cells)
        .with_context(|| format!("--condition: expected {}", describe(&columns, conditions)))?;
    Ok(Matrix::new(values, 1, conditions))
}

/// `label (one of a, b), speed`, or the number of numbers.
fn describe(columns: &[ConditionColumn], numbers: usize) -> String {
    let names: Vec<String> = columns
        .iter()
        .map(|column| match &column.categories {
            Some(categories) => format!("{} (one of {})", column.name, categories.join(", ")),
            None => column.name.clone(),
        })
        .collect();
    if names.len() == numbers {
        format!("{}: {numbers} values, separated by commas", names.join(", "))
    } else {
        format!("{}; or all {numbers} numbers, separated by commas", names.join(", "))
    }
}

/// Writes rows of samples to standard output as CSV, or to a file in the format of its name.
pub(super) fn write_rows(out: Option<&Path>, names: &[String], rows: &Matrix) -> Result<()> {
    let Some(path) = out else {
        let mut stdout = io::stdout().lock();
        stdout.write_all(&csv(names, rows)?)?;
        return Ok(stdout.flush()?);
    };
    write_whole(path, &encode_rows(path, names, rows)?)
}

/// Refuses a file name that no format goes with; before the work, not after.
pub(super) fn check_format(path: &Path) -> Result<()> {
    match extension(path) {
        "csv" | "npy" | "safetensors" => Ok(()),
        _ => bail!("{}: expected a name that ends in .csv, .npy or .safetensors", path.display()),
    }
}

fn extension(path: &Path) -> &str {
    path.extension().and_then(|extension| extension.to_str()).unwrap_or("")
}

fn encode_rows(path: &Path, names: &[String], rows: &Matrix) -> Result<Vec<u8>> {
    match extension(path) {
        "npy" => npy(rows),
        "safetensors" => {
            let block = Block::f32(&[rows.rows(), rows.columns()], rows.values());
            TensorFile { tensors: [("x".to_string(), block)].into(), ..TensorFile::default() }
                .to_bytes()
        }
        _ => csv(names, rows),
    }
}

fn csv(names: &[String], rows: &Matrix) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names)?;
    for row in 0..rows.rows() {
        writer.write_record(rows.row(row).iter().map(ToString::to_string))?;
    }
    Ok(writer.into_inner()?)
}

fn npy(rows: &Matrix) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let shape = [rows.rows() as u64, rows.columns() as u64];
    let mut writer =
        npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes).begin_nd()?;
    writer.extend(rows.values().iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

/// 12345678 as 12,345,678.
pub(super) fn thousands(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
