//! What the path of an output leads to.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// What a path leads to, through symbolic links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Standard output of this process.
    Stdout,
    /// A pipe or a device such as a terminal, whose bytes are written as they come. The path is as given.
    Stream(PathBuf),
    /// A regular file at this path, which is not a link. The file may not exist yet.
    File(PathBuf),
}

/// As many links as Linux follows.
const LINKS: usize = 40;

impl Place {
    /// Follows `path`. A link may lead to a file that does not exist yet.
    ///
    /// # Errors
    ///
    /// Returns an error that names the path if its folder does not exist, or if it leads to something that
    /// cannot be written: a folder, a block device, a socket, a cycle of links.
    pub(super) fn of(path: &Path) -> Result<Self> {
        if is_stdout(path) {
            return Ok(Self::Stdout);
        }
        let context = || format!("cannot write {}", path.display());
        let found = match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(context),
        };
        let is_stream = found.as_ref().is_some_and(is_stream) || is_descriptor(path);
        match found {
            Some(_) if is_stream => Ok(Self::Stream(path.to_path_buf())),
            Some(found) if found.is_dir() => bail!("{}: it is a directory", context()),
            Some(found) if !found.is_file() => {
                bail!("{}: it is neither a regular file nor a pipe", context())
            }
            _ => {
                let target = follow(path).with_context(context)?;
                let folder = folder(&target);
                if !folder.is_dir() {
                    bail!("{}: there is no directory {}", context(), folder.display());
                }
                Ok(Self::File(target))
            }
        }
    }
}

/// Returns the path at the end of the links that `path` begins.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // It is not a link, or it does not exist.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::NotFound) => {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

/// Returns the folder that holds `path`.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

/// Whether `path` is standard output. It must not be opened again: in a file, the bytes would begin at its start.
fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// Whether `path` is an open file of this process, such as the shell's `>(command)`.
fn is_descriptor(path: &Path) -> bool {
    path == Path::new("/dev/stderr")
        || ["/dev/fd", "/proc/self/fd"]
            .iter()
            .any(|folder| path.parent() == Some(Path::new(folder)))
}

#[cfg(unix)]
fn is_stream(found: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    kind.is_fifo() || kind.is_char_device()
}

#[cfg(not(unix))]
fn is_stream(_: &Metadata) -> bool {
    false
}

/// Whether both paths lead to the same file: through links, or as two names of one file.
///
/// # Errors
///
/// Returns the operating system's error if one of them cannot be examined. A path that leads nowhere is no error.
pub(super) fn same_file(one: &Path, other: &Path) -> io::Result<bool> {
    let examine = |path: &Path| match identity(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    };
    let (one, other) = (examine(one)?, examine(other)?);
    Ok(one.is_some() && one == other)
}

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_lead_to_their_last_target_even_if_it_does_not_exist() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("deep")).unwrap();
        symlink("two", path("one")).unwrap();
        symlink("deep/three", path("two")).unwrap();
        let file = |name: &str| Place::File(path(name));
        assert_eq!(Place::of(&path("one")).unwrap(), file("deep/three"));
        fs::write(path("deep/three"), "").unwrap();
        assert_eq!(Place::of(&path("one")).unwrap(), file("deep/three"));
        assert!(same_file(&path("one"), &path("deep/three")).unwrap());
        assert!(!same_file(&path("none"), &path("none")).unwrap());
        symlink("circle", path("circle")).unwrap();
        assert!(Place::of(&path("circle")).is_err());
        assert!(Place::of(&path("none/file")).unwrap_err().to_string().contains("no directory"));
        assert!(Place::of(folder.path()).unwrap_err().to_string().contains("is a directory"));
    }

    #[test]
    fn devices_and_open_files_are_streams() {
        let stream = |name: &str| Place::Stream(PathBuf::from(name));
        assert_eq!(Place::of(Path::new("/dev/null")).unwrap(), stream("/dev/null"));
        assert_eq!(Place::of(Path::new("-")).unwrap(), Place::Stdout);
        assert_eq!(Place::of(Path::new("/dev/stdout")).unwrap(), Place::Stdout);
        assert_eq!(Place::of(Path::new("./-")).unwrap(), Place::File(PathBuf::from("./-")));
    }
}
