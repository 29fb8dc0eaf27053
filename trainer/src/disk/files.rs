//! Locks and removes files, and writes them atomically.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

/// Prefix of the names of temporary files. A process that is killed may leave one.
pub const UNFINISHED: &str = ".flowlet-";

/// Writes `bytes` to `path` atomically: to a temporary file in the same directory, which is then renamed.
///
/// # Errors
///
/// Returns an error if the directory cannot be written to. `path` is then unchanged.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let context = || format!("cannot write {}", path.display());
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    // `tempfile` lets only the owner read a file. A result gets the permissions of the user's other files.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(directory).with_context(context)?;
    file.write_all(bytes).with_context(context)?;
    file.as_file().sync_all().with_context(context)?;
    file.persist(path).with_context(context)?;
    Ok(())
}

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

/// Locks `file` until it is closed. Returns `false` if it is already locked elsewhere. On a file system
/// without locks it always returns `true`.
pub fn lock(file: &File) -> bool {
    !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}
