//! Selects columns by the names that users give.

use std::collections::HashSet;

use anyhow::{Result, bail, ensure};

use super::table::Header;
use crate::disk::quote::shortened;

/// Returns the names of data columns in a file without names: x; x and y; or x0, x1 and so on.
pub fn default_names(columns: usize) -> Vec<String> {
    match columns {
        1 => vec!["x".to_string()],
        2 => vec!["x".to_string(), "y".to_string()],
        n => (0..n).map(|k| format!("x{k}")).collect(),
    }
}

/// Splits the name NAME.3 of a column of an array.
pub(super) fn array_and_number(name: &str) -> (&str, Option<usize>) {
    let split = name.rsplit_once('.').filter(|(array, _)| !array.is_empty());
    match split.and_then(|(array, number)| Some((array, number.parse().ok()?))) {
        Some((array, number)) => (array, Some(number)),
        None => (name, None),
    }
}

/// Whether `column` is one of the columns NAME.0, NAME.1 and so on of the array NAME.
pub(super) fn is_of_array(column: &str, name: &str) -> bool {
    matches!(array_and_number(column), (array, Some(_)) if array == name)
}

/// Returns the places of the column called `name` among `columns`, or those of the columns of the array `name`.
pub(super) fn places_of<'a>(
    columns: impl Iterator<Item = &'a str> + Clone,
    name: &str,
) -> Vec<usize> {
    let find = |is: &dyn Fn(&str) -> bool| -> Vec<usize> {
        columns
            .clone()
            .enumerate()
            .filter(|(_, column)| is(column))
            .map(|(place, _)| place)
            .collect()
    };
    let own = find(&|column| column == name);
    if own.is_empty() { find(&|column| is_of_array(column, name)) } else { own }
}

/// Returns the columns that `names` select, in that order. Each entry is a column's name, a tensor's name
/// for all its columns NAME.0, NAME.1 and so on, a column's number, or a half-open range of numbers such as
/// `0..112`. A name takes precedence over a number.
pub(super) fn select(header: &Header, names: &[String]) -> Result<Vec<usize>> {
    let mut selected = Vec::new();
    let mut seen = HashSet::new();
    for name in names {
        for column in one(header, name.trim())? {
            ensure!(
                seen.insert(column),
                "{}: column {} is chosen twice",
                header.file,
                header.name(column)
            );
            selected.push(column);
        }
    }
    Ok(selected)
}

fn one(header: &Header, name: &str) -> Result<Vec<usize>> {
    let count = header.names.len();
    let named: Vec<usize> = (0..count).filter(|&column| header.names[column] == name).collect();
    match named.len() {
        0 => {}
        1 => return Ok(named),
        n => bail!("{}: {n} columns are called {}: rename them", header.file, shortened(name)),
    }
    let block: Vec<usize> =
        (0..count).filter(|&column| is_of_array(&header.names[column], name)).collect();
    if !block.is_empty() {
        return Ok(block);
    }
    if let Some((start, end)) = range(name) {
        ensure!(
            start < end && end <= count,
            "{}: the columns {name} do not exist: expected a range within 0..{count}",
            header.file
        );
        return Ok((start..end).collect());
    }
    let near = header
        .names
        .iter()
        .map(|column| (strsim::jaro_winkler(column, name), column.as_str()))
        .filter(|(similarity, _)| *similarity > 0.7)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    let hint =
        near.map_or(String::new(), |(_, near)| format!(" Did you mean {}?", shortened(near)));
    bail!(
        "{}: there is no column {}.{hint} Expected one of its columns: {}",
        header.file,
        shortened(name),
        header.listed()
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

    fn header(names: &[&str]) -> Header {
        let names = names.iter().map(|name| (*name).to_string()).collect();
        Header { file: "f.csv".into(), named: true, names, text: true, ..Header::default() }
    }

    fn select_(header: &Header, names: &str) -> Result<Vec<usize>> {
        select(header, &names.split(',').map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn names_numbers_ranges_and_blocks_are_understood() {
        let header = header(&["x", "y", "a.0", "a.1", "b"]);
        assert_eq!(select_(&header, "y,x").unwrap(), [1, 0]);
        assert_eq!(select_(&header, "1..3,4").unwrap(), [1, 2, 4]);
        assert_eq!(select_(&header, "a").unwrap(), [2, 3]);
    }

    #[test]
    fn a_name_takes_precedence_over_a_number() {
        assert_eq!(select_(&header(&["1", "0"]), "0").unwrap(), [1]);
    }

    #[test]
    fn an_unknown_column_gets_the_nearest_name_as_a_hint() {
        let error = select_(&header(&["position", "speed"]), "positon").unwrap_err().to_string();
        assert!(error.contains("no column positon") && error.contains("mean position"), "{error}");
    }

    #[test]
    fn ranges_beyond_the_table_and_double_choices_are_refused() {
        let header = header(&["x", "y"]);
        assert!(select_(&header, "0..3").unwrap_err().to_string().contains("within 0..2"));
        assert!(select_(&header, "x,0").unwrap_err().to_string().contains("twice"));
    }
}
