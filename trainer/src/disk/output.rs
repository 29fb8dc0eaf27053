//! The result of a command: where it goes, and what it must not destroy.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::own_names::is_own;
use super::place::{Place, same_file};
use super::whole::Staged;

/// Where a command writes a result. Every command that has `--out` writes through it.
///
/// - A regular file is written whole or not at all, and synced to the disk with its folder. A symbolic link
///   leads to its target, which may not exist yet. An existing file is replaced only where the user asked for
///   it, and its mode is kept.
/// - A pipe, a device such as `/dev/null`, or standard output (`-`) gets the bytes as they come. A regular file to
///   which standard output or standard error was redirected gets them at the place where it stands. Any other
///   descriptor of a regular file, such as `/dev/fd/3`, is refused.
/// - An input of the command is never written, under any of its names.
#[derive(Debug)]
pub struct Output {
    /// The path as the user typed it, for messages.
    path: PathBuf,
    place: Place,
    replace: bool,
}

impl Output {
    /// Returns standard output.
    pub fn stdout() -> Self {
        Self { path: PathBuf::from("-"), place: Place::Stdout, replace: false }
    }

    /// Decides where `path` leads. With `replace`, an existing file may be replaced. Commands call this before
    /// their work, so that they do not fail after it.
    ///
    /// # Errors
    ///
    /// Returns an error if `path` is one of `inputs`, leads to a folder or something else that cannot be
    /// written, exists and `replace` is `false`, or its folder cannot be written to.
    pub fn open(path: &Path, replace: bool, inputs: &[PathBuf]) -> Result<Self> {
        let place = Place::of(path)?;
        let output = Self { path: path.to_path_buf(), place, replace };
        if let Place::File(target) = &output.place {
            ensure!(
                !is_own(target),
                "cannot write {}: names that begin with .flowlet are those of flowlet's own files: choose another \
                 name with --out",
                path.display()
            );
            refuse_input(path, inputs)?;
            output.refuse_existing()?;
            Staged::new(target)?;
        }
        Ok(output)
    }

    /// Refuses to replace a file that exists, unless the user asked for it.
    fn refuse_existing(&self) -> Result<()> {
        let Place::File(target) = &self.place else { return Ok(()) };
        ensure!(self.replace || !exists(target)?, exists_already(&self.path));
        Ok(())
    }

    /// Returns the path as the user typed it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path of the regular file that is written, after all links. `None` for a stream.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::File(target) => Some(target),
            Place::Stdout | Place::Stderr | Place::Stream(_) => None,
        }
    }

    /// Returns whether the bytes go to standard output. Nothing else should be printed there then.
    pub fn is_stdout(&self) -> bool {
        self.place == Place::Stdout
    }

    /// Opens a stream. A pipe is opened when another process reads it.
    ///
    /// # Errors
    ///
    /// Returns an error if it cannot be opened, or the output is a regular file.
    pub fn stream(&self) -> Result<Box<dyn Write + Send>> {
        let context = || format!("cannot write {}", self.path.display());
        match &self.place {
            Place::Stdout => Ok(Box::new(io::stdout())),
            Place::Stderr => Ok(Box::new(io::stderr())),
            Place::Stream(path) => {
                // Appends, since the shell may have opened a file here to which others write too.
                let file = OpenOptions::new().append(true).open(path).with_context(context)?;
                Ok(Box::new(file))
            }
            Place::File(_) => bail!("{}: it is a regular file", context()),
        }
    }

    /// Writes the whole result.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, or if a file that must not be replaced has appeared meanwhile. An
    /// existing file is then unchanged.
    pub fn write(&self, bytes: &[u8]) -> Result<()> {
        let Place::File(target) = &self.place else {
            let mut stream = self.stream()?;
            let written = stream.write_all(bytes).and_then(|()| stream.flush());
            return written.with_context(|| format!("cannot write {}", self.name()));
        };
        let mut staged = Staged::new(target)?;
        // Checked again under the lock of the temporary file: another process may have finished meanwhile.
        self.refuse_existing()?;
        staged.fill(bytes)?;
        staged.publish()
    }

    /// Returns the name of the output for messages.
    pub fn name(&self) -> String {
        match &self.place {
            Place::Stdout => "standard output".to_string(),
            _ => self.path.display().to_string(),
        }
    }
}

/// Writes several results. All are opened before the first is written, so that an existing file stops the command
/// before it writes.
///
/// # Errors
///
/// Returns an error if one of them must not be written, see [`Output::open`], or if writing fails.
pub fn write_all(files: &[(PathBuf, &[u8])], replace: bool, inputs: &[PathBuf]) -> Result<()> {
    let open = |(path, _): &(PathBuf, &[u8])| Output::open(path, replace, inputs);
    let outputs: Vec<Output> = files.iter().map(open).collect::<Result<_>>()?;
    outputs.iter().zip(files).try_for_each(|(output, (_, bytes))| output.write(bytes))
}

/// Refuses to write `path` if it leads to one of `inputs`.
pub(super) fn refuse_input(path: &Path, inputs: &[PathBuf]) -> Result<()> {
    for input in inputs {
        let same = same_file(path, input);
        ensure!(
            !same.with_context(|| format!("cannot read {}", input.display()))?,
            "{} is an input of this command ({}): choose another name with --out",
            path.display(),
            input.display()
        );
    }
    Ok(())
}

/// Refuses `-` as the name of a directory: several files cannot go to standard output.
///
/// # Errors
///
/// Returns an error if `directory` is `-`.
pub fn refuse_stdout(directory: &Path) -> Result<()> {
    ensure!(
        directory != Path::new("-"),
        "--out -: expected a directory, since several files cannot be written to standard output (./- is a directory \
         called -)"
    );
    Ok(())
}

/// Returns the error for a file that exists and must not be replaced.
pub(super) fn exists_already(path: &Path) -> String {
    let path = path.display();
    format!("{path} exists: choose another name with --out, or replace it with --force")
}

/// Whether there is a file at `path`.
pub(super) fn exists(path: &Path) -> Result<bool> {
    match fs::exists(path) {
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        found => found.with_context(|| format!("cannot read {}", path.display())),
    }
}
