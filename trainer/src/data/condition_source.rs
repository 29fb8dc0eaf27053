//! The columns that conditions come from.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};

use super::conditions::default_name;
use super::table::{Cell, Table};

/// A column that conditions come from.
pub(super) struct Source<'a> {
    pub(super) table: &'a Table,
    pub(super) column: usize,
}

impl Source<'_> {
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.table.columns[self.column].name == name
    }

    pub(super) fn cell(&self, row: usize) -> Cell<'_> {
        self.table.cell(self.column, row)
    }

    /// Whether its values are categories: it holds text, or is among the columns `categorical`.
    pub(super) fn is_categorical(&self, categorical: &[String]) -> bool {
        categorical.iter().any(|name| self.is_called(name)) || self.table.is_text(self.column)
    }

    /// Returns the categories in `rows`: in numeric order if all are numbers, otherwise in alphabetical
    /// order.
    pub(super) fn categories(&self, rows: &[usize]) -> Vec<String> {
        let text = |&row: &usize| self.table.text(self.column, row);
        let categories: BTreeSet<String> = rows.iter().map(text).collect();
        let mut categories: Vec<String> = categories.into_iter().collect();
        let number = |category: &String| category.parse::<f64>().unwrap_or(f64::NAN);
        if categories.iter().all(|category| !number(category).is_nan()) {
            categories.sort_by(|a, b| number(a).total_cmp(&number(b)));
        }
        categories
    }
}

/// Returns the names of the conditions, or an error if two are equal.
pub(super) fn condition_names(sources: &[Source<'_>]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::with_capacity(sources.len());
    for (k, Source { table, column }) in sources.iter().enumerate() {
        let name = if table.named { table.columns[*column].name.clone() } else { default_name(k) };
        ensure!(
            !names.contains(&name),
            "{}: two conditions are called {name}: rename one, or leave it out",
            table.file
        );
        names.push(name);
    }
    Ok(names)
}
