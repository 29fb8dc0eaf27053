//! The directory of a run: locked and written during the run, and put in place when the run ends.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::anchor::Anchor;
use super::lock::LockFile;
use super::names::{
    CHECKPOINT_FILE, CONFIG_FILE, LOCK_FILE, METRICS_FILE, MODEL_FILE, RUN_FILES, STARTED_FILES,
};
use super::output::refuse_stdout;
use super::own_names::is_temporary_of;
use super::place::{folder, same_file};
use super::replacement::{
    beside, check_free, complete, file_not_in, is_replaced_now, mark, mend, replace, replaced_by,
    will_replace,
};
use super::whole::create_directory;

/// The directory of a run in progress.
///
/// An existing run is replaced only with `--force`, and only after the new run has succeeded. Until then
/// the new run is written to `NAME.new` beside it. A directory without a model and without a checkpoint,
/// such as a failed run leaves with its metrics, may be used again.
///
/// A process may be killed, or the power lost, at any time. A run is complete when it has a model and no
/// checkpoint; before, it can be resumed. `mend` finishes a replacement that was cut off.
#[derive(Debug)]
pub struct RunDirectory {
    /// Where the run is written.
    anchor: Anchor,
    /// The run that it replaces at its end.
    replaced: Option<PathBuf>,
    /// The locks of this run, and of the run that it replaces. They are held until this value is dropped.
    locks: Vec<LockFile>,
}

impl RunDirectory {
    /// Creates the directory `path`. With `force` and an existing run, creates `NAME.new` beside it.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory cannot be created, holds a run and `force` is `false`, holds files
    /// that are not part of a run or one of `inputs`, or is being written to by another run. With `force` also
    /// if `NAME.new` holds a model, a checkpoint or other files.
    pub fn create(path: &Path, force: bool, inputs: &[PathBuf]) -> Result<Self> {
        let context = || format!("cannot create the directory {}", path.display());
        refuse_stdout(path)?;
        // Resolves links and `.`, so that the directory itself is replaced.
        let named = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        ensure!(mend(&named)?, another_run(&named, CHOOSE));
        ensure!(
            !named.exists() || named.is_dir(),
            "{} is not a directory: choose another with --out",
            path.display()
        );
        // Checked before anything is written to it, even a lock.
        if named.exists() {
            check_files(path, inputs)?;
        }
        create_directory(path).with_context(context)?;
        let lock = lock(path, CHOOSE)?;
        // Checked again under the lock, since another run may have ended meanwhile.
        ensure!(!is_replaced_now(&named)?, another_run(&named, CHOOSE));
        check_files(path, inputs)?;
        if file_not_in(&STARTED_FILES, path).with_context(context)?.is_none() {
            return Self::begin(path, None, vec![lock]);
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
        let beside = beside(&named)?;
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
        check_free(&named)?;
        create_directory(&beside).with_context(context)?;
        let locks = vec![self::lock(&beside, CHOOSE)?, lock];
        mark(&beside, &named)?;
        Self::begin(&beside, Some(named), locks)
    }

    /// Opens the directory of a stopped run, to resume it: `path`, or `NAME.new` beside it if that run will
    /// replace `path`. Returns `None` if the run is complete.
    ///
    /// # Errors
    ///
    /// Returns an error if there is no such run, or another process is writing to it.
    pub fn resume(path: &Path) -> Result<Option<Self>> {
        // `path` does not exist if a run was killed between two renames.
        let named = fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
        ensure!(mend(&named)?, another_run(&named, WAIT));
        let beside = beside(&named)?;
        let replacement = if will_replace(&beside, &named) {
            Some((beside, named.clone()))
        } else {
            replaced_by(&named).map(|replaced| (named.clone(), replaced))
        };
        if let Some((run, replaced)) = replacement
            && run.join(CONFIG_FILE).exists()
        {
            let mut locks = vec![lock(&run, WAIT)?];
            if replaced.exists() {
                locks.push(lock(&replaced, WAIT)?);
            }
            return Self::begin(&run, Some(replaced), locks).map(Some);
        }
        let begun = || path.join(CONFIG_FILE).exists();
        ensure!(begun(), "{} holds no run to resume: it has no {CONFIG_FILE}", path.display());
        let lock = lock(path, WAIT)?;
        if path.join(MODEL_FILE).exists() && !path.join(CHECKPOINT_FILE).exists() {
            // The last run may have been killed before it removed the rest.
            complete(path)?;
            return Ok(None);
        }
        Self::begin(path, None, vec![lock]).map(Some)
    }

    fn begin(path: &Path, replaced: Option<PathBuf>, locks: Vec<LockFile>) -> Result<Self> {
        let context = || format!("cannot write {}", path.display());
        // This process holds the lock, so no other one is writing these files. Other commands may write others.
        for entry in fs::read_dir(path).with_context(context)? {
            let entry = entry.with_context(context)?;
            if is_temporary_of(&RUN_FILES, &entry.file_name()) {
                fs::remove_file(entry.path()).with_context(context)?;
            }
        }
        Ok(Self { anchor: Anchor::new(path)?, replaced, locks })
    }

    /// Returns the directory that the run is written to until it is finished.
    pub fn path(&self) -> &Path {
        self.anchor.path()
    }

    /// Returns the same directory, for files that are written during the run.
    pub fn anchor(&self) -> &Anchor {
        &self.anchor
    }

    /// Returns the directory of the run that this one replaces at its end, if any.
    pub fn replaces(&self) -> Option<&Path> {
        self.replaced.as_deref()
    }

    /// Writes the file `name` in the directory whole or not at all.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, or if the directory was moved: see [`Anchor::write`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.anchor.write(name, bytes)
    }

    /// Ends a run that succeeded: removes the run that it replaces and moves this one to its place, then
    /// removes the checkpoint. Whenever the process is killed, the run can be resumed or is complete.
    ///
    /// # Errors
    ///
    /// Returns an error if a directory or file cannot be moved or removed. Both runs are then still there.
    pub fn finish(mut self) -> Result<()> {
        // The only file that is not synced when it is written.
        let path = self.anchor.path();
        sync_file(&path.join(METRICS_FILE))
            .with_context(|| format!("cannot write {METRICS_FILE}"))?;
        let Some(named) = self.replaced.take() else { return complete(path) };
        replace(&named, path)?;
        // The first lock has moved with the run, the second one is gone with the replaced run.
        self.locks[0].moved(named.join(LOCK_FILE));
        complete(&named)
    }
}

/// Makes the run `path` available if it is being replaced: waits a moment for the other process, or finishes a
/// replacement that was cut off. Does nothing if `path` exists.
///
/// # Errors
///
/// Returns an error if a directory cannot be moved or removed.
pub fn find(path: &Path) -> Result<()> {
    let start = Instant::now();
    while !path.exists() && !mend(path)? && start.elapsed() < Duration::from_secs(2) {
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

fn sync_file(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => file.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// What to do if another process writes to the directory of a new run.
const CHOOSE: &str = "choose another directory with --out";

/// What to do if another process writes to the directory of a run that is to be resumed.
const WAIT: &str = "wait until it has ended, or stop it, before you resume it";

fn another_run(directory: &Path, advice: &str) -> String {
    format!("another run is being written to {}: {advice}", directory.display())
}

fn lock(directory: &Path, advice: &str) -> Result<LockFile> {
    LockFile::take(directory.join(LOCK_FILE))?.with_context(|| another_run(directory, advice))
}

/// Refuses a directory that holds more than a run, which even --force must not remove.
fn check_files(directory: &Path, inputs: &[PathBuf]) -> Result<()> {
    let context = || format!("cannot read the directory {}", directory.display());
    if let Some(name) = file_not_in(&RUN_FILES, directory).with_context(context)? {
        bail!(
            "{} holds {name}, which is not part of a run: choose another directory with --out",
            directory.display()
        );
    }
    for input in inputs {
        for name in RUN_FILES {
            ensure!(
                !same_file(&directory.join(name), input).with_context(context)?,
                "{} holds {}, an input of this run: choose another directory with --out",
                directory.display(),
                input.display()
            );
        }
    }
    Ok(())
}

/// Returns the directory of the run that `model` belongs to if the run was stopped, or is still being trained.
pub fn unfinished_run(model: &Path) -> Option<&Path> {
    let is_model = model.file_name() == Some(MODEL_FILE.as_ref());
    let has = |name: &str| model.with_file_name(name).exists();
    (is_model && has(CONFIG_FILE) && has(CHECKPOINT_FILE)).then(|| folder(model))
}

/// Returns the files of the run in the directory of `model`, except `except`, for a command that must not write
/// over them. None if there is no run.
pub fn files_of_run(model: &Path, except: &[&str]) -> Vec<PathBuf> {
    if !model.with_file_name(CONFIG_FILE).exists() {
        return Vec::new();
    }
    let names = RUN_FILES.iter().filter(|name| !except.contains(name));
    names.map(|name| model.with_file_name(name)).collect()
}

#[cfg(test)]
mod tests;
