//! The columns that conditions come from.

use anyhow::{Result, ensure};

use super::conditions::default_name;
use super::table::{Header, Use};
use crate::disk::quote::shortened;

/// A column that conditions come from.
pub(super) struct Source<'a> {
    pub(super) header: &'a Header,
    pub(super) column: usize,
}

impl Source<'_> {
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.header.names[self.column] == name
    }

    /// Returns how its values are stored. Those of the columns `categorical` are categories, others only if
    /// they are text.
    pub(super) fn kind(&self, categorical: &[String]) -> Use {
        if categorical.iter().any(|name| self.is_called(name)) { Use::Labels } else { Use::Either }
    }
}

/// Returns the names of the conditions, or an error if two are equal.
pub(super) fn condition_names(sources: &[Source<'_>]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::with_capacity(sources.len());
    for (k, Source { header, column }) in sources.iter().enumerate() {
        let name = if header.named { header.names[*column].clone() } else { default_name(k) };
        ensure!(
            !names.contains(&name),
            "{}: two conditions are called {}: rename one, or leave it out",
            header.file,
            shortened(&name)
        );
        names.push(name);
    }
    Ok(names)
}
