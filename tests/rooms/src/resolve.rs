//! Resolves a path to the module that defines its item.

use std::collections::BTreeMap;

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

/// What the search for a path in a module gave; `None` also while it is searched, so that a circle of re-exports ends.
/// Without it, modules that import each other with `*` would be searched again and again.
type Searched = BTreeMap<(usize, Vec<String>), Option<Place>>;

impl Crate {
    /// Resolves `segments`, written in the module `from`. Returns `None` if they lead to another crate, or
    /// are not an item.
    pub(crate) fn resolve(&self, from: usize, segments: &[String]) -> Option<Place> {
        self.resolve_from(from, segments, &mut Searched::new())
    }

    fn resolve_from(
        &self,
        from: usize,
        segments: &[String],
        searched: &mut Searched,
    ) -> Option<Place> {
        let (first, rest) = segments.split_first()?;
        match first.as_str() {
            "crate" => self.resolve_in(0, rest, searched),
            "self" => self.resolve_in(from, rest, searched),
            "super" => self.resolve_in(self.modules[from].parent?, rest, searched),
            name if self.modules[0].own_name.as_deref() == Some(name) => {
                self.resolve_in(0, rest, searched)
            }
            _ => self.look_up(from, segments, searched),
        }
    }

    /// Resolves a path relative to `module`, which is known to be in this crate. A name that is not found
    /// there is an item that a macro defines.
    fn resolve_in(
        &self,
        module: usize,
        segments: &[String],
        searched: &mut Searched,
    ) -> Option<Place> {
        match segments.first().map(String::as_str) {
            None => Some(Place::Module(module)),
            Some("self") => self.resolve_in(module, &segments[1..], searched),
            Some("super") => {
                self.resolve_in(self.modules[module].parent?, &segments[1..], searched)
            }
            Some(_) => self.look_up(module, segments, searched).or(Some(Place::Item(module))),
        }
    }

    /// Resolves a path whose first segment is a name in the scope of `module`.
    fn look_up(
        &self,
        module: usize,
        segments: &[String],
        searched: &mut Searched,
    ) -> Option<Place> {
        let key = (module, segments.to_vec());
        if let Some(&found) = searched.get(&key) {
            return found;
        }
        searched.insert(key.clone(), None);
        let found = self
            .look_up_here(module, segments, searched)
            .or_else(|| self.look_up_in_globs(module, segments, searched));
        searched.insert(key, found);
        found
    }

    fn look_up_here(
        &self,
        module: usize,
        segments: &[String],
        searched: &mut Searched,
    ) -> Option<Place> {
        let (name, rest) = segments.split_first()?;
        let Module { children, items, imports, .. } = &self.modules[module];
        let item = items.contains(name).then_some(Place::Item(module));
        let named = |searched: &mut Searched| {
            let import =
                imports.iter().find(|import| import.brings == Brings::Name(name.clone()))?;
            self.follow(module, import, rest, searched)
        };
        let child = |searched: &mut Searched| self.resolve_in(*children.get(name)?, rest, searched);
        // A function may have the same name as its module. A path that ends there names the function.
        if rest.is_empty() {
            item.or_else(|| named(searched)).or_else(|| child(searched))
        } else {
            child(searched).or(item).or_else(|| named(searched))
        }
    }

    fn look_up_in_globs(
        &self,
        module: usize,
        segments: &[String],
        searched: &mut Searched,
    ) -> Option<Place> {
        let globs = self.modules[module].imports.iter();
        globs.filter(|import| import.brings == Brings::All).find_map(|glob| {
            match self.resolve_from(module, &glob.segments, searched)? {
                Place::Module(other) if other != module => self.look_up(other, segments, searched),
                _ => None,
            }
        })
    }

    fn follow(
        &self,
        module: usize,
        import: &Import,
        rest: &[String],
        searched: &mut Searched,
    ) -> Option<Place> {
        match self.resolve_from(module, &import.segments, searched)? {
            Place::Module(found) => self.resolve_in(found, rest, searched),
            item => Some(item),
        }
    }
}
