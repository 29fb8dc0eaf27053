//! What the data columns can hold, in an integer model's file.

use anyhow::{Result, ensure};
use flowlet::{HeapColumns, fixed};

use super::numbers::floats;
use crate::disk::tensor_file::Block;
use crate::model::COLUMN_TENSORS;

/// Tensors and their names.
type Tensors = Vec<(String, Block)>;

/// Returns the tensors of an integer model whose data have `bits` fraction bits, from the float model's columns.
///
/// # Errors
///
/// Returns an error if there are categories, but the numbers are too coarse for the 1 of a category.
pub(super) fn to_integers(columns: &HeapColumns, bits: i32) -> Result<Tensors> {
    if columns.is_empty() {
        return Ok(Tensors::new());
    }
    ensure!(
        bits >= 0 || columns.kinds().iter().all(|&kind| kind < 2),
        "the data have numbers too large to be beside the categories in whole numbers: scale those columns down"
    );
    let kind = columns.kinds().iter().map(|&kind| kind.into()).collect();
    let scale = 2.0_f64.powi(bits);
    let [least, most] = columns.bounds();
    // Inwards, so that no sample is outside the float model's bounds. A bound that does not fit is none.
    let least: Vec<i32> = least.iter().map(|&x| (f64::from(x) * scale).ceil() as i32).collect();
    let most = most.iter().map(|&x| (f64::from(x) * scale).floor() as i32);
    // Bounds may be closer than two neighbouring numbers.
    let most = most.zip(&least).map(|(most, &least)| most.max(least)).collect();
    Ok(named([kind, least, most].map(|values| Block::i32(&[values.len()], &values))))
}

/// Returns the tensors of the float model with the same kinds and bounds.
pub(super) fn to_floats(columns: &fixed::HeapColumns, bits: i32) -> Tensors {
    if columns.is_empty() {
        return Tensors::new();
    }
    let kind = columns.kinds().iter().map(|&kind| kind.into()).collect();
    let [least, most] = columns.bounds();
    let bounds = |values: &[i32], none: (i32, f32)| -> Vec<f32> {
        let bounds = values.iter().zip(floats(values, bits));
        bounds.map(|(&value, bound)| if value == none.0 { none.1 } else { bound }).collect()
    };
    let (least, most) = (bounds(least, (i32::MIN, f32::MIN)), bounds(most, (i32::MAX, f32::MAX)));
    named([kind, least, most].map(|values| Block::f32(&[values.len()], &values)))
}

fn named(blocks: [Block; 3]) -> Tensors {
    COLUMN_TENSORS.map(String::from).into_iter().zip(blocks).collect()
}
