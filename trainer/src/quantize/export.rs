//! The file of an integer model.

use anyhow::{Context, Result};

use super::columns;
use super::integer::{CONTRACT, IntegerModel};
use super::self_test;
use crate::disk::digest::digest;
use crate::disk::tensor_file::TensorFile;
use crate::model::Model;
use crate::model::description::INTEGER_KEY;

/// The metadata key of the digest of the float model's file.
pub const SOURCE_KEY: &str = "flowlet.integer_from";

/// Returns the file of the integer model that was made of `model`: its own tensors, golden steps, and the metadata of
/// the float model.
///
/// # Errors
///
/// Returns an error if the model does not come back from its file.
pub fn export(model: &Model, integer: &IntegerModel) -> Result<TensorFile> {
    let mut metadata = model.file.metadata.clone();
    metadata.insert(INTEGER_KEY.to_string(), CONTRACT.to_string());
    metadata.insert(SOURCE_KEY.to_string(), digest(&model.file.to_bytes()?));
    let mut tensors = integer.to_tensors();
    tensors.extend(self_test::tensors(integer, &model.units()?));
    tensors.extend(columns::to_integers(&model.columns, integer.data_units.bits.into())?);
    let file = TensorFile { tensors, metadata };
    let read = IntegerModel::from_file(&file).context("the integer model is not valid")?;
    anyhow::ensure!(read == *integer, "the integer model does not come back from its file");
    Ok(file)
}
