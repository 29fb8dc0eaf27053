//! Reads numpy arrays, a block at a time.

use std::io::{BufRead, Read};

use anyhow::{Context, Result, bail, ensure};

use super::build::Builder;
use super::element::Element;
use super::records::MOST_COLUMNS;
use crate::data::npy_header::{MOST_BYTES, NpyHeader};
use crate::data::table::{Block, Header, Table, Wanted};
use crate::disk::input::Input;
use crate::disk::memory;

/// An array, read up to its values.
pub(super) struct Array {
    input: Input,
    element: Element,
    fortran_order: bool,
    rows: usize,
    /// The lengths of all axes but the first.
    rest: Vec<usize>,
}

/// The bytes of values that are read at once.
const BLOCK: usize = 1 << 18;

impl Array {
    /// Reads the header of an array, and checks that its values are all there if the size of the input is known. Its
    /// first axis becomes the rows; all other axes together become the columns, last axis fastest.
    pub(super) fn open(mut input: Input) -> Result<(Header, Self)> {
        let size = input.size();
        let start = input.start(MOST_BYTES)?;
        let (header, values) = NpyHeader::parse(&start)?;
        let before = start.len() - values.len();
        input.consume(before);
        let element = Element::of(&header.dtype)?;
        let too_large = "the array's shape is too large for this machine";
        let shape = header.shape.iter().map(|&size| usize::try_from(size).ok());
        let shape: Vec<usize> = shape.collect::<Option<_>>().context(too_large)?;
        let Some((&rows, rest)) = shape.split_first() else {
            bail!("expected an array of rows, found a single number");
        };
        let columns = rest.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let columns = columns.context(too_large)?;
        // An array without rows may claim more columns than memory can hold.
        ensure!(rows > 0, "no rows: expected at least one");
        ensure!(columns > 0, "no columns: expected at least one");
        let values = rows.checked_mul(columns).context(too_large)?;
        let expected = values as u128 * element.size as u128;
        match size.map(|size| size - before as u64) {
            Some(found) => {
                ensure!(
                    u128::from(found) >= expected,
                    "the array is truncated: expected {rows} rows of {columns} values, found {} values",
                    found / element.size as u64
                );
                ensure!(
                    u128::from(found) == expected,
                    "the file goes on for {} bytes after the array's {rows} rows of {columns} values: expected one \
                     array in a file",
                    u128::from(found) - expected
                );
            }
            // The header may claim any size.
            None => memory::check(
                4.0 * values as f64,
                &format!("an array of {rows} rows of {columns} values"),
                "use fewer rows",
            )?,
        }
        ensure!(
            columns <= MOST_COLUMNS,
            "expected at most {MOST_COLUMNS} columns, found {columns}"
        );
        let names = (0..columns).map(|column| column.to_string()).collect();
        let header_of_table =
            Header { names, blocks: vec![Block::of(0, rest)], ..Header::default() };
        let fortran_order = header.fortran_order;
        Ok((header_of_table, Self { input, element, fortran_order, rows, rest: rest.to_vec() }))
    }

    /// Reads the values.
    pub(super) fn read(self, header: Header, wanted: Wanted) -> Result<Table> {
        let mut table = Builder::of_numbers(wanted, self.rows);
        self.read_into(0, &mut table)?;
        Ok(table.finish(header))
    }

    /// Reads the values into the columns of `table` from `first` on.
    pub(super) fn read_into(self, first: usize, table: &mut Builder) -> Result<()> {
        let Self { mut input, element, fortran_order, rows, rest } = self;
        let count: usize = rest.iter().product();
        if !fortran_order {
            read_rows(&mut input, &element, [rows, count], first, table)?;
            return ends(&mut input);
        }
        let mut columns: Vec<usize> = (0..count).collect();
        columns.sort_by_cached_key(|&column| first_axis_fastest(column, &rest));
        for column in columns {
            // A column of this order is an array of a single column.
            read_rows(&mut input, &element, [rows, 1], first + column, table)?;
        }
        ends(&mut input)
    }

    /// Returns the lengths of its axes.
    pub(super) fn shape(&self) -> Vec<usize> {
        [&[self.rows], &self.rest[..]].concat()
    }
}

/// Checks that nothing follows the values.
pub(super) fn ends(input: &mut Input) -> Result<()> {
    ensure!(
        input.fill_buf()?.is_empty(),
        "the file goes on after the values that its header describes: expected one array in a file"
    );
    Ok(())
}

/// An array in memory.
pub(crate) struct WholeArray {
    /// The length of each axis.
    pub(crate) shape: Vec<usize>,
    /// The type of a value, as numpy names it.
    pub(crate) dtype: String,
    /// The values, last axis fastest. `None` if they are not floats.
    pub(crate) floats: Option<Vec<f64>>,
}

impl WholeArray {
    /// Reads the array in `bytes`.
    ///
    /// # Errors
    ///
    /// Returns an error if the array is damaged, or of floats of another size than 32 or 64 bits.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let (NpyHeader { dtype, fortran_order, shape }, values) = NpyHeader::parse(bytes)?;
        let too_large = "the array's shape is too large for this machine";
        let shape = shape.iter().map(|&size| usize::try_from(size).ok());
        let shape: Vec<usize> = shape.collect::<Option<_>>().context(too_large)?;
        let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let count = count.context(too_large)?;
        if !dtype.trim_start_matches(['<', '>', '|', '=']).starts_with('f') {
            return Ok(Self { shape, dtype, floats: None });
        }
        let element = Element::of(&dtype)?;
        ensure!(
            count.checked_mul(element.size) == Some(values.len()),
            "the array is damaged: expected {count} values of {} bytes, found {} bytes",
            element.size,
            values.len()
        );
        let mut floats: Vec<f64> = values.chunks_exact(element.size).map(element.decode).collect();
        if fortran_order {
            let at = |index: usize| floats[first_axis_fastest(index, &shape)];
            floats = (0..count).map(at).collect();
        }
        Ok(Self { shape, dtype, floats: Some(floats) })
    }
}

/// Reads an array of `rows` and `columns`, last axis fastest, and fills the table's columns from `first` on.
pub(super) fn read_rows(
    input: &mut Input,
    element: &Element,
    [rows, columns]: [usize; 2],
    first: usize,
    table: &mut Builder,
) -> Result<()> {
    let row = columns * element.size;
    let at_once = (BLOCK / row).clamp(1, rows.max(1));
    let mut block = vec![0; at_once * row];
    for start in (0..rows).step_by(at_once) {
        let block = &mut block[..at_once.min(rows - start) * row];
        input
            .read_exact(block)
            .context("truncated: the file ends within the values that its header describes")?;
        for (column, place) in table.places(first..first + columns) {
            let offset = (column - first) * element.size;
            let values = block.chunks_exact(row);
            let values = values.map(|row| (element.decode)(&row[offset..offset + element.size]));
            table.fill(place, column, start, values);
        }
    }
    Ok(())
}

/// Converts the index `column`, in which the last of the axes `shape` varies fastest, to the index of the
/// same element if the first axis varies fastest.
fn first_axis_fastest(mut column: usize, shape: &[usize]) -> usize {
    let mut indices = Vec::with_capacity(shape.len());
    for &size in shape.iter().rev() {
        indices.push(column % size);
        column /= size;
    }
    indices
        .iter()
        .zip(shape.iter().rev())
        .fold(0, |position, (index, size)| position * size + index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::{Cells, Use, number_text};
    use std::io::Cursor;

    /// Returns a file of version 1 with a header like numpy's.
    fn file(dtype: &str, fortran_order: bool, shape: &str, values: &[u8]) -> Vec<u8> {
        let order = if fortran_order { "True" } else { "False" };
        let header =
            format!("{{'descr': {dtype}, 'fortran_order': {order}, 'shape': ({shape}), }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), values].concat()
    }

    /// Returns an array file of 64-bit floats.
    fn floats(fortran_order: bool, shape: &str, values: &[f64]) -> Vec<u8> {
        let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        file("'<f8'", fortran_order, shape, &values)
    }

    fn read_as(file: &[u8], kind: Use) -> Result<Table> {
        let (header, array) = Array::open(Input::stream(Cursor::new(file.to_vec())))?;
        let others = (0..header.names.len()).map(|column| (column, kind)).collect();
        array.read(header, Wanted { data: Vec::new(), others })
    }

    fn read(file: &[u8]) -> Result<Table> {
        read_as(file, Use::Numbers)
    }

    fn numbers(table: &Table, column: usize) -> &[f32] {
        let Cells::Numbers { values, .. } = &table.others[column] else { panic!("text") };
        values
    }

    fn error(file: &[u8]) -> String {
        format!("{:#}", read(file).unwrap_err())
    }

    #[test]
    fn fortran_order_is_read_like_c_order() {
        // [2, 2, 3]: element (i, j, k) is 100·i + 10·j + k.
        let mut c = Vec::new();
        let mut fortran = vec![0.0; 12];
        for i in 0..2 {
            for j in 0..2 {
                for k in 0..3 {
                    let value = (100 * i + 10 * j + k) as f64;
                    c.push(value);
                    fortran[i + 2 * (j + 2 * k)] = value;
                }
            }
        }
        let c = read(&floats(false, "2, 2, 3", &c)).unwrap();
        assert_eq!(c.others.len(), 6);
        assert_eq!(numbers(&c, 5), [12.0, 112.0]);
        assert_eq!(read(&floats(true, "2, 2, 3", &fortran)).unwrap(), c);
    }

    #[test]
    fn a_list_of_numbers_is_one_column() {
        let table = read(&floats(false, "3,", &[1.0, 2.0, 3.0])).unwrap();
        assert_eq!((table.rows, table.others.len()), (3, 1));
    }

    #[test]
    fn every_type_of_number_is_read_in_both_byte_orders() {
        // The first value is negative or needs all bits of its type; the second is 3.
        let column = |dtype: &str, values: [&[u8]; 2]| {
            // As labels, which keep 64 bits.
            let file = file(&format!("'{dtype}'"), false, "2,", &values.concat());
            let table = read_as(&file, Use::Labels).unwrap();
            let Cells::Labels { labels, .. } = &table.others[0] else { panic!("numbers") };
            let value = |row: usize| labels.names.get(labels.ids[row] as usize).cloned();
            [value(0), value(1)]
        };
        macro_rules! check {
            ($($name:literal $type:ty, $first:expr;)+) => {
                $(
                    let values: [$type; 2] = [$first, 3 as $type];
                    let expected = values.map(|value| Some(number_text(value as f64)));
                    let [little, big] =
                        [values.map(|v| v.to_le_bytes()), values.map(|v| v.to_be_bytes())];
                    let of = |end: &str| format!("{end}{}", $name);
                    assert_eq!(column(&of("<"), [&little[0], &little[1]]), expected, $name);
                    assert_eq!(column(&of(">"), [&big[0], &big[1]]), expected, $name);
                    if size_of::<$type>() == 1 {
                        assert_eq!(column(&of("|"), [&big[0], &big[1]]), expected, $name);
                    }
                )+
            };
        }
        check! {
            "f4" f32, -2.5;
            "f8" f64, -1.000_000_000_1;
            "i1" i8, -2;
            "i2" i16, -300;
            "i4" i32, -70_000;
            "i8" i64, -(1 << 40);
            "u1" u8, 254;
            "u2" u16, 65_000;
            "u4" u32, 4_000_000_000;
            "u8" u64, 1 << 63;
            "M8[us]" i64, 1_577_836_800_000_000;
            "m8[ns]" i64, -5;
            "M8" i64, 5;
        }
        let [no, yes] = ["0", "1"].map(|text| Some(text.to_string()));
        assert_eq!(column("|b1", [&[0], &[1]]), [no, yes]);
        assert!(column("|b1", [&[2], &[1]])[0].is_none());
        let not_a_time = i64::MIN.to_be_bytes();
        assert!(column(">M8[D]", [&not_a_time, &[0; 8]])[0].is_none());
    }

    #[test]
    fn other_types_are_refused_with_what_to_do() {
        let record = "[('x', '<f4'), ('y', '<f4')]";
        for dtype in ["'<f16'", "'<c8'", "'|O'", "'<U3'", "'f4[us]'", "'=f4'", "''", record] {
            let error = error(&file(dtype, false, "1,", &[0; 64]));
            assert!(error.contains("astype(numpy.float32)"), "{dtype}: {error}");
            assert!(error.contains(dtype.trim_matches('\'')), "{dtype}: {error}");
        }
    }

    #[test]
    fn shapes_without_rows_or_columns_or_too_large_are_refused() {
        assert!(error(&floats(false, &format!("0, {}", 1_u64 << 40), &[])).contains("no rows"));
        assert!(error(&floats(false, "", &[1.0])).contains("a single number"));
        assert!(error(&floats(false, "3, 0", &[])).contains("no columns"));
        let beyond = format!("1, {0}, {0}", 1_u64 << 40);
        assert!(error(&floats(false, &beyond, &[])).contains("too large for this machine"));
        let beyond = format!("{0}, {0}", 1_u64 << 40);
        assert!(error(&floats(false, &beyond, &[])).contains("too large for this machine"));
        let beyond = format!("{0}, {0}", 1_u64 << 20);
        assert!(error(&floats(false, &beyond, &[])).contains("of memory"));
    }

    #[test]
    fn a_truncated_array_is_refused() {
        let bytes = floats(false, "3,", &[1.0, 2.0, 3.0]);
        let error = error(&bytes[..bytes.len() - 4]);
        assert!(error.contains("truncated: the file ends within the values"), "{error}");
    }

    #[test]
    fn a_file_of_several_arrays_is_refused() {
        let bytes = floats(false, "3,", &[1.0, 2.0, 3.0]);
        let error = error(&[&bytes[..], &bytes].concat());
        assert!(
            error.contains("goes on after") && error.contains("one array in a file"),
            "{error}"
        );
    }

    #[test]
    fn an_array_of_several_blocks_is_read_in_both_orders() {
        let rows = BLOCK / 8 + 100;
        let values: Vec<f64> = (0..2 * rows).map(|k| k as f64).collect();
        let shape = format!("{rows}, 2");
        let table = read(&floats(false, &shape, &values)).unwrap();
        assert!(numbers(&table, 1).iter().enumerate().all(|(row, &x)| x == (2 * row + 1) as f32));
        let table = read(&floats(true, &shape, &values)).unwrap();
        assert!(numbers(&table, 1).iter().enumerate().all(|(row, &x)| x == (rows + row) as f32));
    }

    /// An earlier parser took hours for this header of 40 nested brackets.
    #[test]
    fn a_nested_header_is_refused_at_once() {
        let header = "[".repeat(40) + &"]".repeat(40);
        let file = [b"\x93NUMPY\x01\x00\x50\x00", header.as_bytes()].concat();
        assert_eq!(file.len(), 90);
        assert!(error(&file).contains("is not one that numpy.save writes"));
    }
}
