//! Checks that the modules of a crate import each other in one direction only, given by a ranked list.
//!
//! A *room* is a module at the root of a crate. [`check`] reads every path in the crate's sources and
//! reports
//!
//! - a path from one room to a higher one, which comes later in the list,
//! - files of one room that import each other in a circle,
//! - a room that is not in the list, or a name in the list that is not a room.
//!
//! A path is each name that a `use` imports (groups, renames, globs, `self::`, `super::`), and each path of
//! two or more segments anywhere else, including macro calls, macro definitions and attributes. Paths in
//! comments, documentation and string literals do not count. Tests inside a file do count.
//!
//! A path leads to the file that *defines* the item, not to one that re-exports it: `crate::data::Matrix`
//! leads to `data/matrix.rs` if `data/mod.rs` has `pub use matrix::Matrix`. A `pub use` of an item in the
//! module's own folder is a re-export and does not count as an import. A private `use`, or a `pub use` of
//! an item outside the module's folder, does count. The root of the crate may import from every room. No
//! room may import an item that is defined at the root.
//!
//! Paths in the body of a macro start at the module that calls it, unless they start with `crate`. Items
//! that a macro defines belong to the module that calls it. Method calls on values have no path, so they are
//! not checked.

mod resolve;
mod rules;
mod source;
mod tokens;

use std::path::Path;

use source::Crate;

/// Checks the crate whose root is the file `root` (`src/lib.rs`) against `rooms`, lowest room first.
///
/// # Errors
///
/// Returns an error that names a file that cannot be read or is not Rust. Otherwise returns a line for each
/// path to a higher room, each circle, and each difference between the rooms and the list.
pub fn check(root: &Path, rooms: &[&str]) -> Result<(), String> {
    let found = rules::findings(&Crate::read(root)?, rooms);
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

#[cfg(test)]
mod tests;
