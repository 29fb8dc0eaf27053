//! What the data columns can hold, in an integer model's file.

use std::collections::BTreeMap;

use anyhow::Result;
use safetensors::Dtype;

use super::numbers::floats;
use crate::disk::tensor_file::{Block, TensorFile};
use crate::model::COLUMN_KIND;

/// The tensors of the two bounds.
const BOUNDS: [&str; 2] = ["columns.least", "columns.most"];

/// Returns the tensors of an integer model whose data have `bits` fraction bits, from those of the float model.
///
/// # Errors
///
/// Returns an error if the float model's tensors are no floats.
pub(super) fn to_integers(file: &TensorFile, bits: i32) -> Result<BTreeMap<String, Block>> {
    let mut tensors = BTreeMap::new();
    let Some(kind) = file.tensors.get(COLUMN_KIND) else { return Ok(tensors) };
    let kind: Vec<i32> = kind.to_f32()?.into_iter().map(|kind| kind as i32).collect();
    let scale = 2.0_f64.powi(bits);
    for (name, inwards) in BOUNDS.into_iter().zip([f64::ceil, f64::floor]) {
        let values = file.tensor(name)?.to_f32()?;
        // Inwards, so that no sample is outside the float model's bounds. A bound that does not fit is none.
        let bounds = values.iter().map(|&bound| inwards(f64::from(bound) * scale) as i32);
        let bounds: Vec<i32> = bounds.collect();
        tensors.insert(name.to_string(), Block::i32(&[bounds.len()], &bounds));
    }
    tensors.insert(COLUMN_KIND.to_string(), Block::i32(&[kind.len()], &kind));
    Ok(tensors)
}

/// Returns the tensors of the float model with the same kinds and bounds.
///
/// # Errors
///
/// Returns an error if a tensor has another type.
pub(super) fn to_floats(file: &TensorFile, bits: i32) -> Result<BTreeMap<String, Block>> {
    let mut tensors = BTreeMap::new();
    let Some(kind) = file.tensors.get(COLUMN_KIND) else { return Ok(tensors) };
    let kind: Vec<f32> = kind.to_i32(Dtype::I32)?.into_iter().map(|kind| kind as f32).collect();
    for (name, none) in BOUNDS.into_iter().zip([(i32::MIN, f32::MIN), (i32::MAX, f32::MAX)]) {
        let values = file.tensor(name)?.to_i32(Dtype::I32)?;
        let bounds = values.iter().zip(floats(&values, bits));
        let bounds = bounds.map(|(&value, bound)| if value == none.0 { none.1 } else { bound });
        let bounds: Vec<f32> = bounds.collect();
        tensors.insert(name.to_string(), Block::f32(&[bounds.len()], &bounds));
    }
    tensors.insert(COLUMN_KIND.to_string(), Block::f32(&[kind.len()], &kind));
    Ok(tensors)
}
