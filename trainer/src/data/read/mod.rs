//! Reads tables, with one reader for each file format. A reader first tells the names of the columns, then
//! reads those that are wanted.

mod build;
mod csv;
mod element;
mod npy;
mod safetensors;

pub(crate) use npy::WholeArray;

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use super::table::{FirstRow, Header, Table, Wanted};
use crate::disk::input::{Input, is_standard_input};

/// A file whose columns are known and whose rows are not read yet.
pub(super) struct Reader {
    header: Header,
    body: Body,
}

enum Body {
    Text(Box<csv::Text>),
    Array(npy::Array),
    Tensors(safetensors::Tensors),
}

/// Opens a file in the format that belongs to its extension. Standard input, `-`, is CSV or an array of numpy.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be read, has another extension, or does not follow its
/// format.
pub(super) fn open(path: &Path) -> Result<Reader> {
    open_with(path, FirstRow::of)
}

/// Like [`open`], but `first_row` decides what the first row of a text file is.
pub(super) fn open_with(
    path: &Path,
    first_row: impl Fn(&[&str]) -> Result<FirstRow>,
) -> Result<Reader> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let mut extension = extension.to_ascii_lowercase();
    let streamed = is_standard_input(path);
    // Opened before the extension is checked: a process substitution, /dev/fd/63, has none, and its error names `-`.
    let mut input = Input::open(path)?;
    ensure!(
        streamed || ["csv", "tsv", "npy", "safetensors"].contains(&extension.as_str()),
        "{}: expected a name that ends in .csv, .tsv, .npy or .safetensors",
        path.display()
    );
    let file = if streamed { "standard input".to_string() } else { path.display().to_string() };
    // The length and the `{` of a safetensors header. Longer than a byte order mark, which must not be split.
    let start = input.start(9).with_context(|| file.clone())?;
    if streamed {
        extension =
            if start.starts_with(super::npy_header::MAGIC) { "npy" } else { "csv" }.to_string();
        ensure!(
            !(start.len() == 9 && start[4..] == *b"\0\0\0\0{"),
            "{file}: expected CSV or a numpy array, found a safetensors file: give its path instead"
        );
    }
    let open = || -> Result<(Header, Body)> {
        Ok(match extension.as_str() {
            "npy" => {
                let (header, array) = npy::Array::open(input)?;
                (header, Body::Array(array))
            }
            "safetensors" => {
                let (header, tensors) = safetensors::Tensors::open(input)?;
                (header, Body::Tensors(tensors))
            }
            extension => {
                let separator = if extension == "tsv" { b'\t' } else { b',' };
                let (header, text) = csv::Text::open(input, separator, first_row)?;
                (header, Body::Text(Box::new(text)))
            }
        })
    };
    let (header, body) = open().with_context(|| file.clone())?;
    Ok(Reader { header: Header { file, ..header }, body })
}

impl Reader {
    /// Returns what the file says about its columns.
    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// Reads the columns `wanted`.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it does not follow its format or has no rows.
    pub(super) fn read(self, wanted: Wanted) -> Result<Table> {
        let Self { header, body } = self;
        let file = header.file.clone();
        let table = match body {
            Body::Text(text) => text.read(header, wanted),
            Body::Array(array) => array.read(header, wanted),
            Body::Tensors(tensors) => tensors.read(header, wanted),
        };
        let table = table.with_context(|| file.clone())?;
        if table.rows == 0 {
            bail!("{file}: no rows: expected at least one");
        }
        Ok(table)
    }
}
