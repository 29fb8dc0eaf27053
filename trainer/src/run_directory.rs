//! A run's directory: written as the run goes, whole at its end.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::files::write_whole;
use crate::golden::GOLDEN_FILE;
use crate::model::MODEL_FILE;

/// The resolved configuration, beside the weights.
pub const CONFIG_FILE: &str = "config.toml";

/// How training went.
pub const METRICS_FILE: &str = "metrics.csv";

/// What lies in the directory while a run goes on, or after it has failed.
const BEGINNING: [&str; 2] = [CONFIG_FILE, METRICS_FILE];

/// What lies in the directory of a whole run.
const WHOLE: [&str; 4] = [CONFIG_FILE, METRICS_FILE, GOLDEN_FILE, MODEL_FILE];

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
        if path.exists() {
            if !path.is_dir() {
                bail!("{} is no directory: choose another by --out", path.display());
            }
            if other_than(&BEGINNING, path).with_context(context)?.is_some() {
                // Even --force must not take a directory away that holds more than a run.
                if let Some(name) = other_than(&WHOLE, path).with_context(context)? {
                    bail!(
                        "{} holds {name}, which is no part of a run: choose another directory by \
                         --out",
                        path.display()
                    );
                }
                if !force {
                    bail!(
                        "{} exists: choose another directory by --out, or replace it by --force",
                        path.display()
                    );
                }
                replaced = Some(move_aside(path)?);
            }
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

/// The name of a file in the directory that is not among `names`, if there is one.
fn other_than(names: &[&str], path: &Path) -> std::io::Result<Option<String>> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if !names.iter().any(|known| name == *known) {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
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
        fs::write(path.join(MODEL_FILE), "old").unwrap();
        (parent, path)
    }

    #[test]
    fn an_existing_run_is_not_touched_without_force() {
        let (_parent, path) = existing();
        let error = RunDirectory::create(&path, false).unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
        assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"old");
    }

    #[test]
    fn a_directory_of_other_things_is_not_touched_even_with_force() {
        let (_parent, path) = existing();
        fs::write(path.join("thesis.tex"), "years of work").unwrap();
        let error = RunDirectory::create(&path, true).unwrap_err().to_string();
        assert!(error.contains("thesis.tex"), "{error}");
        assert!(path.join("thesis.tex").exists() && path.join(MODEL_FILE).exists());
    }

    #[test]
    fn with_force_the_old_run_goes_when_the_new_one_succeeds() {
        let (parent, path) = existing();
        let run = RunDirectory::create(&path, true).unwrap();
        run.write(MODEL_FILE, b"new").unwrap();
        run.finish().unwrap();
        assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"new");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn with_force_the_old_run_comes_back_when_the_new_one_fails() {
        let (parent, path) = existing();
        let run = RunDirectory::create(&path, true).unwrap();
        run.write(MODEL_FILE, b"new").unwrap();
        drop(run);
        assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"old");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
