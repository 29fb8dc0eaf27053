//! Removes files.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Removes the file `path` if it exists.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    if path.exists() {
        fs::remove_file(path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(())
}
