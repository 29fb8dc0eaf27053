//! A run's directory: written as the run goes, whole at its end.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::files::write_whole;

/// The resolved configuration, beside the weights.
pub const CONFIG_FILE: &str = "config.toml";

/// How training went.
pub const METRICS_FILE: &str = "metrics.csv";

/// What lies in the directory while a run goes on, or after it has failed.
const BEGINNING: [&str; 2] = [CONFIG_FILE, METRICS_FILE];

/// The directory of a run in progress.
///
/// An existing run gives way only under `--force`, and then only once the new one has succeeded:
/// until then it lies beside, under `NAME.replaced`. A directory without a model, as a failed run
/// leaves it for a look at its metrics, may be used again.
#[derive(Debug)]
pub struct RunDirectory {
    path: PathBuf,
    replaced: Option<PathBuf>,
    finished: bool,
}

impl RunDirectory {
    /// Creates the directory. With `force`, an existing one is moved aside.
    ///
    /// # Errors
    ///
    /// When it cannot be created, or exists and `force` is not given.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        let context = || format!("cannot create the directory {}", path.display());
        let mut replaced = None;
        if path.exists() && !is_beginning(path).with_context(context)? {
            if !force {
                bail!(
                    "{} exists: choose another directory by --out, or replace it by --force",
                    path.display()
                );
            }
            if !path.is_dir() {
                bail!("{} is no directory: choose another by --out", path.display());
            }
            replaced = Some(move_aside(path)?);
        }
        fs::create_dir_all(path).with_context(context)?;
        Ok(Self { path: path.to_path_buf(), replaced, finished: false })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file whole or not at all.
    ///
    /// # Errors
    ///
    /// When the disk is full, say.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_whole(&self.path.join(name), bytes)
    }

    /// The run succeeded: what it replaces goes.
    ///
    /// # Errors
    ///
    /// When the replaced run cannot be removed.
    pub fn finish(mut self) -> Result<()> {
        self.finished = true;
        if let Some(replaced) = self.replaced.take() {
            fs::remove_dir_all(&replaced).with_context(|| {
                format!("cannot remove the replaced run {}", replaced.display())
            })?;
        }
        Ok(())
    }
}

impl Drop for RunDirectory {
    /// A run that failed takes nothing with it: the one that it was to replace comes back.
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let Some(replaced) = &self.replaced else { return };
        let restored =
            fs::remove_dir_all(&self.path).and_then(|()| fs::rename(replaced, &self.path));
        if restored.is_err() {
            eprintln!("warning: the replaced run lies in {}", replaced.display());
        }
    }
}

/// Whether a directory holds at most what a run writes before it has a model.
fn is_beginning(path: &Path) -> std::io::Result<bool> {
    if !path.is_dir() {
        return Ok(false);
    }
    for entry in fs::read_dir(path)? {
        if !BEGINNING
            .iter()
            .any(|name| entry.as_ref().is_ok_and(|entry| entry.file_name() == *name))
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Moves a directory to a free name beside it.
fn move_aside(path: &Path) -> Result<PathBuf> {
    for n in 0.. {
        let suffix = if n == 0 { ".replaced".to_string() } else { format!(".replaced-{n}") };
        let mut name = path.file_name().context("a run's directory needs a name")?.to_os_string();
        name.push(suffix);
        let aside = path.with_file_name(name);
        if !aside.exists() {
            fs::rename(path, &aside)
                .with_context(|| format!("cannot move {} aside", path.display()))?;
            return Ok(aside);
        }
    }
    unreachable!("there is always a free name")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn existing() -> (tempfile::TempDir, PathBuf) {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("model"), "old").unwrap();
        (parent, path)
    }

    #[test]
    fn an_existing_run_is_not_touched_without_force() {
        let (_parent, path) = existing();
        let error = RunDirectory::create(&path, false).unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
        assert_eq!(fs::read(path.join("model")).unwrap(), b"old");
    }

    #[test]
    fn with_force_the_old_run_goes_when_the_new_one_succeeds() {
        let (parent, path) = existing();
        let run = RunDirectory::create(&path, true).unwrap();
        run.write("model", b"new").unwrap();
        run.finish().unwrap();
        assert_eq!(fs::read(path.join("model")).unwrap(), b"new");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn with_force_the_old_run_comes_back_when_the_new_one_fails() {
        let (parent, path) = existing();
        let run = RunDirectory::create(&path, true).unwrap();
        run.write("model", b"new").unwrap();
        drop(run);
        assert_eq!(fs::read(path.join("model")).unwrap(), b"old");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
