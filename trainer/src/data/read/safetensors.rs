//! Reads tensors as tables, a block at a time. Each tensor is a block of columns.

use std::collections::BTreeMap;
use std::io::{self, Read};

use anyhow::{Context, Result, anyhow, bail, ensure};
use safetensors::tensor::{Dtype, Metadata};

use super::build::Builder;

use super::element::Element;
use super::npy::{ends, read_rows};
use super::records::MOST_COLUMNS;
use crate::data::table::{Block, Header, Table, Wanted};
use crate::disk::input::Input;
use crate::disk::memory;

/// The longest header, in bytes, that the safetensors library reads.
const MOST_HEADER: u64 = 100_000_000;

/// A file of tensors, read up to their values.
pub(super) struct Tensors {
    input: Input,
    rows: usize,
    /// In the order of their values in the file.
    tensors: Vec<Tensor>,
}

struct Tensor {
    name: String,
    element: Result<Element>,
    /// The size of its values in bytes.
    bytes: u64,
    /// Its first column.
    first: usize,
    columns: usize,
}

impl Tensors {
    /// Reads the header of a file of tensors with the same number of rows. A tensor `[n]` becomes the column
    /// NAME, a tensor `[n, …]` the columns NAME.0, NAME.1 and so on.
    pub(super) fn open(mut input: Input) -> Result<(Header, Self)> {
        let size = input.size();
        let metadata = metadata(&mut input, size)
            .map_err(|error| anyhow!("not a safetensors file, or a damaged one: {error:#}"))?;
        let mut tensors = Vec::new();
        let mut names = Vec::new();
        let mut blocks = Vec::new();
        let mut known: Option<(String, usize)> = None;
        let by_name: BTreeMap<_, _> = metadata.tensors().into_iter().collect();
        for (name, info) in by_name {
            let Some((&rows, rest)) = info.shape.split_first() else {
                bail!("tensor {name}: expected rows, found a single number");
            };
            match &known {
                Some((other, expected)) => ensure!(
                    rows == *expected,
                    "tensor {name} has {rows} rows, but {other} has {expected}: expected one row per \
                     sample in each"
                ),
                None => known = Some((name.clone(), rows)),
            }
            // A tensor without rows may claim more columns than memory can hold.
            ensure!(rows > 0, "tensor {name} has no rows: expected at least one");
            let columns: usize = rest.iter().product();
            let first = names.len();
            blocks.push(Block::of(first, rest));
            ensure!(
                first + columns <= MOST_COLUMNS,
                "tensor {name}: expected at most {MOST_COLUMNS} columns"
            );
            if rest.is_empty() {
                names.push(name.clone());
            } else {
                names.extend((0..columns).map(|column| format!("{name}.{column}")));
            }
            let (start, end) = info.data_offsets;
            let bytes = (end - start) as u64;
            let element = element(info.dtype);
            tensors.push((start, Tensor { name, element, bytes, first, columns }));
        }
        ensure!(!names.is_empty(), "no columns: expected at least one");
        // A tensor without bytes starts where the next one does.
        tensors.sort_by_key(|(start, tensor)| (*start, tensor.bytes));
        let tensors = tensors.into_iter().map(|(_, tensor)| tensor).collect();
        let rows = known.map_or(0, |(_, rows)| rows);
        if size.is_none() {
            // The header may claim any size.
            let (columns, bytes) = (names.len(), 4.0 * (rows as f64) * names.len() as f64);
            let what = format!("a table of {rows} rows of {columns} values");
            memory::check(bytes, &what, "use fewer rows")?;
        }
        let header = Header { named: true, names, blocks, ..Header::default() };
        Ok((header, Self { input, rows, tensors }))
    }

    /// Reads the values.
    pub(super) fn read(self, header: Header, wanted: Wanted) -> Result<Table> {
        let Self { mut input, rows, tensors } = self;
        let mut table = Builder::of_numbers(wanted, rows);
        for Tensor { name, element, bytes, first, columns } in tensors {
            if table.places(first..first + columns).is_empty() {
                let skipped = io::copy(&mut input.by_ref().take(bytes), &mut io::sink())?;
                ensure!(skipped == bytes, "the file ends within the values of tensor {name}");
            } else {
                let element = element.with_context(|| format!("tensor {name}"))?;
                read_rows(&mut input, &element, [rows, columns], first, &mut table)?;
            }
        }
        ends(&mut input)?;
        Ok(table.finish(header))
    }
}

/// Reads the header of a file of `size` bytes, if that is known, and checks that it describes all of them.
fn metadata(input: &mut Input, size: Option<u64>) -> Result<Metadata> {
    let mut length = [0; 8];
    input.read_exact(&mut length).context("the file ends within its header")?;
    let length = u64::from_le_bytes(length);
    let values = match size {
        Some(size) => {
            let values = size.checked_sub(8).and_then(|rest| rest.checked_sub(length));
            Some(values.context("the file ends within its header")?)
        }
        None => None,
    };
    ensure!(length <= MOST_HEADER, "expected a header of at most {MOST_HEADER} bytes");
    let mut header = Vec::new();
    input.by_ref().take(length).read_to_end(&mut header)?;
    ensure!(header.len() as u64 == length, "the file ends within its header");
    ensure!(header.first() == Some(&b'{'), "the header does not start with a brace");
    let metadata: Metadata = serde_json::from_slice(&header)?;
    let expected = metadata.data_len() as u64;
    if let Some(values) = values {
        ensure!(values == expected, "expected {expected} bytes of values, found {values}");
    }
    Ok(metadata)
}

fn element(dtype: Dtype) -> Result<Element> {
    Element::of(match dtype {
        Dtype::F64 => "<f8",
        Dtype::F32 => "<f4",
        Dtype::F16 => "<f2",
        Dtype::I64 => "<i8",
        Dtype::I32 => "<i4",
        Dtype::I16 => "<i2",
        Dtype::I8 => "|i1",
        Dtype::U64 => "<u8",
        Dtype::U32 => "<u4",
        Dtype::U16 => "<u2",
        Dtype::U8 => "|u1",
        Dtype::BOOL => "|b1",
        other => {
            bail!("expected floats of 16, 32 or 64 bits, integers or booleans, found {other:?}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::{Cells, Use};
    use crate::disk::tensor_file::{Block, TensorFile};
    use std::io::Cursor;

    fn read(bytes: Vec<u8>) -> Result<Table> {
        let (header, tensors) = Tensors::open(Input::stream(Cursor::new(bytes)))?;
        let others = (0..header.names.len()).map(|column| (column, Use::Numbers)).collect();
        tensors.read(header, Wanted { data: Vec::new(), others })
    }

    #[test]
    fn each_tensor_is_a_block_of_columns() {
        let mut file = TensorFile::default();
        file.tensors.insert("action".into(), Block::f32(&[2, 2], &[1.0, 2.0, 3.0, 4.0]));
        file.tensors.insert("reward".into(), Block::f64(&[2], &[5.0, 6.0]));
        let table = read(file.to_bytes().unwrap()).unwrap();
        assert_eq!(table.header.names, ["action.0", "action.1", "reward"]);
        let numbers = |values: &[f32]| Cells::Numbers { values: values.to_vec(), odd: None };
        assert_eq!(table.others[1..], [numbers(&[2.0, 4.0]), numbers(&[5.0, 6.0])]);
    }

    #[test]
    fn tensors_of_different_lengths_are_refused() {
        let mut file = TensorFile::default();
        file.tensors.insert("a".into(), Block::f32(&[2], &[1.0, 2.0]));
        file.tensors.insert("b".into(), Block::f32(&[1], &[1.0]));
        let error = read(file.to_bytes().unwrap()).unwrap_err().to_string();
        assert!(error.contains("tensor b has 1 rows"), "{error}");
    }

    #[test]
    fn damaged_files_are_refused() {
        let mut file = TensorFile::default();
        file.tensors.insert("a".into(), Block::f32(&[2], &[1.0, 2.0]));
        let whole = file.to_bytes().unwrap();
        for length in 0..whole.len() {
            read(whole[..length].to_vec()).unwrap_err();
        }
        read([&whole[..], b"0"].concat()).unwrap_err();
        // A header that is longer than the file, for which no memory is taken.
        let error = read(u64::MAX.to_le_bytes().to_vec()).unwrap_err().to_string();
        assert!(error.contains("not a safetensors file"), "{error}");
    }
}
