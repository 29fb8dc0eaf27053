//! Reads archives of numpy arrays (.npz). Each array is a block of columns; only those that are wanted are read.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::build::Builder;
use super::element::Element;
use super::npy::Array;
use super::records::MOST_COLUMNS;
use crate::data::npy_header::{MOST_BYTES, NpyHeader};
use crate::data::table::{Block, Header, Table, Wanted};
use crate::disk::input::{self, Input};
use crate::disk::quote::{listed, shortened};

/// The most entries of an archive.
const MOST_ENTRIES: usize = 10_000;

/// An archive whose arrays' headers have been read.
pub(super) struct Arrays {
    path: PathBuf,
    arrays: Vec<Entry>,
}

/// An array of the archive.
struct Entry {
    name: String,
    /// Where its bytes start in the file, and how many there are.
    place: [u64; 2],
    deflated: bool,
    /// The checksum of the bytes that it was packed from.
    checksum: u32,
    /// The lengths of its axes, the rows first.
    shape: Vec<usize>,
    columns: Range<usize>,
}

impl Arrays {
    /// Reads the headers of the arrays of numbers. An only array has columns without names, like a file of its own.
    /// Of several, an array `[n]` is the column NAME, an array `[n, …]` the columns NAME.0, NAME.1 and so on.
    pub(super) fn open(path: &Path) -> Result<(Header, Self)> {
        let (file, _) = input::open(path)?;
        let mut zip = ZipArchive::new(BufReader::new(file))
            .context("the archive is damaged or truncated: write it with numpy.savez")?;
        ensure!(zip.len() <= MOST_ENTRIES, "expected at most {MOST_ENTRIES} arrays in an archive");
        let mut arrays = Vec::new();
        let mut others = Vec::new();
        let mut end = 0;
        for k in 0..zip.len() {
            let entry = zip.by_index_raw(k).context("the archive is damaged")?;
            let name = entry.name().ok().map(|name| name.to_string()).unwrap_or_default();
            let Some(name) = name.strip_suffix(".npy").map(str::to_string) else { continue };
            let start = entry.data_start().context("the archive is damaged")?;
            let deflated = match entry.compression() {
                CompressionMethod::Stored => false,
                method if method.to_string() == "Deflated" => true,
                method => bail!(
                    "array {name} is compressed by {method}: expected an archive that numpy.savez or \
                     numpy.savez_compressed writes"
                ),
            };
            let place = [start, entry.compressed_size()];
            let (checksum, shape) = (entry.crc32(), Vec::new());
            let mut entry = Entry { name, place, deflated, checksum, shape, columns: 0..0 };
            match entry.shape(path) {
                Ok(shape) => {
                    let columns = shape[1..].iter().product::<usize>();
                    ensure!(
                        end + columns <= MOST_COLUMNS,
                        "array {}: expected at most {MOST_COLUMNS} columns in all arrays",
                        entry.name
                    );
                    entry.columns = end..end + columns;
                    end += columns;
                    entry.shape = shape;
                    arrays.push(entry);
                }
                Err(error) => others.push(error.context(format!("array {}", entry.name))),
            }
        }
        if arrays.is_empty() {
            let error = others.pop().unwrap_or_else(|| anyhow!("there is no array in the archive"));
            return Err(error);
        }
        let named = arrays.len() > 1;
        let mut header = Header { named, ..Header::default() };
        let mut shapes = Vec::new();
        for Entry { name, shape, columns, .. } in &arrays {
            header.blocks.push(Block::of(columns.start, &shape[1..]));
            shapes.push(format!("{} {shape:?}", shortened(name)));
            match (named, shape.len()) {
                (true, 1) => header.names.push(name.clone()),
                (true, _) => {
                    header
                        .names
                        .extend((0..columns.len()).map(|column| format!("{name}.{column}")));
                }
                (false, _) => header.names.extend(columns.clone().map(|column| column.to_string())),
            }
        }
        header.archive = named.then(|| listed(&shapes));
        Ok((header, Self { path: path.to_path_buf(), arrays }))
    }

    /// Reads the wanted arrays, which must have the same number of rows.
    pub(super) fn read(self, header: Header, wanted: Wanted) -> Result<Table> {
        let others = wanted.others.iter().map(|(column, _)| column);
        let columns: Vec<usize> = wanted.data.iter().chain(others).copied().collect();
        let has_any = |entry: &&Entry| columns.iter().any(|column| entry.columns.contains(column));
        let entries: Vec<&Entry> = self.arrays.iter().filter(has_any).collect();
        let Some(first) = entries.first() else { bail!("no column is wanted") };
        let rows = first.shape[0];
        for entry in &entries {
            ensure!(
                entry.shape[0] == rows,
                "array {} has {} rows, but {} has {rows}: expected one row per sample in each",
                shortened(&entry.name),
                entry.shape[0],
                shortened(&first.name)
            );
        }
        let mut table = Builder::of_numbers(wanted, rows);
        for entry in entries {
            let context = || format!("array {}", shortened(&entry.name));
            let array = Array::open(entry.input(&self.path)?).with_context(context)?.1;
            ensure!(array.shape() == entry.shape, "the file has changed while it was read");
            array.read_into(entry.columns.start, &mut table).with_context(context)?;
        }
        Ok(table.finish(header))
    }
}

impl Entry {
    /// Returns the bytes of the array.
    fn input(&self, path: &Path) -> Result<Input> {
        let (mut file, _) = input::open(path)?;
        file.seek(SeekFrom::Start(self.place[0]))?;
        let bytes = BufReader::new(file.take(self.place[1]));
        let expected = self.checksum;
        Ok(if self.deflated {
            Input::stream(Checked { bytes: CrcReader::new(DeflateDecoder::new(bytes)), expected })
        } else {
            Input::stream(Checked { bytes: CrcReader::new(bytes), expected })
        })
    }

    /// Reads the lengths of the array's axes.
    ///
    /// # Errors
    ///
    /// Returns an error if it is no array of numbers with rows.
    fn shape(&self, path: &Path) -> Result<Vec<usize>> {
        let start = self.input(path)?.start(MOST_BYTES)?;
        let (header, _) = NpyHeader::parse(&start)?;
        Element::of(&header.dtype)?;
        let shape = header.shape.iter().map(|&length| usize::try_from(length).ok());
        let shape: Option<Vec<usize>> = shape.collect();
        let shape = shape.filter(|shape| !shape.is_empty() && !shape.contains(&0));
        let columns = |shape: &Vec<usize>| {
            shape[1..].iter().try_fold(1_usize, |all, &length| all.checked_mul(length))
        };
        let fits =
            |shape: &Vec<usize>| columns(shape).is_some_and(|columns| columns <= MOST_COLUMNS);
        shape.filter(fits).with_context(|| {
            format!(
                "expected rows and at most {MOST_COLUMNS} columns, found the shape {:?}",
                header.shape
            )
        })
    }
}

/// A reader that compares the checksum at the end.
struct Checked<R> {
    bytes: CrcReader<R>,
    expected: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        if count == 0 && !buffer.is_empty() && self.bytes.crc().sum() != self.expected {
            return Err(io::Error::other(
                "the archive is damaged: the checksum of the array is wrong",
            ));
        }
        Ok(count)
    }
}
