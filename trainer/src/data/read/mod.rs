//! Reads tables, with one reader for each file format. A reader first tells the names of the columns, then
//! reads those that are wanted.

mod build;
mod csv;
mod dialect;
mod directory;
mod element;
mod encoding;
mod json_lines;
mod npy;
mod npz;
#[cfg(feature = "parquet")]
mod parquet;
mod records;
mod safetensors;
mod spaces;

pub(crate) use npy::WholeArray;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::table::{FirstRow, Header, Table, Wanted};
use super::table_options::{Separator, TableOptions};
use crate::disk::compressed::without_ending;
use crate::disk::input::{Input, is_standard_input};

/// The endings of the names of files that hold tables, for messages.
pub const ENDINGS: &str = if cfg!(feature = "parquet") {
    ".csv, .tsv, .txt, .dat, .jsonl, .ndjson, .npy, .npz, .parquet or .safetensors"
} else {
    ".csv, .tsv, .txt, .dat, .jsonl, .ndjson, .npy, .npz or .safetensors"
};

/// Whether a name is that of a file of a table, by its ending.
pub fn is_table_name(name: &str) -> bool {
    let endings = [
        "csv",
        "tsv",
        "txt",
        "dat",
        "jsonl",
        "ndjson",
        "npy",
        "npz",
        "parquet",
        "pq",
        "safetensors",
    ];
    let (_, ending) = without_ending(name).rsplit_once('.').unwrap_or_default();
    endings.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// A file whose columns are known and whose rows are not read yet.
pub(super) struct Reader {
    header: Header,
    body: Body,
}

enum Body {
    Text(Box<csv::Text>),
    Json(json_lines::Lines),
    Array(npy::Array),
    Arrays(npz::Arrays),
    #[cfg(feature = "parquet")]
    Parquet(Box<parquet::Parquet>),
    Tensors(safetensors::Tensors),
    /// The files of a directory: the first is open.
    Several(Box<Reader>, Vec<PathBuf>),
}

/// Opens a file in the format that belongs to its name, which may end in .gz or .zst. Standard input, `-`, is text
/// or an array of numpy.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be read, has another extension, or does not follow its
/// format.
pub(super) fn open(path: &Path, options: TableOptions) -> Result<Reader> {
    open_with(path, options, FirstRow::of)
}

/// Like [`open`], but `first_row` decides what the first row of a text file is.
pub(super) fn open_with(
    path: &Path,
    options: TableOptions,
    first_row: impl Fn(&[&str]) -> Result<FirstRow>,
) -> Result<Reader> {
    if path.is_dir() {
        return open_directory(path, options);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (plain, shown) = (without_ending(&name), path.display());
    let extension = Path::new(plain).extension().and_then(|extension| extension.to_str());
    let mut extension = extension.unwrap_or("").to_ascii_lowercase();
    let streamed = is_standard_input(path);
    // Opened before the extension is checked: a process substitution, /dev/fd/63, has none, and its error names `-`.
    let mut input = Input::open(path)?;
    let file = if streamed { "standard input".to_string() } else { shown.to_string() };
    // The length and the `{` of a safetensors header. Longer than a byte order mark, which must not be split.
    let start = input.start(9).with_context(|| file.clone())?;
    if streamed || (extension.is_empty() && plain != name) {
        extension =
            if start.starts_with(super::npy_header::MAGIC) { "npy" } else { "csv" }.to_string();
        ensure!(
            !(start.len() == 9 && start[4..] == *b"\0\0\0\0{"),
            "{file}: expected CSV or a numpy array, found a safetensors file: give its path instead"
        );
    }
    let zip = start.starts_with(b"PK\x03\x04");
    ensure!(
        !zip || extension == "npz",
        "{file}: a zip archive: expected {ENDINGS}, perhaps compressed by gzip or zstd. Unpack it first"
    );
    let open = || -> Result<(Header, Body)> {
        match extension.as_str() {
            "csv" | "tsv" | "txt" | "dat" => {
                let usual = if extension == "tsv" { Separator::Tab } else { Separator::Comma };
                let (header, text) = csv::Text::open(input, usual, options, first_row)?;
                Ok((header, Body::Text(Box::new(text))))
            }
            "jsonl" | "ndjson" => {
                let (header, lines) = json_lines::Lines::open(input)?;
                Ok((header, Body::Json(lines)))
            }
            "npy" => {
                let (header, array) = npy::Array::open(input)?;
                Ok((header, Body::Array(array)))
            }
            "npz" => {
                ensure!(zip, "expected an archive of arrays, as numpy.savez writes it");
                let (header, arrays) = npz::Arrays::open(path)?;
                Ok((header, Body::Arrays(arrays)))
            }
            "safetensors" => {
                let (header, tensors) = safetensors::Tensors::open(input)?;
                Ok((header, Body::Tensors(tensors)))
            }
            "json" => bail!(
                "expected JSON lines, a row on each: pandas writes them with \
                 df.to_json(\"x.jsonl\", orient=\"records\", lines=True)"
            ),
            "xlsx" | "xls" | "ods" => bail!("a spreadsheet: save it as CSV"),
            #[cfg(feature = "parquet")]
            "parquet" | "pq" => {
                ensure!(
                    start.starts_with(parquet::MAGIC),
                    "not a Parquet file, or one that is compressed as a whole"
                );
                let (header, file) = parquet::Parquet::open(path)?;
                Ok((header, Body::Parquet(Box::new(file))))
            }
            #[cfg(not(feature = "parquet"))]
            "parquet" | "pq" => bail!(
                "this flowlet was built without Parquet: install it with `cargo install flowlet-trainer --features \
                 parquet`, or convert the file in pandas: pandas.read_parquet(\"x.parquet\").to_csv(\"x.csv\", \
                 index=False)"
            ),
            "feather" | "arrow" => bail!(
                "expected a name that ends in {ENDINGS}. pandas converts it: \
                 pandas.read_feather(\"x.feather\").to_csv(\"x.csv\", index=False)"
            ),
            _ => bail!("expected a name that ends in {ENDINGS}, perhaps followed by .gz or .zst"),
        }
    };
    let (header, body) = open().with_context(|| file.clone())?;
    Ok(Reader { header: Header { file, ..header }, body })
}

/// Opens the files of a data set in a directory, whose rows follow one another.
fn open_directory(path: &Path, options: TableOptions) -> Result<Reader> {
    let mut files = directory::files(path)?;
    let first = open(&files.remove(0), options)?;
    let header = Header { file: path.display().to_string(), ..first.header.clone() };
    Ok(Reader { header, body: Body::Several(Box::new(first), files) })
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
            Body::Json(lines) => lines.read(header, wanted),
            Body::Array(array) => array.read(header, wanted),
            Body::Arrays(arrays) => arrays.read(header, wanted),
            #[cfg(feature = "parquet")]
            Body::Parquet(file) => file.read(header, wanted),
            Body::Tensors(tensors) => tensors.read(header, wanted),
            Body::Several(first, files) => {
                let mut table = first.read(wanted.clone())?;
                for path in files {
                    let next = open(&path, TableOptions::default())?;
                    ensure!(
                        next.header.names == table.header.names,
                        "{}: expected the columns of {}: {}, found {}",
                        next.header.file,
                        table.header.file,
                        table.header.listed(),
                        next.header.listed()
                    );
                    table.append(next.read(wanted.clone())?)?;
                }
                Ok(Table { header, ..table })
            }
        };
        let table = table.with_context(|| file.clone())?;
        if table.rows == 0 {
            bail!("{file}: no rows: expected at least one");
        }
        Ok(table)
    }
}
