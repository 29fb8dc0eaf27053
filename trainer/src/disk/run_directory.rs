//! The directory of a run: locked and written during the run, and put in place when the run ends.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::files::{self, UNFINISHED, write_whole};
use super::names::{
    CHECKPOINT_FILE, CONFIG_FILE, LOCK_FILE, MODEL_FILE, REPLACES_FILE, RUN_FILES, STARTED_FILES,
    TEACHER_FILE,
};
use super::replace::replace;

/// The directory of a run in progress.
///
/// An existing run is replaced only with `--force`, and only after the new run has succeeded. Until then
/// the new run is written to `NAME.new` beside it. A directory without a model and without a checkpoint,
/// such as a failed run leaves with its metrics, may be used again.
#[derive(Debug)]
pub struct RunDirectory {
    /// Where the run is written.
    path: PathBuf,
    /// The run that it replaces at its end.
    replaced: Option<PathBuf>,
    /// The lock files of this run and of the run that it replaces. They are locked until this value is
    /// dropped; the operating system releases them if the process dies.
    locks: Vec<(PathBuf, File)>,
}

impl RunDirectory {
    /// Creates the directory `path`. With `force` and an existing run, creates `NAME.new` beside it.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory cannot be created, holds a run and `force` is `false`, holds files
    /// that are not part of a run, or is being written to by another run. With `force` also if `NAME.new`
    /// holds a model, a checkpoint or other files.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        let context = || format!("cannot create the directory {}", path.display());
        if !path.exists() {
            return Self::begin(path.to_path_buf(), None);
        }
        ensure!(path.is_dir(), "{} is not a directory: choose another with --out", path.display());
        // Even --force must not remove a directory that holds more than a run.
        if let Some(name) = file_not_in(&RUN_FILES, path).with_context(context)? {
            bail!(
                "{} holds {name}, which is not part of a run: choose another directory with --out",
                path.display()
            );
        }
        if file_not_in(&STARTED_FILES, path).with_context(context)?.is_none() {
            return Self::begin(path.to_path_buf(), None);
        }
        ensure!(
            force || !path.join(CHECKPOINT_FILE).exists(),
            "{0} holds a run that was stopped: continue with `flowlet train --resume {0}`, or replace it \
             with --force",
            path.display()
        );
        ensure!(
            force,
            "{} exists: choose another directory with --out, or replace it with --force",
            path.display()
        );
        // Resolves links and `.`, so that the directory itself is replaced.
        let replaced = fs::canonicalize(path).with_context(context)?;
        let beside = with_suffix(&replaced, ".new")?;
        if beside.exists() {
            if let Some(name) = file_not_in(&RUN_FILES, &beside)? {
                bail!(
                    "{} holds {name}, but the new run is written there: move it away",
                    beside.display()
                );
            }
            ensure!(
                !beside.join(CHECKPOINT_FILE).exists(),
                "a run that replaces {0} was stopped: continue with `flowlet train --resume {0}`, \
                 or remove {1}",
                path.display(),
                beside.display()
            );
            ensure!(
                !beside.join(MODEL_FILE).exists(),
                "{} holds a run, but the new run is written there: move it away",
                beside.display()
            );
        }
        Self::begin(beside, Some(replaced))
    }

    /// Opens the directory of a stopped run, to resume it: `path`, or `NAME.new` beside it if that run will
    /// replace `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such run, it is complete, or another process is writing to it.
    pub fn resume(path: &Path) -> Result<Self> {
        let begun = |path: &Path| path.join(CONFIG_FILE).exists();
        // `path` does not exist if a run was killed between the two renames.
        let named = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        let beside = with_suffix(&named, ".new")?;
        if begun(&beside) && beside.join(REPLACES_FILE).exists() {
            return Self::begin(beside, Some(named));
        }
        if named.join(REPLACES_FILE).exists()
            && let Some(name) = named.file_name().and_then(|name| name.to_str())
            && let Some(name) = name.strip_suffix(".new")
        {
            let replaced = named.with_file_name(name);
            return Self::begin(named, Some(replaced));
        }
        ensure!(begun(path), "{} holds no run to resume: it has no {CONFIG_FILE}", path.display());
        ensure!(
            path.join(CHECKPOINT_FILE).exists() || !path.join(MODEL_FILE).exists(),
            "{} holds a complete run: there is nothing to resume",
            path.display()
        );
        Self::begin(path.to_path_buf(), None)
    }

    fn begin(path: PathBuf, replaced: Option<PathBuf>) -> Result<Self> {
        let context = || format!("cannot create the directory {}", path.display());
        fs::create_dir_all(&path).with_context(context)?;
        let mut locks = Vec::new();
        for directory in std::iter::once(&path).chain(&replaced).filter(|path| path.exists()) {
            let file = directory.join(LOCK_FILE);
            let lock = File::create(&file).with_context(context)?;
            ensure!(
                files::lock(&lock),
                "another run is being written to {}: choose another directory with --out",
                directory.display()
            );
            locks.push((file, lock));
        }
        if let Some(replaced) = &replaced {
            let aside = with_suffix(replaced, ".replaced")?;
            ensure!(
                !aside.exists(),
                "{} is in the way: it holds a run that was replaced earlier; move it away",
                aside.display()
            );
            write_whole(&path.join(REPLACES_FILE), &[])?;
        }
        // This process holds the lock, so no other one is writing these files.
        for entry in fs::read_dir(&path).with_context(context)? {
            let entry = entry.with_context(context)?;
            if is_unfinished(&entry.file_name()) {
                fs::remove_file(entry.path()).with_context(context)?;
            }
        }
        Ok(Self { path, replaced, locks })
    }

    /// Returns the directory that the run is written to until it is finished.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the directory of the run that this one replaces at its end, if any.
    pub fn replaces(&self) -> Option<&Path> {
        self.replaced.as_deref()
    }

    /// Writes the file `name` in the directory atomically.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_whole(&self.path.join(name), bytes)
    }

    fn unlock(&mut self) {
        for (file, _) in self.locks.drain(..) {
            // A lock file that stays does no harm: the lock was on the open file.
            let _ = fs::remove_file(file);
        }
    }

    /// Ends a run that succeeded: removes the run that it replaces and moves this one to its place. Removes
    /// the checkpoint last, so that the run can be resumed if the process is killed here.
    ///
    /// # Errors
    ///
    /// Returns an error if a directory or file cannot be moved or removed. Both runs are then still there.
    pub fn finish(mut self) -> Result<()> {
        self.unlock();
        let mut path = self.path.clone();
        if let Some(replaced) = &self.replaced {
            replace(replaced, &self.path, &with_suffix(replaced, ".replaced")?)?;
            path.clone_from(replaced);
        }
        for name in [REPLACES_FILE, TEACHER_FILE, CHECKPOINT_FILE] {
            files::remove(&path.join(name))?;
        }
        Ok(())
    }
}

impl Drop for RunDirectory {
    fn drop(&mut self) {
        self.unlock();
    }
}

/// Whether `name` is that of a temporary file, which a killed process left.
fn is_unfinished(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(UNFINISHED)
}

/// Returns the name of a file in the directory `path` that is neither in `names` nor temporary, if any.
fn file_not_in(names: &[&str], path: &Path) -> std::io::Result<Option<String>> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if !names.iter().any(|known| name == *known) && !is_unfinished(&name) {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

/// Returns the path of `directory` with `suffix` added to its name.
fn with_suffix(directory: &Path, suffix: &str) -> Result<PathBuf> {
    let name = directory.file_name().context("a run's directory needs a name")?;
    let mut name = name.to_os_string();
    name.push(suffix);
    Ok(directory.with_file_name(name))
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
    fn an_existing_run_is_unchanged_without_force() {
        let (_parent, path) = existing();
        let error = RunDirectory::create(&path, false).unwrap_err().to_string();
        assert!(error.contains("--force"), "{error}");
        assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"old");
    }

    #[test]
    fn a_directory_with_other_files_is_unchanged_even_with_force() {
        let (_parent, path) = existing();
        fs::write(path.join("thesis.tex"), "years of work").unwrap();
        let error = RunDirectory::create(&path, true).unwrap_err().to_string();
        assert!(error.contains("thesis.tex"), "{error}");
        assert!(path.join("thesis.tex").exists() && path.join(MODEL_FILE).exists());
    }

    #[test]
    fn with_force_the_old_run_is_replaced_when_the_new_one_succeeds() {
        let (parent, path) = existing();
        let run = RunDirectory::create(&path, true).unwrap();
        run.write(MODEL_FILE, b"new").unwrap();
        assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"old");
        run.finish().unwrap();
        assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"new");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    }

    #[test]
    fn with_force_the_old_run_stays_when_the_new_one_fails() {
        let (_parent, path) = existing();
        let run = RunDirectory::create(&path, true).unwrap();
        run.write(CONFIG_FILE, b"new").unwrap();
        drop(run);
        assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"old");
        // The next run may use the directory that the failed one left.
        RunDirectory::create(&path, true).unwrap().finish().unwrap();
    }

    #[test]
    fn only_one_run_writes_to_a_directory_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let first = RunDirectory::create(&path, false).unwrap();
        for force in [false, true] {
            let error = RunDirectory::create(&path, force).unwrap_err().to_string();
            assert!(error.contains("another run"), "{error}");
        }
        drop(first);
        RunDirectory::create(&path, false).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn force_through_a_link_replaces_the_target_of_the_link() {
        let (parent, path) = existing();
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let run = RunDirectory::create(&link, true).unwrap();
        run.write(MODEL_FILE, b"new").unwrap();
        run.finish().unwrap();
        assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"new");
        assert!(link.is_symlink());
    }
}
