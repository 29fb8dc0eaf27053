//! A run's directory: written as the run goes, whole at its end.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use super::files::{self, UNFINISHED, write_whole};
use super::names::{
    BEGINNING, CHECKPOINT_FILE, CONFIG_FILE, LOCK_FILE, MODEL_FILE, REPLACES_FILE, TEACHER_FILE,
    WHOLE,
};
use super::replace::replace;

/// The directory of a run in progress.
///
/// An existing run gives way only under `--force`, and then only once the new one has succeeded:
/// until then the new one lies beside, under `NAME.new`. A directory without a model, as a failed
/// run leaves it for a look at its metrics, may be used again.
#[derive(Debug)]
pub struct RunDirectory {
    /// Where the run is written.
    path: PathBuf,
    /// The run whose place it takes at its end.
    replaced: Option<PathBuf>,
    /// Held as long as this value lives, and let go by the system if the process dies: on the run
    /// that is written, and on the one that it replaces.
    locks: Vec<(PathBuf, File)>,
}

impl RunDirectory {
    /// Creates the directory; with `force`, beside an existing run.
    ///
    /// # Errors
    ///
    /// When it cannot be created, holds a run and `force` is not given, holds anything else, or
    /// another run is being written to it.
    pub fn create(path: &Path, force: bool) -> Result<Self> {
        let context = || format!("cannot create the directory {}", path.display());
        if !path.exists() {
            return Self::begin(path.to_path_buf(), None);
        }
        ensure!(path.is_dir(), "{} is not a directory: choose another with --out", path.display());
        // Even --force must not take a directory away that holds more than a run.
        if let Some(name) = other_than(&WHOLE, path).with_context(context)? {
            bail!(
                "{} holds {name}, which is not part of a run: choose another directory with --out",
                path.display()
            );
        }
        if other_than(&BEGINNING, path).with_context(context)?.is_none() {
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
        // The directory itself, whatever link or `.` led to it.
        let replaced = fs::canonicalize(path).with_context(context)?;
        let beside = with_suffix(&replaced, ".new")?;
        if beside.exists() {
            if let Some(name) = other_than(&WHOLE, &beside)? {
                bail!(
                    "{} holds {name}, but the new run begins there: move it away",
                    beside.display()
                );
            }
            ensure!(
                !beside.join(CHECKPOINT_FILE).exists(),
                "a run that was to replace {0} was stopped: continue with `flowlet train --resume {0}`, \
                 or remove {1}",
                path.display(),
                beside.display()
            );
            ensure!(
                !beside.join(MODEL_FILE).exists(),
                "{} holds a run, but the new run begins there: move it away",
                beside.display()
            );
        }
        Self::begin(beside, Some(replaced))
    }

    /// The directory of a run that was begun there, to go on: `path`, or the run beside it that was to
    /// take its place.
    ///
    /// # Errors
    ///
    /// When there is none, it is whole already, or another process is writing to it.
    pub fn resume(path: &Path) -> Result<Self> {
        let begun = |path: &Path| path.join(CONFIG_FILE).exists();
        // A run that was killed between two renames has left nothing under its name.
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
        ensure!(
            begun(path),
            "{} holds no run that could go on: it has no {CONFIG_FILE}",
            path.display()
        );
        ensure!(
            path.join(CHECKPOINT_FILE).exists() || !path.join(MODEL_FILE).exists(),
            "{} is a whole run: there is nothing to go on with",
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
                "{} is in the way: it is what an earlier run replaced, move it away",
                aside.display()
            );
            write_whole(&path.join(REPLACES_FILE), &[])?;
        }
        // Under the lock: nobody else is writing them.
        for entry in fs::read_dir(&path).with_context(context)? {
            let entry = entry.with_context(context)?;
            if is_unfinished(&entry.file_name()) {
                fs::remove_file(entry.path()).with_context(context)?;
            }
        }
        Ok(Self { path, replaced, locks })
    }

    /// Where the run is written until it is finished.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The run whose place it takes at its end, if there is one.
    pub fn replaces(&self) -> Option<&Path> {
        self.replaced.as_deref()
    }

    /// Writes a file whole or not at all.
    ///
    /// # Errors
    ///
    /// When the disk is full, say.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        write_whole(&self.path.join(name), bytes)
    }

    fn unlock(&mut self) {
        for (file, _) in self.locks.drain(..) {
            // If it stays it keeps nobody out: the lock was on the open file.
            let _ = fs::remove_file(file);
        }
    }

    /// The run succeeded: it takes its place, and what it replaces goes. What it needed to go on with
    /// goes last, so that it can be taken up again if the process is killed here.
    ///
    /// # Errors
    ///
    /// When directories cannot be renamed or removed; both runs are still there then.
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

/// Whether a file of this name is what a killed process was writing.
fn is_unfinished(name: &OsStr) -> bool {
    name.to_string_lossy().starts_with(UNFINISHED)
}

/// The name of a file in the directory that is not among `names`, if there is one.
fn other_than(names: &[&str], path: &Path) -> std::io::Result<Option<String>> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if !names.iter().any(|known| name == *known) && !is_unfinished(&name) {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

/// The directory beside `directory` whose name has a suffix more.
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
        // And the next one begins where that one ended.
        RunDirectory::create(&path, true).unwrap().finish().unwrap();
    }

    #[test]
    fn a_directory_is_written_to_by_one_run_at_a_time() {
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
    fn force_through_a_link_replaces_what_the_link_leads_to() {
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
