//! Locks between processes, on files that another process may rename or remove meanwhile.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// The result of an attempt to lock an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// The file is locked until it is closed, and its path still leads to it.
    Locked,
    /// Another process has locked it.
    Busy,
    /// The file was renamed or removed before it was locked. Nobody else would see a lock on it.
    Gone,
    /// The file system has no locks.
    Unsupported,
}

/// Tries to lock `file`, which was opened at `path`.
///
/// # Errors
///
/// Returns any other error of the operating system.
pub(super) fn attempt(file: &File, path: &Path) -> io::Result<Attempt> {
    match file.try_lock() {
        Ok(()) if leads_to(path, file)? => Ok(Attempt::Locked),
        Ok(()) => {
            file.unlock()?;
            Ok(Attempt::Gone)
        }
        Err(TryLockError::WouldBlock) => Ok(Attempt::Busy),
        Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {
            Ok(Attempt::Unsupported)
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// How often to try again if the file was renamed or removed meanwhile.
const TRIES: usize = 1000;

/// Opens the file `path` for writing, creates it if there is none, and locks it. Returns `None` if another
/// process has locked it.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be opened or locked, or is a link.
pub(super) fn open(path: &Path) -> Result<Option<File>> {
    for _ in 0..TRIES {
        ensure!(!path.is_symlink(), "cannot write {}: it is a symbolic link", path.display());
        // Never truncates: another process may be writing the file.
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).read(true).write(true).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        match attempt(&file, path).with_context(|| format!("cannot lock {}", path.display()))? {
            Attempt::Locked | Attempt::Unsupported => return Ok(Some(file)),
            Attempt::Busy => return Ok(None),
            Attempt::Gone => {}
        }
    }
    bail!("cannot lock {}: other processes keep replacing it", path.display())
}

/// Removes the locked `file` if it is still at `path`. By now, another process may have made a file there.
pub(super) fn remove(file: &File, path: &Path) {
    if leads_to(path, file).unwrap_or(false) {
        let _ = fs::remove_file(path);
    }
}

/// Whether `path` itself, not the target of a link, is the open `file`.
#[cfg(unix)]
fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn leads_to(path: &Path, _: &File) -> io::Result<bool> {
    fs::exists(path)
}

/// A lock file. It is locked while this value lives, and removed when it is dropped. The operating system
/// releases the lock if the process dies. The next process uses the file that is left.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    file: File,
}

impl LockFile {
    /// Creates or opens the lock file `path`, and locks it. Returns `None` if another process has locked it.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be opened or locked.
    pub(super) fn take(path: PathBuf) -> Result<Option<Self>> {
        Ok(open(&path)?.map(|file| Self { path, file }))
    }

    /// Sets the path of the file after its folder was renamed.
    pub(super) fn moved(&mut self, path: PathBuf) {
        self.path = path;
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Under the lock. A process that opened the file before finds that its path is gone.
        remove(&self.file, &self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_a_lock_and_the_next_gets_a_file_that_others_see() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".lock");
        let first = LockFile::take(path.clone()).unwrap().unwrap();
        // Another process has opened the file, but not locked it yet.
        let late = File::open(&path).unwrap();
        assert!(LockFile::take(path.clone()).unwrap().is_none());
        assert_eq!(attempt(&late, &path).unwrap(), Attempt::Busy);
        drop(first);
        assert!(!path.exists());
        // The late process would lock a file that nobody else can open.
        assert_eq!(attempt(&late, &path).unwrap(), Attempt::Gone);
        let third = LockFile::take(path.clone()).unwrap().unwrap();
        assert_eq!(attempt(&late, &path).unwrap(), Attempt::Gone);
        assert!(LockFile::take(path).unwrap().is_none());
        drop(third);
    }

    #[test]
    fn a_lock_that_cannot_be_taken_is_an_error_with_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let error = LockFile::take(folder.path().join("none/.lock")).unwrap_err();
        assert!(format!("{error:#}").contains("No such file"), "{error:#}");
    }
}
