//! Selects columns by the names that users give.

use anyhow::{Result, bail, ensure};

use super::table::Table;

/// Returns the names of data columns in a file without names: x; x and y; or x0, x1 and so on.
pub fn default_names(columns: usize) -> Vec<String> {
    match columns {
        1 => vec!["x".to_string()],
        2 => vec!["x".to_string(), "y".to_string()],
        n => (0..n).map(|k| format!("x{k}")).collect(),
    }
}

/// Returns the columns that `names` select, in that order. Each entry is a column's name, a tensor's name
/// for all its columns NAME.0, NAME.1 and so on, a column's number, or a half-open range of numbers such as
/// `0..112`. A name takes precedence over a number.
pub(super) fn select(table: &Table, names: &[String]) -> Result<Vec<usize>> {
    let mut selected = Vec::new();
    for name in names {
        for column in one(table, name.trim())? {
            ensure!(
                !selected.contains(&column),
                "{}: column {} is chosen twice",
                table.file,
                table.columns[column].name
            );
            selected.push(column);
        }
    }
    Ok(selected)
}

fn one(table: &Table, name: &str) -> Result<Vec<usize>> {
    let count = table.columns.len();
    let named: Vec<usize> =
        (0..count).filter(|&column| table.columns[column].name == name).collect();
    match named.len() {
        0 => {}
        1 => return Ok(named),
        n => bail!("{}: {n} columns are called {name}: rename them", table.file),
    }
    let block: Vec<usize> = (0..count)
        .filter(|&column| {
            let rest = table.columns[column]
                .name
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| rest.parse::<usize>().is_ok())
        })
        .collect();
    if !block.is_empty() {
        return Ok(block);
    }
    if let Some((start, end)) = range(name) {
        ensure!(
            start < end && end <= count,
            "{}: the columns {name} do not exist: expected a range within 0..{count}",
            table.file
        );
        return Ok((start..end).collect());
    }
    let near = table
        .columns
        .iter()
        .map(|column| (strsim::jaro_winkler(&column.name, name), column.name.as_str()))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let hint = near.map_or(String::new(), |(_, near)| format!(" Did you mean {near}?"));
    bail!(
        "{}: there is no column {name}.{hint} Expected one of its columns: {}",
        table.file,
        table.names()
    )
}

/// Parses a column's number or a range of them: `5` as 5..6, `0..112` as 0..112.
fn range(name: &str) -> Option<(usize, usize)> {
    match name.split_once("..") {
        Some((start, end)) => Some((start.parse().ok()?, end.parse().ok()?)),
        None => name.parse().ok().map(|column: usize| (column, column.saturating_add(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::{Cells, Column};

    fn table(names: &[&str]) -> Table {
        let columns = names
            .iter()
            .map(|name| Column { name: (*name).to_string(), cells: Cells::Numbers(vec![0.0]) })
            .collect();
        Table { file: "f.csv".into(), named: true, columns, rows: 1, lines: None }
    }

    fn select_(table: &Table, names: &str) -> Result<Vec<usize>> {
        select(table, &names.split(',').map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn names_numbers_ranges_and_blocks_are_understood() {
        let table = table(&["x", "y", "a.0", "a.1", "b"]);
        assert_eq!(select_(&table, "y,x").unwrap(), [1, 0]);
        assert_eq!(select_(&table, "1..3,4").unwrap(), [1, 2, 4]);
        assert_eq!(select_(&table, "a").unwrap(), [2, 3]);
    }

    #[test]
    fn a_name_takes_precedence_over_a_number() {
        assert_eq!(select_(&table(&["1", "0"]), "0").unwrap(), [1]);
    }

    #[test]
    fn an_unknown_column_gets_the_nearest_name_as_a_hint() {
        let error = select_(&table(&["position", "speed"]), "positon").unwrap_err().to_string();
        assert!(error.contains("no column positon") && error.contains("mean position"), "{error}");
    }

    #[test]
    fn ranges_beyond_the_table_and_double_choices_are_refused() {
        let table = table(&["x", "y"]);
        assert!(select_(&table, "0..3").unwrap_err().to_string().contains("within 0..2"));
        assert!(select_(&table, "x,0").unwrap_err().to_string().contains("twice"));
    }
}
