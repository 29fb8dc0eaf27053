//! Conditions by name: `speed=2,obs=0.1,0.2,0.3` instead of values in the order of the columns.

use anyhow::{Result, bail, ensure};

use super::columns::places_of;
use super::conditions::ConditionColumn;
use crate::disk::quote::{listed, quoted, shortened};

/// Returns the values of `cells` in the order of those of `columns` that have a choice, if the first cell is
/// `NAME=VALUE`. NAME is a column, or the array whose columns are NAME.0, NAME.1 and so on; its other values follow in
/// cells of their own. Returns `None` if the cells have no names.
///
/// # Errors
///
/// Returns an error if a name has another number of values than columns, comes twice, or is missing.
pub fn in_order(columns: &[ConditionColumn], cells: &[&str]) -> Result<Option<Vec<String>>> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for &cell in cells {
        match (named(columns, cell), groups.last_mut()) {
            (Some((name, value)), _) => groups.push((name, vec![value])),
            (None, Some((_, values))) => values.push(cell),
            (None, None) => return Ok(None),
        }
    }
    let mut found: Vec<Option<String>> = vec![None; columns.len()];
    for (name, values) in groups {
        let places = places(columns, name);
        ensure!(
            places.len() == values.len(),
            "{} takes {} values, found {}: {}",
            shortened(name),
            places.len(),
            values.len(),
            quoted(&values.join(","))
        );
        for (place, value) in places.into_iter().zip(values) {
            ensure!(found[place].is_none(), "{} is there twice", shortened(&columns[place].name));
            found[place] = Some(value.to_string());
        }
    }
    let asked = || columns.iter().zip(&found).filter(|(column, _)| column.has_choice());
    let missing = asked().filter(|(_, value)| value.is_none());
    let missing: Vec<&str> = missing.map(|(column, _)| column.name.as_str()).collect();
    if !missing.is_empty() {
        bail!("no value for {}", listed(&missing));
    }
    Ok(Some(asked().filter_map(|(_, value)| value.clone()).collect()))
}

/// Splits `NAME=VALUE` if there is such a column or array. A category may have the same text.
fn named<'a>(columns: &[ConditionColumn], cell: &'a str) -> Option<(&'a str, &'a str)> {
    let (name, value) = cell.split_once('=')?;
    let name = name.trim();
    let is_category =
        columns.iter().flat_map(|column| column.categories.iter().flatten()).any(|one| one == cell);
    (!is_category && !places(columns, name).is_empty()).then_some((name, value))
}

/// Returns the indices of the column `name`, or of the columns of the array `name`.
fn places(columns: &[ConditionColumn], name: &str) -> Vec<usize> {
    places_of(columns.iter().map(|column| column.name.as_str()), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Vec<ConditionColumn> {
        let number = |name: &str| ConditionColumn { name: name.into(), categories: None };
        let kind = Some(vec!["a".into(), "kind=b".into()]);
        let kind = ConditionColumn { name: "kind".into(), categories: kind };
        vec![number("obs.0"), number("obs.1"), number("speed"), kind]
    }

    #[test]
    fn names_may_come_in_any_order() {
        let found = |cells: &[&str]| in_order(&columns(), cells).unwrap();
        let expected = ["1", "2", "3", "a"].map(str::to_string).to_vec();
        assert_eq!(found(&["obs=1", "2", "speed=3", "kind=a"]), Some(expected.clone()));
        assert_eq!(found(&["kind=a", "speed=3", "obs.1=2", "obs.0=1"]), Some(expected));
        assert_eq!(found(&["1", "2", "3", "a"]), None);
        assert_eq!(in_order(&columns()[3..], &["kind=b"]).unwrap(), None);
    }

    #[test]
    fn names_without_their_values_are_refused() {
        for (cells, expected) in [
            (&["obs=1", "speed=3", "kind=a"][..], "obs takes 2 values, found 1"),
            (&["obs=1", "2", "kind=a"], "no value for speed"),
            (&["obs=1", "2", "obs.0=1", "speed=2", "kind=a"], "obs.0 is there twice"),
        ] {
            let error = in_order(&columns(), cells).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
