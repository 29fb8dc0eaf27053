//! Reads numpy arrays.

use anyhow::{Context, Result, bail, ensure};

use crate::data::npy_header::NpyHeader;
use crate::data::table::{Cells, Column, Table};

/// Reads an array. Its first axis becomes the rows; all other axes together become the columns, last axis
/// fastest.
pub(super) fn read(bytes: &[u8]) -> Result<Table> {
    let (header, bytes) = NpyHeader::parse(bytes)?;
    let element = Element::of(&header.dtype)?;
    let shape = header
        .shape
        .iter()
        .map(|&size| usize::try_from(size).ok())
        .collect::<Option<Vec<_>>>()
        .context("the array's shape is too large for this machine")?;
    let Some((&rows, rest)) = shape.split_first() else {
        bail!("expected an array of rows, found a single number");
    };
    let columns = rest.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let columns = columns.context("the array's shape is too large for this machine")?;
    // An array without rows may claim more columns than memory can hold.
    ensure!(rows > 0, "no rows: expected at least one");
    ensure!(columns > 0, "no columns: expected at least one");
    let found = bytes.len() / element.size;
    // Like numpy, ignores bytes after the values.
    ensure!(
        rows.checked_mul(columns).is_some_and(|expected| found >= expected),
        "the array is truncated: expected {rows} rows of {columns} values, found {found} values"
    );
    let columns = (0..columns)
        .map(|column| {
            let [stride, offset] = if header.fortran_order {
                [1, rows * first_axis_fastest(column, rest)]
            } else {
                [columns, column]
            };
            let value = |row: usize| {
                let at = (row * stride + offset) * element.size;
                (element.decode)(&bytes[at..at + element.size])
            };
            let cells = (0..rows).map(value).collect();
            Column { name: column.to_string(), cells: Cells::Numbers(cells) }
        })
        .collect();
    Ok(Table { file: String::new(), named: false, columns, rows, lines: None })
}

/// numpy's NaT, a missing time.
const NOT_A_TIME: i64 = i64::MIN;

/// How a value is stored.
struct Element {
    /// The size of a value in bytes.
    size: usize,
    /// Returns the number that `size` bytes encode. Integers beyond 2⁵³ are rounded. A missing time, and a
    /// boolean that is neither 0 nor 1, become NaN.
    decode: fn(&[u8]) -> f64,
}

impl Element {
    /// Returns the element for numpy's `dtype`: floats, integers, booleans, or times, which become the number
    /// of their units.
    fn of(dtype: &str) -> Result<Self> {
        macro_rules! element {
            ($type:ty, $from:ident) => {
                Self {
                    size: size_of::<$type>(),
                    decode: |bytes| {
                        let bytes = bytes.try_into().expect("as many bytes as a value has");
                        <$type>::$from(bytes) as f64
                    },
                }
            };
        }
        macro_rules! time {
            ($from:ident) => {
                Self {
                    size: 8,
                    decode: |bytes| {
                        let bytes = bytes.try_into().expect("as many bytes as a value has");
                        match i64::$from(bytes) {
                            NOT_A_TIME => f64::NAN,
                            time => time as f64,
                        }
                    },
                }
            };
        }
        // The unit of a time follows in brackets: `<M8[us]`.
        let without_unit = match dtype.split_once('[') {
            Some((time, _)) if time.ends_with("m8") || time.ends_with("M8") => time,
            _ => dtype,
        };
        Ok(match without_unit {
            "<f4" => element!(f32, from_le_bytes),
            ">f4" => element!(f32, from_be_bytes),
            "<f8" => element!(f64, from_le_bytes),
            ">f8" => element!(f64, from_be_bytes),
            "|i1" | "<i1" | ">i1" => element!(i8, from_le_bytes),
            "<i2" => element!(i16, from_le_bytes),
            ">i2" => element!(i16, from_be_bytes),
            "<i4" => element!(i32, from_le_bytes),
            ">i4" => element!(i32, from_be_bytes),
            "<i8" => element!(i64, from_le_bytes),
            ">i8" => element!(i64, from_be_bytes),
            "|u1" | "<u1" | ">u1" => element!(u8, from_le_bytes),
            "<u2" => element!(u16, from_le_bytes),
            ">u2" => element!(u16, from_be_bytes),
            "<u4" => element!(u32, from_le_bytes),
            ">u4" => element!(u32, from_be_bytes),
            "<u8" => element!(u64, from_le_bytes),
            ">u8" => element!(u64, from_be_bytes),
            "<m8" | "<M8" => time!(from_le_bytes),
            ">m8" | ">M8" => time!(from_be_bytes),
            "|b1" | "<b1" | ">b1" => Self {
                size: 1,
                decode: |bytes| match bytes[0] {
                    0 => 0.0,
                    1 => 1.0,
                    _ => f64::NAN,
                },
            },
            _ => bail!(
                "expected an array of booleans, integers, times or floats of 32 or 64 bits, found \
                 {dtype:?}: convert it with array.astype(numpy.float32)"
            ),
        })
    }
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
        assert_eq!(c.columns.len(), 6);
        assert_eq!(c.columns[5].cells, Cells::Numbers(vec![12.0, 112.0]));
        assert_eq!(read(&floats(true, "2, 2, 3", &fortran)).unwrap(), c);
    }

    #[test]
    fn a_list_of_numbers_is_one_column() {
        let table = read(&floats(false, "3,", &[1.0, 2.0, 3.0])).unwrap();
        assert_eq!((table.rows, table.columns.len()), (3, 1));
    }

    #[test]
    fn every_type_of_number_is_read_in_both_byte_orders() {
        // The first value is negative or needs all bits of its type; the second is 3.
        let column = |dtype: &str, values: [&[u8]; 2]| {
            let table = read(&file(&format!("'{dtype}'"), false, "2,", &values.concat())).unwrap();
            match &table.columns[0].cells {
                Cells::Numbers(numbers) => [numbers[0], numbers[1]],
                Cells::Text(_) => panic!("{dtype} is read as text"),
            }
        };
        macro_rules! check {
            ($($name:literal $type:ty, $first:expr;)+) => {
                $(
                    let values: [$type; 2] = [$first, 3 as $type];
                    let expected = values.map(|value| value as f64);
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
            "f8" f64, -1e300;
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
        assert_eq!(column("|b1", [&[0], &[1]]), [0.0, 1.0]);
        assert!(column("|b1", [&[2], &[1]])[0].is_nan());
        let not_a_time = i64::MIN.to_be_bytes();
        assert!(column(">M8[D]", [&not_a_time, &[0; 8]])[0].is_nan());
    }

    #[test]
    fn other_types_are_refused_with_what_to_do() {
        let record = "[('x', '<f4'), ('y', '<f4')]";
        for dtype in
            ["'<f2'", "'<f16'", "'<c8'", "'|O'", "'<U3'", "'f4[us]'", "'=f4'", "''", record]
        {
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
        assert!(error(&floats(false, &beyond, &[])).contains("truncated"));
    }

    #[test]
    fn a_truncated_array_is_refused() {
        let bytes = floats(false, "3,", &[1.0, 2.0, 3.0]);
        let error = error(&bytes[..bytes.len() - 4]);
        assert!(error.contains("truncated: expected 3 rows of 1 values, found 2"), "{error}");
        // Bytes after the last value are ignored.
        let longer = [&bytes[..], &[0; 100]].concat();
        assert_eq!(read(&longer).unwrap(), read(&bytes).unwrap());
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
