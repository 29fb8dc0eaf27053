//! Resolves a path to the module that defines its item.

use crate::source::{Crate, Module};
use crate::tokens::{Brings, Import};

/// The target of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// A module.
    Module(usize),
    /// An item that is defined in this module.
    Item(usize),
}

impl Place {
    pub(crate) fn module(self) -> usize {
        match self {
            Self::Module(module) | Self::Item(module) => module,
        }
    }
}

/// The most re-exports that are followed one after another. A longer chain must be circular.
const DEPTH: usize = 32;

impl Crate {
    /// Resolves `segments`, written in the module `from`. Returns `None` if they lead to another crate, or
    /// are not an item.
    pub(crate) fn resolve(&self, from: usize, segments: &[String]) -> Option<Place> {
        self.resolve_within(from, segments, DEPTH)
    }

    fn resolve_within(&self, from: usize, segments: &[String], depth: usize) -> Option<Place> {
        let (first, rest) = segments.split_first()?;
        let depth = depth.checked_sub(1)?;
        match first.as_str() {
            "crate" => self.resolve_in(0, rest, depth),
            "self" => self.resolve_in(from, rest, depth),
            "super" => self.resolve_in(self.modules[from].parent?, rest, depth),
            name if self.modules[0].own_name.as_deref() == Some(name) => {
                self.resolve_in(0, rest, depth)
            }
            _ => self.look_up(from, segments, depth),
        }
    }

    /// Resolves a path relative to `module`, which is known to be in this crate. A name that is not found
    /// there is an item that a macro defines.
    fn resolve_in(&self, module: usize, segments: &[String], depth: usize) -> Option<Place> {
        match segments.first().map(String::as_str) {
            None => Some(Place::Module(module)),
            Some("self") => self.resolve_in(module, &segments[1..], depth),
            Some("super") => self.resolve_in(self.modules[module].parent?, &segments[1..], depth),
            Some(_) => self.look_up(module, segments, depth).or(Some(Place::Item(module))),
        }
    }

    /// Resolves a path whose first segment is a name in the scope of `module`.
    fn look_up(&self, module: usize, segments: &[String], depth: usize) -> Option<Place> {
        let depth = depth.checked_sub(1)?;
        let (name, rest) = segments.split_first()?;
        let Module { children, items, imports, .. } = &self.modules[module];
        let child = || self.resolve_in(*children.get(name)?, rest, depth);
        let item = || items.contains(name).then_some(Place::Item(module));
        let named = || {
            let import =
                imports.iter().find(|import| import.brings == Brings::Name(name.clone()))?;
            self.follow(module, import, rest, depth)
        };
        let globs = || {
            let globs = imports.iter().filter(|import| import.brings == Brings::All);
            let modules = globs.filter_map(|glob| {
                match self.resolve_within(module, &glob.segments, depth)? {
                    Place::Module(other) if other != module => Some(other),
                    _ => None,
                }
            });
            modules.into_iter().find_map(|other| self.look_up(other, segments, depth))
        };
        // A function may have the same name as its module. A path that ends there names the function.
        let found = if rest.is_empty() {
            item().or_else(named).or_else(child)
        } else {
            child().or_else(item).or_else(named)
        };
        found.or_else(globs)
    }

    fn follow(
        &self,
        module: usize,
        import: &Import,
        rest: &[String],
        depth: usize,
    ) -> Option<Place> {
        match self.resolve_within(module, &import.segments, depth)? {
            Place::Module(found) => self.resolve_in(found, rest, depth),
            item => Some(item),
        }
    }
}
