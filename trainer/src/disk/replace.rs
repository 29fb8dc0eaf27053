//! Replaces one directory by another.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Moves the directory `new` to `old`, and removes the earlier `old`. In between, the earlier one has the
/// name `aside`, which must be free.
///
/// # Errors
///
/// Returns an error if a directory cannot be moved or removed. The contents of both are then still there.
pub(super) fn replace(old: &Path, new: &Path, aside: &Path) -> Result<()> {
    let context =
        |from: &Path, to: &Path| format!("cannot move {} to {}", from.display(), to.display());
    let existed = old.exists();
    if existed {
        fs::rename(old, aside).with_context(|| context(old, aside))?;
    }
    if let Err(error) = fs::rename(new, old) {
        if existed {
            fs::rename(aside, old).with_context(|| context(aside, old))?;
        }
        return Err(error).with_context(|| context(new, old));
    }
    if existed {
        fs::remove_dir_all(aside)
            .with_context(|| format!("cannot remove the replaced run {}", aside.display()))?;
    }
    Ok(())
}
