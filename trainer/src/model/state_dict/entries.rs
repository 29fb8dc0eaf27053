//! The dictionaries of tensors in a checkpoint: the state dict itself, or those inside of a dictionary of a trainer.

use std::collections::HashSet;

use anyhow::{Result, bail};

use super::pickle::{Id, Pickle, Value};
use super::view::is_tensor;
use crate::disk::quote::{listed, quoted, shortened};

/// How deep dictionaries are looked into: `ema.shadow` has a depth of 2.
const DEPTH: usize = 6;

/// The name of the outermost dictionary, for a checkpoint that has others inside.
const OUTERMOST: &str = ".";

/// A dictionary with tensors.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    /// The keys on the way to it, separated by `.`; empty for the outermost.
    path: String,
    /// The dictionary.
    pub(super) id: Id,
}

impl Entry {
    fn name(&self) -> &str {
        if self.path.is_empty() { OUTERMOST } else { &self.path }
    }

    /// The name, if it is not the outermost.
    pub(super) fn inner_name(&self) -> Option<String> {
        (!self.path.is_empty()).then(|| self.path.clone())
    }
}

/// Returns the dictionary called `wanted`, or the only one with tensors.
///
/// # Errors
///
/// Returns an error that lists the dictionaries if there are several, or says what the file holds if there is none.
pub(super) fn choose(pickle: &Pickle, wanted: Option<&str>) -> Result<Entry> {
    if !matches!(pickle.get(pickle.root()), Value::Dict(_)) {
        return Err(no_dictionary(pickle));
    }
    let found = entries(pickle);
    let names: Vec<&str> = found.iter().map(Entry::name).collect();
    let several = || format!("choose one with --entry: {}", listed(&names));
    match (wanted, &found[..]) {
        (_, []) => Err(no_tensors(pickle)),
        (None, [only]) => Ok(only.clone()),
        (None, _) => bail!("the file holds several sets of weights: {}", several()),
        (Some(wanted), _) => match found.iter().find(|entry| entry.name() == wanted) {
            Some(entry) => Ok(entry.clone()),
            None => bail!(
                "the file has no dictionary of tensors called {}: {}",
                quoted(wanted),
                several()
            ),
        },
    }
}

/// Returns the dictionaries that hold tensors themselves, in the order of the file.
fn entries(pickle: &Pickle) -> Vec<Entry> {
    let mut found = Vec::new();
    // A dictionary may be in several places, or contain itself.
    let mut seen = HashSet::from([pickle.root()]);
    let mut open = vec![(Entry { path: String::new(), id: pickle.root() }, 0)];
    while let Some((entry, depth)) = open.pop() {
        let Value::Dict(items) = pickle.get(entry.id) else { continue };
        let named = items.iter().filter_map(|(key, value)| Some((pickle.text(*key).ok()?, *value)));
        let inside: Vec<(&str, Id)> = named.collect();
        // A trainer's dictionary may hold single numbers as tensors, such as the best loss.
        let has_tensors = inside.iter().any(|(_, value)| is_tensor(pickle, *value, 1));
        for (key, value) in inside.into_iter().rev() {
            if depth < DEPTH && matches!(pickle.get(value), Value::Dict(_)) && seen.insert(value) {
                let separator = if entry.path.is_empty() { "" } else { "." };
                let path = format!("{}{separator}{}", entry.path, shortened(key));
                open.push((Entry { path, id: value }, depth + 1));
            }
        }
        if has_tensors {
            found.push(entry);
        }
    }
    found
}

/// The error for a file whose outermost value is no dictionary.
fn no_dictionary(pickle: &Pickle) -> anyhow::Error {
    match pickle.class(pickle.root()) {
        Some(class) if is_tensor(pickle, pickle.root(), 0) => {
            anyhow::anyhow!("the file holds one tensor ({class}), no dictionary of tensors")
        }
        Some(class) => anyhow::anyhow!(
            "the file holds more than tensors: {}. It is a whole object, which only its own Python code can read. Save \
             the weights alone, with torch.save(model.state_dict(), FILE)",
            shortened(class)
        ),
        None => anyhow::anyhow!("the file holds no dictionary of tensors"),
    }
}

/// The error for a dictionary without tensors.
fn no_tensors(pickle: &Pickle) -> anyhow::Error {
    let Value::Dict(items) = pickle.get(pickle.root()) else { return no_dictionary(pickle) };
    let named: Vec<(&str, Id)> =
        items.iter().filter_map(|(key, value)| Some((pickle.text(*key).ok()?, *value))).collect();
    let is_optimiser = |id: Id| match pickle.get(id) {
        Value::Dict(items) => ["state", "param_groups"].iter().all(|part| {
            items.iter().any(|(key, _)| pickle.text(*key).is_ok_and(|key| key == *part))
        }),
        _ => false,
    };
    let optimiser =
        is_optimiser(pickle.root()) || named.iter().any(|(_, value)| is_optimiser(*value));
    let is_object =
        |id: Id| matches!(pickle.get(id), Value::Call { .. }) && !is_tensor(pickle, id, 0);
    if optimiser {
        return anyhow::anyhow!(
            "the file holds the state of an optimiser, but no weights of a network: save them with \
             torch.save(model.state_dict(), FILE)"
        );
    }
    for (key, value) in named.iter().filter(|(_, value)| is_object(*value)) {
        if let Some(class) = pickle.class(*value) {
            return anyhow::anyhow!(
                "{} is a whole object ({}), which only its own Python code can read. Save the weights alone, with \
                 torch.save(model.state_dict(), FILE)",
                shortened(key),
                shortened(class)
            );
        }
    }
    let keys: Vec<&str> = named.iter().map(|(key, _)| *key).collect();
    anyhow::anyhow!("the file holds a dictionary without weights, with the keys {}", listed(&keys))
}
