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
    /// Standard error of this process.
    Stderr,
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
    /// cannot be written: a folder, a block device, a socket, a cycle of links, a regular file that another
    /// descriptor than standard output and standard error has open.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let descriptor = descriptor(path);
        match descriptor {
            Some(Descriptor::Own(1)) => return Ok(Self::Stdout),
            Some(Descriptor::Own(2)) => return Ok(Self::Stderr),
            _ => {}
        }
        let context = || format!("cannot write {}", path.display());
        let found = match fs::metadata(path) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(context),
        };
        match found {
            Some(found) if is_stream(&found) => Ok(Self::Stream(path.to_path_buf())),
            Some(found) if found.is_dir() => bail!("{}: it is a directory", context()),
            Some(found) if !found.is_file() => {
                bail!("{}: it is neither a regular file nor a pipe", context())
            }
            None if descriptor.is_some() => bail!("{}: no file is open there", context()),
            // Opened again, it would be written from its start, or the next write through the descriptor would go
            // over the result.
            _ if descriptor.is_some() => bail!(
                "{}: a regular file is open there, and what else is written to it would mix with the result: \
                 give the file's name, or write to standard output: --out - > FILE",
                context()
            ),
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

/// The entry of an open file in `/dev/fd` or `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Descriptor {
    /// This process has opened the file under this number.
    Own(u32),
    /// Another process has.
    Other,
}

/// Returns the descriptor that `path` is or leads to, such as the shell's `>(command)`. It must not be followed
/// further: the target is a file that is open already, perhaps not from its start.
fn descriptor(path: &Path) -> Option<Descriptor> {
    // Known by name too, since there may be no /proc.
    let named = [("-", 1), ("/dev/stdout", 1), ("/dev/stderr", 2)];
    if let Some((_, number)) = named.iter().find(|(name, _)| path == Path::new(name)) {
        return Some(Descriptor::Own(*number));
    }
    let whole = |path: &str| fs::canonicalize(path).ok();
    let (fd, process) = (whole("/dev/fd"), whole("/proc/self"));
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        let folder = fs::canonicalize(folder(&path)).ok()?;
        let name = path.file_name()?;
        if let Some(number) = name.to_str().and_then(|name| name.parse().ok()) {
            let is_folder = folder.file_name() == Some("fd".as_ref());
            if fd.as_ref() == Some(&folder)
                || is_folder && process.as_ref().is_some_and(|process| folder.starts_with(process))
            {
                return Some(Descriptor::Own(number));
            }
            if is_folder && folder.starts_with("/proc") {
                return Some(Descriptor::Other);
            }
        }
        let target = fs::read_link(&path).ok()?;
        path = folder.join(target);
    }
    None
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

/// What a file or folder is, under all its names: its device and its number there.
#[cfg(unix)]
pub(super) type Identity = (u64, u64);

#[cfg(not(unix))]
pub(super) type Identity = PathBuf;

#[cfg(unix)]
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
pub(super) fn identity(path: &Path) -> io::Result<Identity> {
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

    /// A regular file that is open already is standard output, standard error, or refused.
    #[cfg(target_os = "linux")]
    #[test]
    fn open_regular_files_are_not_opened_again() {
        use std::os::fd::AsRawFd;
        let folder = tempfile::tempdir().unwrap();
        let file = fs::File::create(folder.path().join("file")).unwrap();
        let link = folder.path().join("link");
        let number = file.as_raw_fd();
        symlink(format!("/dev/fd/{number}"), &link).unwrap();
        let process = std::process::id();
        for path in [
            format!("/dev/fd/{number}"),
            format!("/proc/self/fd/{number}"),
            format!("/proc/thread-self/fd/{number}"),
            format!("/proc/{process}/fd/{number}"),
            format!("/dev/../dev/fd/{number}"),
            link.display().to_string(),
        ] {
            let error = Place::of(Path::new(&path)).unwrap_err().to_string();
            assert!(error.contains("a regular file is open there"), "{path}: {error}");
        }
        symlink("/dev/stdout", folder.path().join("out")).unwrap();
        for path in ["/proc/self/fd/1", "/dev/fd/1", "/dev/../dev/stdout"] {
            assert_eq!(Place::of(Path::new(path)).unwrap(), Place::Stdout, "{path}");
        }
        assert_eq!(Place::of(&folder.path().join("out")).unwrap(), Place::Stdout);
        assert_eq!(Place::of(Path::new("/proc/self/fd/2")).unwrap(), Place::Stderr);
    }
}
