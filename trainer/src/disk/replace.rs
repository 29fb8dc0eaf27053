//! One directory takes the place of another.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Moves the directory `new` to `old`, and removes what was there. `aside` is the name of the old one in
/// between; nothing may be called so.
///
/// # Errors
///
/// When a directory cannot be moved or removed; then both are still there.
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
