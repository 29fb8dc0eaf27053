//! The archive of `numpy.savez` and `numpy.savez_compressed`: an array file for each name.

use std::fs::File;
use std::io::{BufReader, Read};

use anyhow::{Context, Result, bail, ensure};
use zip::ZipArchive;

use super::array::Array;
use crate::data::npy_array;

/// The most bytes that a compressed file becomes, for each of its bytes: the format's limit is some 1,030.
const MOST_EXPANSION: u64 = 1100;

/// Reads all arrays.
///
/// # Errors
///
/// Returns an error if the file is damaged, or an array is not of numbers.
pub(super) fn read(file: File, size: u64) -> Result<Vec<(String, Array)>> {
    let mut zip = ZipArchive::new(BufReader::new(file)).context("not a zip archive")?;
    let mut arrays = Vec::new();
    for k in 0..zip.len() {
        let whole = zip.name_for_index(k).and_then(|name| name.ok()).map(|name| name.to_string());
        let whole = whole.context("the name of an array is not UTF-8")?;
        let Some(name) = whole.strip_suffix(".npy").map(str::to_string) else {
            bail!("{whole} is not an array: expected names that end in .npy");
        };
        let entry = zip.by_index(k).with_context(|| format!("array {name}"))?;
        let context = || format!("array {name}");
        let expected = entry.size();
        ensure!(
            expected <= size.saturating_mul(MOST_EXPANSION),
            "array {name}: its {expected} bytes are more than the file can hold"
        );
        let mut bytes = Vec::new();
        entry.take(expected + 1).read_to_end(&mut bytes).with_context(context)?;
        ensure!(bytes.len() as u64 == expected, "array {name} is truncated");
        let (shape, dtype, values) = npy_array(&bytes).with_context(context)?;
        let is_float = dtype.contains('f');
        arrays.push(match is_float {
            true => (name, Array::floats(&shape, &dtype, values)),
            false => (name, Array::other(&shape, &dtype)),
        });
    }
    Ok(arrays)
}
