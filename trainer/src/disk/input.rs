//! Opens what a command reads: a regular file, or standard input.
//!
//! Anything else may never end (a device) or never begin (a FIFO that nobody writes to), so it is refused.

use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail, ensure};

use super::compressed::{MAGIC, Opened, decompressed};

/// The name that stands for standard input.
pub const STANDARD_INPUT: &str = "-";

/// The bytes that are read at once.
const BLOCK: usize = 1 << 18;

/// Whether standard input has been opened. It can be read only once.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// An opened input. Not a `BufReader`, which cannot be asked for a number of bytes without consuming them, as
/// [`Self::start`] does.
pub struct Input {
    source: Box<dyn Read>,
    /// The bytes that were read and not consumed yet are `block[next..end]`.
    block: Vec<u8>,
    next: usize,
    end: usize,
    /// The size in bytes. `None` for a stream or a compressed file, whose size is unknown.
    size: Option<u64>,
}

impl Input {
    /// Opens the regular file `path`, or standard input for `-`. What gzip or zstd compressed is decompressed while it
    /// is read.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it does not exist, is no regular file, or is compressed by another
    /// program, or if standard input was opened before.
    pub fn open(path: &Path) -> Result<Self> {
        if is_standard_input(path) {
            ensure!(
                !TAKEN.swap(true, Ordering::Relaxed),
                "{STANDARD_INPUT}: standard input can be read only once: give the other input as a file"
            );
            return Self::stream(io::stdin()).decompressed().context("standard input");
        }
        let (file, size) = open(path)?;
        let input = Self { size: Some(size), ..Self::stream(file) };
        input.decompressed().with_context(|| path.display().to_string())
    }

    fn decompressed(mut self) -> Result<Self> {
        let start = self.start(MAGIC)?;
        Ok(match decompressed(self, &start)? {
            Opened::Plain(input) => input,
            Opened::Compressed(reader) => Self::stream(reader),
        })
    }

    /// An input of the bytes that `reader` gives.
    pub fn stream(reader: impl Read + 'static) -> Self {
        Self { source: Box::new(reader), block: Vec::new(), next: 0, end: 0, size: None }
    }

    /// Returns the size of the whole input in bytes, or `None` if it is unknown: for a stream or a compressed file.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Returns the next bytes without consuming them: `count`, or fewer at the end.
    ///
    /// # Errors
    ///
    /// Returns the error of reading.
    pub fn start(&mut self, count: usize) -> io::Result<Vec<u8>> {
        self.block.copy_within(self.next..self.end, 0);
        (self.next, self.end) = (0, self.end - self.next);
        self.block.resize(self.block.len().max(count), 0);
        while self.end < count {
            match self.source.read(&mut self.block[self.end..]) {
                Ok(0) => break,
                Ok(more) => self.end += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.block[..self.end.min(count)].to_vec())
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Large blocks go straight to their place.
        if self.next == self.end && buffer.len() >= BLOCK {
            return self.source.read(buffer);
        }
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.next == self.end {
            self.block.resize(self.block.len().max(BLOCK), 0);
            (self.next, self.end) = (0, self.source.read(&mut self.block)?);
        }
        Ok(&self.block[self.next..self.end])
    }

    fn consume(&mut self, count: usize) {
        self.next = (self.next + count).min(self.end);
    }
}

/// Whether `path` stands for standard input.
pub fn is_standard_input(path: &Path) -> bool {
    path == Path::new(STANDARD_INPUT)
}

/// Returns the bytes of the regular file `path`.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be read, is no regular file, or does not fit into memory.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let (mut file, size) = open(path)?;
    let context = || format!("cannot read {}", path.display());
    let mut bytes = Vec::new();
    let fits = usize::try_from(size).is_ok_and(|size| bytes.try_reserve_exact(size).is_ok());
    ensure!(fits, "{}: its {size} bytes do not fit into memory", context());
    file.read_to_end(&mut bytes).with_context(context)?;
    Ok(bytes)
}

/// Opens the regular file `path` for reading. Returns it and its size in bytes.
///
/// # Errors
///
/// Returns an error that names the file if it cannot be opened or is no regular file.
pub fn open(path: &Path) -> Result<(File, u64)> {
    let context = || format!("cannot read {}", path.display());
    // Checked before the file is opened: opening a FIFO waits until somebody writes to it.
    let kind = std::fs::metadata(path).with_context(context)?.file_type();
    if kind.is_dir() {
        bail!("{}: it is a directory, expected a file", context());
    }
    if !kind.is_file() {
        let what = describe(kind);
        bail!(
            "{}: it is {what}, expected a regular file. Only tables can be piped in, as -: COMMAND | flowlet … -",
            context()
        );
    }
    let file = File::open(path).with_context(context)?;
    let size = file.metadata().with_context(context)?.len();
    Ok((file, size))
}

#[cfg(unix)]
fn describe(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a pipe"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else {
        "a socket"
    }
}

#[cfg(not(unix))]
fn describe(_: std::fs::FileType) -> &'static str {
    "a stream or a device"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_and_from_its_start() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        std::fs::write(&path, "0123456789").unwrap();
        assert_eq!(read(&path).unwrap(), b"0123456789");
        let mut input = Input::open(&path).unwrap();
        assert_eq!(input.size(), Some(10));
        for count in [3, 0, 20] {
            assert_eq!(input.start(count).unwrap(), b"0123456789"[..count.min(10)]);
        }
        let mut all = String::new();
        input.read_to_string(&mut all).unwrap();
        assert_eq!(all, "0123456789");
    }

    #[test]
    fn directories_and_missing_files_are_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        for (path, expected) in [
            (directory.path().to_path_buf(), "it is a directory"),
            (directory.path().join("none"), "none"),
        ] {
            for error in [read(&path).unwrap_err(), Input::open(&path).err().unwrap()] {
                let error = format!("{error:#}");
                assert!(error.starts_with("cannot read ") && error.contains(expected), "{error}");
            }
        }
    }

    /// Without the check, opening the FIFO waits for ever, and reading the device does not end.
    #[cfg(unix)]
    #[test]
    fn pipes_and_devices_are_refused_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        for (path, expected) in
            [(fifo.as_path(), "it is a pipe"), (Path::new("/dev/zero"), "it is a device")]
        {
            for error in [read(path).unwrap_err(), Input::open(path).err().unwrap()] {
                let error = error.to_string();
                assert!(error.contains(expected) && error.contains("as -"), "{error}");
            }
        }
    }
}
