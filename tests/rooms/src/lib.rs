//! Holds a crate's modules against a ranked list: imports run one way.
//!
//! A *room* is a module at the root of a crate. [`check`] reads every path in the crate's sources and
//! reports
//!
//! - a path from one room to a room that is not above it in the list,
//! - files of one room that import each other in a circle,
//! - a room that is not in the list, or a name in the list that is no room.
//!
//! What counts as a path: each name that a `use` brings in (groups, renames, globs, `self::`,
//! `super::`) and each path with two or more segments anywhere else, also in macro calls, macro
//! definitions and attributes. Paths in comments, documentation and string literals do not count.
//! Tests inside a file count like the rest of it.
//!
//! A path counts for the file that *defines* the item, not for the one that re-exports it:
//! `crate::data::Matrix` leads to `data/matrix.rs` if `data/mod.rs` says `pub use matrix::Matrix`.
//! That `pub use` itself takes nothing, since it only shows what lies below; a private `use`, or a
//! `pub use` of something outside of the module's own folder, is an import like any other. The root
//! of the crate may take from every room; no room may take what is defined at the root.
//!
//! The paths in the body of a macro begin where it is called, unless they begin with `crate`. Items that
//! a macro defines count as the module's that calls it. The methods of a value have no path, and are
//! not seen.

mod resolve;
mod rules;
mod source;
mod tokens;

use std::path::Path;

use source::Crate;

/// Reads the crate whose root is the file `root` (`src/lib.rs`) and holds it against `rooms`, the
/// lowest room first.
///
/// # Errors
///
/// On a file that cannot be read or is no Rust, with its name; or with a line for each path that runs
/// up, each circle, and each difference between the rooms and the list.
pub fn check(root: &Path, rooms: &[&str]) -> Result<(), String> {
    let found = rules::findings(&Crate::read(root)?, rooms);
    if found.is_empty() { Ok(()) } else { Err(found.join("\n")) }
}

#[cfg(test)]
mod tests;
