//! From a path to the module that defines what it names.

use crate::source::{Crate, Module};
use crate::tokens::{Brings, Import};

/// Where a path leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Place {
    /// To a module itself.
    Module(usize),
    /// To something that is defined in a module.
    Item(usize),
}

impl Place {
    pub(crate) fn module(self) -> usize {
        match self {
            Self::Module(module) | Self::Item(module) => module,
        }
    }
}

/// Re-exports that are followed from one to the next, at most: more would be a circle of them.
const DEPTH: usize = 32;

impl Crate {
    /// Where `segments`, written in the module `from`, lead; none if that is another crate, or
    /// a name that is no item.
    pub(crate) fn resolve(&self, from: usize, segments: &[String]) -> Option<Place> {
        self.resolve_within(from, segments, DEPTH)
    }

    fn resolve_within(&self, from: usize, segments: &[String], depth: usize) -> Option<Place> {
        let (first, rest) = segments.split_first()?;
        let depth = depth.checked_sub(1)?;
        match first.as_str() {
            "crate" => self.walk(0, rest, depth),
            "self" => self.walk(from, rest, depth),
            "super" => self.walk(self.modules[from].parent?, rest, depth),
            name if self.modules[0].own_name.as_deref() == Some(name) => self.walk(0, rest, depth),
            _ => self.look_up(from, segments, depth),
        }
    }

    /// A path whose beginning is certain: what is not found is an item that a macro defines.
    fn walk(&self, module: usize, segments: &[String], depth: usize) -> Option<Place> {
        match segments.first().map(String::as_str) {
            None => Some(Place::Module(module)),
            Some("self") => self.walk(module, &segments[1..], depth),
            Some("super") => self.walk(self.modules[module].parent?, &segments[1..], depth),
            Some(_) => self.look_up(module, segments, depth).or(Some(Place::Item(module))),
        }
    }

    /// A path whose first segment is a name in the scope of `module`.
    fn look_up(&self, module: usize, segments: &[String], depth: usize) -> Option<Place> {
        let depth = depth.checked_sub(1)?;
        let (name, rest) = segments.split_first()?;
        let Module { children, items, imports, .. } = &self.modules[module];
        let child = || self.walk(*children.get(name)?, rest, depth);
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
        // A function may have the name of its module: then the path ends with the function.
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
            Place::Module(found) => self.walk(found, rest, depth),
            item => Some(item),
        }
    }
}
