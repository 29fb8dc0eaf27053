//! The archive of `numpy.savez` and `numpy.savez_compressed`: an array file for each name.

use std::fs::File;
use std::io::{BufReader, Read};

use anyhow::{Context, Result, bail, ensure};
use zip::ZipArchive;

use super::array::Array;
use crate::data::WholeArray;
use crate::disk::quote::shortened;

/// The most bytes that all arrays of a compressed file become.
const MOST_BYTES: u64 = 1 << 28;

/// Reads all arrays.
///
/// # Errors
///
/// Returns an error if the file is damaged, holds something else, or becomes too large.
pub(super) fn read(file: File, size: u64) -> Result<Vec<(String, Array)>> {
    let mut zip = ZipArchive::new(BufReader::new(file)).context("not a zip archive")?;
    let mut arrays = Vec::new();
    let mut left = MOST_BYTES.max(size);
    for k in 0..zip.len() {
        let whole = zip.name_for_index(k).and_then(|name| name.ok()).map(|name| name.to_string());
        let whole = whole.context("the name of an array is not UTF-8")?;
        let Some(name) = whole.strip_suffix(".npy").map(str::to_string) else {
            bail!("{} is not an array: expected names that end in .npy", shortened(&whole));
        };
        let context = || format!("array {}", shortened(&name));
        let entry = zip.by_index(k).with_context(context)?;
        let expected = entry.size();
        left = left.checked_sub(expected).with_context(|| {
            format!(
                "array {}: the arrays have more than {MOST_BYTES} bytes, too many for a network",
                shortened(&name)
            )
        })?;
        let mut bytes = Vec::new();
        // The size in the archive may be wrong. The checksum is compared at the end of the entry.
        entry.take(expected + 1).read_to_end(&mut bytes).with_context(context)?;
        ensure!(bytes.len() as u64 == expected, "array {} is truncated", shortened(&name));
        let WholeArray { shape, dtype, floats } =
            WholeArray::parse(&bytes).with_context(context)?;
        let array = match floats {
            Some(floats) => Array::floats(&shape, &dtype, floats),
            None => Array::other(&shape, &dtype),
        };
        arrays.push((name, array));
    }
    Ok(arrays)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::CompressionMethod::{Deflated, Stored};
    use zip::write::SimpleFileOptions;

    use super::*;
    use crate::disk::input;

    /// The file of an array with this header.
    fn npy(header: &str, values: &[u8]) -> Vec<u8> {
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
    }

    fn open(entries: &[(&str, &[u8])], options: SimpleFileOptions) -> Result<Vec<(String, Array)>> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in entries {
            zip.start_file(*name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.npz");
        std::fs::write(&path, zip.finish().unwrap().into_inner()).unwrap();
        let (file, size) = input::open(&path)?;
        read(file, size)
    }

    #[test]
    fn arrays_are_read_in_either_order_stored_or_deflated() {
        let values: Vec<u8> = (0..6_u8).flat_map(|k| f32::from(k).to_le_bytes()).collect();
        let rows = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", &values);
        let columns = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", &values);
        let count = npy("{'descr': '<i8', 'fortran_order': False, 'shape': (), }", &[1; 8]);
        let entries: [(&str, &[u8]); 3] =
            [("a/kernel.npy", &rows), ("b/kernel.npy", &columns), ("count.npy", &count)];
        for method in [Stored, Deflated] {
            let options = SimpleFileOptions::default().compression_method(method);
            let found = open(&entries, options).unwrap();
            let numbers = |k: usize| found[k].1.numbers("a").unwrap().to_vec();
            assert_eq!(
                found.iter().map(|(name, _)| &name[..]).collect::<Vec<_>>(),
                ["a/kernel", "b/kernel", "count"]
            );
            assert_eq!(numbers(0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
            assert_eq!(numbers(1), [0.0, 2.0, 4.0, 1.0, 3.0, 5.0]);
            assert!(found[2].1.is_counter());
        }
    }

    #[test]
    fn damaged_and_huge_arrays_are_refused() {
        let options = SimpleFileOptions::default().compression_method(Deflated);
        let short = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", &[0; 8]);
        let huge = vec![0; MOST_BYTES as usize + 1];
        let entries: [(&str, &[u8], &str); 4] = [
            ("a.npy", &short, "array a: the array is damaged: expected 6 values"),
            ("a.npy", b"text", "array a: expected a numpy array"),
            ("a.txt", b"text", "a.txt is not an array"),
            ("a.npy", &huge, "too many for a network"),
        ];
        for (name, bytes, expected) in entries {
            let error = format!("{:#}", open(&[(name, bytes)], options).unwrap_err());
            assert!(error.contains(expected), "{error}");
        }
    }
}
