//! Reads tensors as tables. Each tensor is a block of columns.

use anyhow::{Context, Result, bail, ensure};

use crate::data::table::{Cells, Column, Table};
use crate::disk::tensor_file::TensorFile;

/// Reads a file of tensors with the same number of rows. A tensor `[n]` becomes the column NAME, a tensor
/// `[n, …]` the columns NAME.0, NAME.1 and so on.
pub(super) fn read(bytes: &[u8]) -> Result<Table> {
    let file = TensorFile::parse(bytes)?;
    let mut columns = Vec::new();
    let mut first: Option<(&str, usize)> = None;
    for (name, block) in &file.tensors {
        let Some((&rows, rest)) = block.shape().split_first() else {
            bail!("tensor {name}: expected rows, found a single number");
        };
        match first {
            Some((other, expected)) => ensure!(
                rows == expected,
                "tensor {name} has {rows} rows, but {other} has {expected}: expected one row per \
                 sample in each"
            ),
            None => first = Some((name, rows)),
        }
        let values = block.to_f64().with_context(|| format!("tensor {name}"))?;
        // A tensor without rows may claim more columns than memory can hold.
        ensure!(rows > 0, "tensor {name} has no rows: expected at least one");
        let width: usize = rest.iter().product();
        for column in 0..width {
            let cells = (0..rows).map(|row| values[row * width + column]).collect();
            let name = if rest.is_empty() { name.clone() } else { format!("{name}.{column}") };
            columns.push(Column { name, cells: Cells::Numbers(cells) });
        }
    }
    let rows = first.map_or(0, |(_, rows)| rows);
    Ok(Table { file: String::new(), named: true, columns, rows, lines: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::tensor_file::Block;

    #[test]
    fn each_tensor_is_a_block_of_columns() {
        let mut file = TensorFile::default();
        file.tensors.insert("action".into(), Block::f32(&[2, 2], &[1.0, 2.0, 3.0, 4.0]));
        file.tensors.insert("reward".into(), Block::f64(&[2], &[5.0, 6.0]));
        let table = read(&file.to_bytes().unwrap()).unwrap();
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["action.0", "action.1", "reward"]);
        assert_eq!(table.columns[1].cells, Cells::Numbers(vec![2.0, 4.0]));
    }

    #[test]
    fn tensors_of_different_lengths_are_refused() {
        let mut file = TensorFile::default();
        file.tensors.insert("a".into(), Block::f32(&[2], &[1.0, 2.0]));
        file.tensors.insert("b".into(), Block::f32(&[1], &[1.0]));
        let error = read(&file.to_bytes().unwrap()).unwrap_err().to_string();
        assert!(error.contains("tensor b has 1 rows"), "{error}");
    }
}
