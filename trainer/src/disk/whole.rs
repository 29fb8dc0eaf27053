//! Files that are written whole or not at all, and their removal.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::lock::{self, Attempt, attempt};
use super::own_names::temporary;
use super::place::{Place, folder};

/// How long to wait for another process that writes the same file.
const PATIENCE: Duration = Duration::from_secs(30);

/// Writes `bytes` to `path` whole or not at all: to a temporary file in the same folder, which is synced to the
/// disk, gets the name, and is synced together with its folder. If `path` is a link, its target is written. A
/// file that was there is replaced and its mode kept.
///
/// # Errors
///
/// Returns an error if `path` leads to no regular file, or the folder cannot be written to. `path` is then
/// unchanged.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    write_whole_if(path, bytes, || Ok(()))
}

/// As [`write_whole`], but first calls `allowed`, after the temporary file was created. If the folder is
/// replaced later, the rename fails, because the new folder has no temporary file.
pub(super) fn write_whole_if(
    path: &Path,
    bytes: &[u8],
    allowed: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let Place::File(target) = Place::of(path)? else {
        bail!("cannot write {}: it is not a regular file", path.display());
    };
    let mut staged = Staged::new(&target)?;
    allowed()?;
    staged.fill(bytes)?;
    staged.publish()
}

/// A file that does not have its final name yet.
///
/// It is called `.flowlet-NAME` and locked, so that the next process that writes `NAME` can tell whether the
/// one before is alive, and removes what a dead one left.
#[derive(Debug)]
pub(super) struct Staged {
    target: PathBuf,
    path: PathBuf,
    file: File,
}

impl Staged {
    /// Creates the temporary file of `target`, which must be no link. Waits while another process writes the
    /// same file.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be written to, or another process is still writing after 30 seconds.
    pub(super) fn new(target: &Path) -> Result<Self> {
        let context = || format!("cannot write {}", target.display());
        let mut path = temporary(target);
        let start = Instant::now();
        let (file, path) = loop {
            if start.elapsed() > PATIENCE {
                bail!("another process is writing {}", target.display());
            }
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => match attempt(&file, &path).with_context(context)? {
                    Attempt::Locked | Attempt::Unsupported => break (file, path),
                    // Another process has just found the file without a lock, and removes it.
                    Attempt::Busy | Attempt::Gone => {}
                },
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    match remove_dead(&path).with_context(context)? {
                        Attempt::Locked | Attempt::Gone => {}
                        // Without locks, nobody knows whether the other process lives. It keeps its file.
                        Attempt::Unsupported => path = own(target),
                        Attempt::Busy => sleep(Duration::from_millis(5)),
                    }
                }
                Err(error) => return Err(error).with_context(context),
            }
        };
        let staged = Self { target: target.to_path_buf(), path, file };
        keep_mode(target, &staged.file).with_context(context)?;
        Ok(staged)
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full.
    pub(super) fn fill(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .with_context(|| format!("cannot write {}", self.target.display()))
    }

    /// Syncs the file, gives it its name, and syncs the folder.
    ///
    /// # Errors
    ///
    /// Returns an error if one of these fails. The name then belongs to the earlier file, unless only the last
    /// sync failed.
    pub(super) fn publish(self) -> Result<()> {
        let publish = || -> io::Result<()> {
            self.file.sync_all()?;
            fs::rename(&self.path, &self.target)?;
            sync_folder(folder(&self.target))
        };
        publish().with_context(|| format!("cannot write {}", self.target.display()))
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Does nothing if the file has got its name.
        lock::remove(&self.file, &self.path);
    }
}

/// Removes the temporary file `path` if the process that made it is dead. Returns whether its lock could be
/// taken.
fn remove_dead(path: &Path) -> io::Result<Attempt> {
    // Opening a link or a pipe could do anything.
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_file() => {}
        Ok(_) => {
            fs::remove_file(path)?;
            return Ok(Attempt::Gone);
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Attempt::Gone),
        Err(error) => return Err(error),
    }
    let file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Attempt::Gone),
        Err(error) => return Err(error),
    };
    let locked = attempt(&file, path)?;
    if locked == Attempt::Locked {
        fs::remove_file(path)?;
    }
    Ok(locked)
}

/// Returns a temporary name that no other process uses.
fn own(target: &Path) -> PathBuf {
    let mut name = OsString::from(temporary(target));
    name.push(format!(".{}", std::process::id()));
    PathBuf::from(name)
}

/// Removes the file `path` if it exists.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| format!("cannot remove {}", path.display())),
    }
}

/// Gives `file` the mode of the file `target`, if there is one.
pub(super) fn keep_mode(target: &Path, file: &File) -> io::Result<()> {
    match fs::metadata(target) {
        Ok(found) => file.set_permissions(found.permissions()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Creates the directory `path` with its parents, and syncs their names to the disk.
///
/// # Errors
///
/// Returns the operating system's error if a directory cannot be created.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let is_new = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let new: Vec<&Path> = path.ancestors().take_while(is_new).collect();
    fs::create_dir_all(path)?;
    new.iter().try_for_each(|path| sync_folder(folder(path)))
}

/// Syncs the names in `folder` to the disk, so that they survive a power failure.
///
/// # Errors
///
/// Returns the operating system's error, unless it is that folders cannot be synced.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Ok(())
        }
        synced => synced,
    }
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_what_a_living_one_has_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(folder.path().join(".flowlet-file"), "half").unwrap();
        write_whole(&path, b"whole").unwrap();
        assert_eq!(names(folder.path()), ["file"]);
        let living = Staged::new(&path).unwrap();
        assert_eq!(remove_dead(&living.path).unwrap(), Attempt::Busy);
        let other = folder.path().join("other");
        write_whole(&other, b"").unwrap();
        assert_eq!(names(folder.path()), [".flowlet-file", "file", "other"]);
        drop(living);
        assert_eq!(names(folder.path()), ["file", "other"]);
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn processes_that_write_the_same_file_take_turns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::thread::scope(|scope| {
            for letter in [b'a', b'b', b'c'] {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..20 {
                        write_whole(path, &[letter; 1000]).unwrap();
                        let found = fs::read(path).unwrap();
                        assert_eq!(found, vec![found[0]; 1000]);
                    }
                });
            }
        });
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_folder_that_is_replaced_during_a_write_gets_no_file() {
        let parent = tempfile::tempdir().unwrap();
        let [path, moved] = ["folder", "moved"].map(|name| parent.path().join(name));
        fs::create_dir(&path).unwrap();
        let replace = || {
            fs::rename(&path, &moved)?;
            Ok(fs::create_dir(&path)?)
        };
        assert!(write_whole_if(&path.join("file"), b"", replace).is_err());
        assert!(names(&path).is_empty());
        assert!(write_whole_if(&path.join("file"), b"", || bail!("moved")).is_err());
        assert!(names(&path).is_empty());
    }

    #[test]
    fn long_names_have_short_temporary_ones() {
        let folder = tempfile::tempdir().unwrap();
        let name = "é".repeat(127);
        write_whole(&folder.path().join(&name), b"").unwrap();
        assert_eq!(names(folder.path()), [name]);
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_stays_and_a_planted_link_is_not_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("secret"), "old").unwrap();
        fs::set_permissions(path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("secret", path("link")).unwrap();
        fs::write(path("precious"), "years of work").unwrap();
        symlink("precious", path(".flowlet-secret")).unwrap();
        write_whole(&path("link"), b"new").unwrap();
        assert_eq!(fs::read(path("secret")).unwrap(), b"new");
        assert_eq!(fs::metadata(path("secret")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(path("link").is_symlink());
        assert_eq!(fs::read(path("precious")).unwrap(), b"years of work");
        assert_eq!(names(folder.path()), ["link", "precious", "secret"]);
    }
}
