//! numpy's arrays.

use anyhow::{Context, Result, bail, ensure};
use npyz::{NpyFile, Order};

use crate::data::table::{Cells, Column, Table};

/// Reads an array: its first axis are the rows, all others together the columns.
pub(super) fn read(bytes: &[u8]) -> Result<Table> {
    let file = NpyFile::new(bytes).context("expected a numpy array (.npy)")?;
    let shape = file
        .shape()
        .iter()
        .map(|&size| usize::try_from(size).context("its shape is beyond this machine"))
        .collect::<Result<Vec<_>>>()?;
    let Some((&rows, rest)) = shape.split_first() else {
        bail!("expected an array of rows, found a single number");
    };
    let columns = rest.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    let columns = columns.context("its shape is beyond this machine")?;
    // Without rows there may be any number of columns: more than memory holds.
    ensure!(rows > 0, "no rows: expected at least one");
    let order = file.order();
    let values = values(file)?;
    ensure!(
        Some(values.len()) == rows.checked_mul(columns),
        "the array is truncated: expected {rows} rows of {columns} values, found {} values",
        values.len()
    );
    let columns = (0..columns)
        .map(|column| {
            let place = match order {
                Order::C => [columns, column],
                Order::Fortran => [1, rows * first_axis_fastest(column, rest)],
            };
            let [stride, offset] = place;
            let cells = (0..rows).map(|row| values[row * stride + offset]).collect();
            Column { name: column.to_string(), cells: Cells::Numbers(cells) }
        })
        .collect();
    Ok(Table { file: String::new(), named: false, columns, rows, lines: None })
}

/// The position of a column that counts the axes `shape` last axis fastest, in an array that has
/// its first axis fastest.
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

/// All values in the order of the file.
fn values(file: NpyFile<&[u8]>) -> Result<Vec<f64>> {
    let dtype = file.dtype().descr();
    let mut file = file;
    macro_rules! try_as {
        ($($type:ty => $convert:expr),+ $(,)?) => {
            $(
                file = match file.try_data::<$type>() {
                    Ok(data) => {
                        let values = data.map(|value| value.map($convert)).collect::<Result<_, _>>();
                        return values.context("the array is truncated");
                    }
                    Err(file) => file,
                };
            )+
        };
    }
    try_as! {
        f32 => f64::from,
        f64 => |v| v,
        i64 => |v| v as f64,
        i32 => f64::from,
        i16 => f64::from,
        i8 => f64::from,
        u64 => |v| v as f64,
        u32 => f64::from,
        u16 => f64::from,
        u8 => f64::from,
        bool => |v| f64::from(u8::from(v)),
    }
    drop(file);
    bail!("expected an array of floats, integers or booleans, found {dtype}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::WriterBuilder;

    fn array(order: Order, shape: &[u64], values: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let options = npyz::WriteOptions::new().default_dtype().shape(shape).order(order);
        let mut writer = options.writer(&mut bytes).begin_nd().unwrap();
        writer.extend(values.iter().copied()).unwrap();
        writer.finish().unwrap();
        bytes
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
        let c = read(&array(Order::C, &[2, 2, 3], &c)).unwrap();
        assert_eq!(c.columns.len(), 6);
        assert_eq!(c.columns[5].cells, Cells::Numbers(vec![12.0, 112.0]));
        assert_eq!(read(&array(Order::Fortran, &[2, 2, 3], &fortran)).unwrap(), c);
    }

    #[test]
    fn a_list_of_numbers_is_one_column() {
        let table = read(&array(Order::C, &[3], &[1.0, 2.0, 3.0])).unwrap();
        assert_eq!((table.rows, table.columns.len()), (3, 1));
    }

    #[test]
    fn an_array_of_nothing_but_columns_is_refused() {
        let error = read(&array(Order::C, &[0, 1 << 40], &[])).unwrap_err().to_string();
        assert!(error.contains("no rows"), "{error}");
    }

    #[test]
    fn a_truncated_array_is_refused() {
        let bytes = array(Order::C, &[3], &[1.0, 2.0, 3.0]);
        let error = format!("{:#}", read(&bytes[..bytes.len() - 4]).unwrap_err());
        assert!(error.contains("truncated"), "{error}");
    }
}
