//! Reads tables, with one reader for each file format.

mod csv;
mod npy;
mod safetensors;

use std::path::Path;

use ::csv::StringRecord;
use anyhow::{Context, Result, bail, ensure};

use super::table::{FirstRow, Table};
use crate::disk::files;

/// Reads a file in the format that belongs to its extension.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be read, has another extension, does not follow its
/// format, or has no rows or columns.
pub(super) fn table(path: &Path) -> Result<Table> {
    table_with(path, FirstRow::of)
}

/// Like [`table`], but `first_row` decides what the first row of a text file is.
pub(super) fn table_with(
    path: &Path,
    first_row: impl Fn(&StringRecord) -> Result<FirstRow>,
) -> Result<Table> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let read = |bytes: &[u8]| match extension.to_ascii_lowercase().as_str() {
        "csv" => csv::read(bytes, b',', &first_row),
        "tsv" => csv::read(bytes, b'\t', &first_row),
        "npy" => npy::read(bytes),
        "safetensors" => safetensors::read(bytes),
        _ => bail!("expected a name that ends in .csv, .tsv, .npy or .safetensors"),
    };
    let bytes = files::read(path)?;
    let table = read(&bytes).with_context(|| path.display().to_string())?;
    ensure!(
        table.rows > 0 && !table.columns.is_empty(),
        "{}: no rows: expected at least one",
        path.display()
    );
    Ok(Table { file: path.display().to_string(), ..table })
}
