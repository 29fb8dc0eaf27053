//! Formats of files of rows: a head, followed by the rows. Each row is encoded separately, so that a file
//! can be written row by row and continued after any row.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;

use super::categories::Category;
use super::npy_header::NpyHeader;
use crate::data::Matrix;

/// A file format for rows of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFormat {
    /// A line of column names, then a line for each row. Each number is the shortest decimal that reads back
    /// as the same float.
    Csv,
    /// One array `[n][D]`, or of the shape of the data, of little-endian 32-bit floats.
    Npy,
    /// The same array as the tensor `x`.
    Safetensors,
}

/// Rows of text that one task formats: about ten microseconds of work.
const ROWS_PER_TASK: usize = 256;

impl RowFormat {
    /// Returns the format that belongs to the extension of `path`, in upper or lower case.
    ///
    /// # Errors
    ///
    /// Returns an error for any other extension.
    pub fn of(path: &Path) -> Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Ok(Self::Csv),
            "npy" => Ok(Self::Npy),
            "safetensors" => Ok(Self::Safetensors),
            _ => {
                bail!("{}: expected a name that ends in .csv, .npy or .safetensors", path.display())
            }
        }
    }

    /// Returns the name of the format: its extension.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
        }
    }

    /// Returns the bytes before the rows, in a file of `rows` rows with the columns `names`. In an array, a row has the
    /// shape `shape`, whose product is the number of columns.
    ///
    /// # Errors
    ///
    /// Returns an error if the values would take 2⁶³ − 1 bytes or more as 32-bit floats.
    pub fn head(
        self,
        names: &[String],
        categories: &[Category],
        rows: u64,
        shape: &[usize],
    ) -> Result<Vec<u8>> {
        let columns = names.len() as u64;
        let bytes = rows.checked_mul(columns).and_then(|values| values.checked_mul(4));
        let bytes = bytes.filter(|&bytes| bytes < i64::MAX as u64);
        let bytes = bytes.with_context(|| format!("{rows} rows are more than a file can have"))?;
        let lengths: Vec<u64> = [rows].into_iter().chain(shape.iter().map(|&n| n as u64)).collect();
        match self {
            Self::Csv => cells(names_in_text(names, categories)),
            Self::Npy => Ok(NpyHeader::of_f32(&lengths)),
            Self::Safetensors => {
                let lengths: Vec<String> = lengths.iter().map(u64::to_string).collect();
                let lengths = lengths.join(",");
                let mut header = format!(
                    r#"{{"x":{{"dtype":"F32","shape":[{lengths}],"data_offsets":[0,{bytes}]}}}}"#
                );
                // Like the library, starts the tensors at a multiple of eight bytes.
                header.extend(std::iter::repeat_n(
                    ' ',
                    header.len().next_multiple_of(8) - header.len(),
                ));
                let mut head = (header.len() as u64).to_le_bytes().to_vec();
                head.extend(header.into_bytes());
                Ok(head)
            }
        }
    }

    /// Returns the bytes of `rows`. Text is formatted on all cores, and has a value of each of the `categories` in place of
    /// its columns.
    ///
    /// # Errors
    ///
    /// Returns the error of formatting a number, which does not occur when writing to a `Vec`.
    pub fn rows(self, rows: &Matrix, categories: &[Category]) -> Result<Vec<u8>> {
        match self {
            Self::Npy | Self::Safetensors => {
                Ok(rows.values().iter().flat_map(|value| value.to_le_bytes()).collect())
            }
            Self::Csv if rows.columns() == 0 => Ok(Vec::new()),
            Self::Csv => {
                let labels = labels(categories)?;
                let lines = |values: &[f32]| -> Result<Vec<u8>> {
                    let mut text = Vec::with_capacity(values.len() * 12);
                    for row in values.chunks_exact(rows.columns()) {
                        // The categories are in the order of their columns.
                        let mut categories = categories.iter().zip(&labels).peekable();
                        let mut column = 0;
                        while column < row.len() {
                            if column > 0 {
                                text.push(b',');
                            }
                            let category = categories.next_if(|(of, _)| of.columns.start == column);
                            if let Some((Category { columns, .. }, labels)) = category {
                                let chosen = row[columns.clone()].iter().position(|x| *x == 1.0);
                                text.extend(chosen.map_or(&[][..], |chosen| &labels[chosen]));
                                column = columns.end;
                            } else {
                                write!(text, "{}", row[column])?;
                                column += 1;
                            }
                        }
                        text.push(b'\n');
                    }
                    Ok(text)
                };
                let tasks = rows.values().par_chunks(ROWS_PER_TASK * rows.columns()).map(lines);
                Ok(tasks.collect::<Result<Vec<_>>>()?.concat())
            }
        }
    }
}

/// Returns the names of the columns in text, where a category has one.
fn names_in_text<'a>(names: &'a [String], categories: &'a [Category]) -> Vec<&'a str> {
    let name = |(column, name): (usize, &'a String)| match categories
        .iter()
        .find(|category| category.columns.contains(&column))
    {
        Some(category) if category.columns.start == column => Some(category.name.as_str()),
        Some(_) => None,
        None => Some(name.as_str()),
    };
    names.iter().enumerate().filter_map(name).collect()
}

/// Returns a line of text with these cells.
fn cells<T: AsRef<[u8]>>(cells: impl IntoIterator<Item = T>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells)?;
    Ok(writer.into_inner()?)
}

/// Returns the values of each category as cells.
fn labels(categories: &[Category]) -> Result<Vec<Vec<Vec<u8>>>> {
    let cell = |value: &String| -> Result<Vec<u8>> {
        let mut line = cells([value])?;
        line.pop();
        Ok(line)
    };
    let all = |category: &Category| category.values.iter().map(cell).collect();
    categories.iter().map(all).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::tensor_file::{Block, TensorFile};

    fn written(format: RowFormat, rows: &Matrix) -> Vec<u8> {
        let names = vec!["x".to_string(), "a,b".to_string()];
        let mut file = format.head(&names, &[], rows.rows() as u64, &[2]).unwrap();
        file.extend(format.rows(rows, &[]).unwrap());
        file
    }

    fn some() -> Matrix {
        let values = (0..2 * 700).map(|k| (k as f32 * 0.37).sin() * 10_f32.powi(k % 60 - 30));
        Matrix::new(values.collect(), 700, 2)
    }

    #[test]
    fn lines_equal_those_of_the_csv_library() {
        let rows = some();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["x", "a,b"]).unwrap();
        for row in 0..rows.rows() {
            writer.write_record(rows.row(row).iter().map(ToString::to_string)).unwrap();
        }
        assert_eq!(written(RowFormat::Csv, &rows), writer.into_inner().unwrap());
    }

    #[test]
    fn written_arrays_are_read_back_unchanged() {
        let rows = some();
        let npy = written(RowFormat::Npy, &rows);
        let (header, values) = NpyHeader::parse(&npy).unwrap();
        assert_eq!((header.dtype.as_str(), header.shape), ("<f4", vec![700, 2]));
        let values: Vec<f32> =
            values.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        assert_eq!(values, rows.values());
        let block = Block::f32(&[700, 2], rows.values());
        let file = TensorFile { tensors: [("x".to_string(), block)].into(), ..Default::default() };
        assert_eq!(written(RowFormat::Safetensors, &rows), file.to_bytes().unwrap());
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        for format in [RowFormat::Csv, RowFormat::Npy, RowFormat::Safetensors] {
            assert!(
                format.head(&["x".to_string()], &[], u64::MAX / 4, &[1]).is_err(),
                "{format:?}"
            );
        }
    }
}
