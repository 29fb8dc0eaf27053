//! Replaces one run's directory by another, and finishes a replacement that was cut off.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::lock::LockFile;
use super::names::{
    CHECKPOINT_FILE, CONFIG_FILE, LOCK_FILE, MODEL_FILE, REPLACES_FILE, RUN_FILES, TEACHER_FILE,
};
use super::output::exists;
use super::own_names::is_temporary_of;
use super::place::folder;
use super::whole::{remove, sync_folder, write_whole};

/// Marks the run in `NAME.new`: it replaces the directory `named` when it is done. The mark moves with the run,
/// and is the last thing that is removed.
pub(super) fn mark(run: &Path, named: &Path) -> Result<()> {
    write_whole(&run.join(REPLACES_FILE), text_of(name(named)?).as_bytes())
}

/// Says in the mark that all files of the run are written, so that only the renames are left.
pub(super) fn mark_done(run: &Path, named: &Path) -> Result<()> {
    write_whole(&run.join(REPLACES_FILE), (text_of(name(named)?) + DONE).as_bytes())
}

/// The end of the mark of a run that is done, after the name. The name of a directory has no slash.
const DONE: &str = "/done";

/// Returns the name of the directory that the run in `run` replaces, or has just replaced, and whether the run is
/// done.
fn mark_of(run: &Path) -> Option<(String, bool)> {
    let mark = fs::read_to_string(run.join(REPLACES_FILE)).ok()?;
    Some(match mark.strip_suffix(DONE) {
        Some(name) => (name.to_string(), true),
        None => (mark, false),
    })
}

fn marked(run: &Path) -> Option<String> {
    mark_of(run).map(|(name, _)| name)
}

/// Whether `run` is a run that has not yet replaced `named`.
pub(super) fn will_replace(run: &Path, named: &Path) -> bool {
    marked(run).is_some_and(|mark| name(named).is_ok_and(|name| text_of(name) == mark))
        && run != named
}

/// Returns the directory that the run in `run` will replace, if `run` is the `NAME.new` of another one.
pub(super) fn replaced_by(run: &Path) -> Option<PathBuf> {
    let named = run.with_file_name(marked(run)?);
    (beside(&named).ok()? == run).then_some(named)
}

/// Returns the directory of the run that will replace `named`: `NAME.new`.
pub(super) fn beside(named: &Path) -> Result<PathBuf> {
    with_suffix(named, ".new")
}

/// Returns the directory of the earlier run while the new one takes its name: `NAME.replaced`.
fn aside(named: &Path) -> Result<PathBuf> {
    with_suffix(named, ".replaced")
}

fn with_suffix(directory: &Path, suffix: &str) -> Result<PathBuf> {
    let mut name = name(directory)?.to_os_string();
    name.push(suffix);
    Ok(directory.with_file_name(name))
}

fn name(directory: &Path) -> Result<&OsStr> {
    directory.file_name().context("a run's directory needs a name")
}

fn text_of(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

/// Returns an error if there is a directory `NAME.replaced`, which the replacement of `named` will need.
pub(super) fn check_free(named: &Path) -> Result<()> {
    let aside = aside(named)?;
    if exists(&aside)? {
        bail!(
            "{} is in the way, since the earlier run gets this name for a moment: move it away",
            aside.display()
        );
    }
    Ok(())
}

/// Moves the run `new` to `named`, whose earlier run gets the name `NAME.replaced`, and removes that one.
///
/// # Errors
///
/// Returns an error if a directory cannot be moved or removed. The contents of both are then still there.
pub(super) fn replace(named: &Path, new: &Path) -> Result<()> {
    let aside = aside(named)?;
    let existed = exists(named)?;
    mark_done(new, named)?;
    if existed {
        rename(named, &aside)?;
    }
    if let Err(error) = rename(new, named) {
        if existed {
            rename(&aside, named)?;
        }
        return Err(error);
    }
    if existed { remove_run(&aside) } else { Ok(()) }
}

/// Ends the run in `directory`, whose files are all written. Removes the checkpoint first: without it the run is
/// complete. Then removes the teacher, which the checkpoint needs, and the mark.
pub(super) fn complete(directory: &Path) -> Result<()> {
    let sync =
        || sync_folder(directory).with_context(|| format!("cannot write {}", directory.display()));
    for names in [&[CHECKPOINT_FILE][..], &[TEACHER_FILE, REPLACES_FILE]] {
        for name in names {
            remove(&directory.join(name))?;
        }
        sync()?;
    }
    Ok(())
}

/// Finishes a replacement of `named` that a kill or a power failure cut off. Returns `false` if another process
/// is still replacing it.
///
/// These states are found, with the mark of [`mark`] in the new run:
///
/// | | `NAME` | `NAME.new` | `NAME.replaced` | |
/// |---|---|---|---|---|
/// | 1 | old run | new run, marked | none | still training, or to be resumed: nothing to finish |
/// | 2 | none | new run, marked as done | old run | the new run gets its name |
/// | 3 | new run, marked as done | none | old run, or a part of it | the old run is removed |
/// | 4 | new run, marked as done | none | none | checkpoint, teacher and mark are removed |
/// | 5 | none | none, or not marked as done | old run | the old run gets its name back |
///
/// A user may rename `NAME.new` to `NAME` by hand. Its mark does not say that it is done, so nothing is changed and
/// `--resume` continues it. A directory `NAME.replaced` that does not hold a run is left as it is.
///
/// # Errors
///
/// Returns an error if a directory cannot be moved or removed, or if `NAME.replaced` holds other files.
pub fn mend(named: &Path) -> Result<bool> {
    let Ok(name) = name(named) else { return Ok(true) };
    let (beside, aside) = (beside(named)?, aside(named)?);
    let name = text_of(name);
    let is_done = |run: &Path| mark_of(run).is_some_and(|mark| mark == (name.clone(), true));
    let is_in_place = || is_done(named);
    let in_between = || Ok::<_, anyhow::Error>(is_vacant(named)? && is_run(&aside));
    if !is_in_place() && !in_between()? {
        return Ok(true);
    }
    let mut lock = None;
    if in_between()? {
        let moved = if is_done(&beside) { &beside } else { &aside };
        let Some(held) = LockFile::take(moved.join(LOCK_FILE))? else { return Ok(false) };
        let held = lock.insert(held);
        // Another process may have gone on before the lock was taken.
        if in_between()? {
            rename(moved, named)?;
            held.moved(named.join(LOCK_FILE));
        }
    }
    if lock.is_none() {
        lock = LockFile::take(named.join(LOCK_FILE))?;
    }
    if lock.is_none() {
        return Ok(false);
    }
    if is_in_place() {
        if exists(&aside)? {
            remove_run(&aside)?;
        }
        complete(named)?;
    }
    Ok(true)
}

/// Whether `directory` holds a run that has begun to write its files, and nothing else.
fn is_run(directory: &Path) -> bool {
    let begun = [CONFIG_FILE, MODEL_FILE].iter().any(|name| directory.join(name).exists());
    begun && file_not_in(&RUN_FILES, directory).is_ok_and(|other| other.is_none())
}

/// Whether the directory does not exist or is empty, so that another one can be renamed to it.
fn is_vacant(directory: &Path) -> Result<bool> {
    Ok(!exists(directory)? || fs::read_dir(directory).is_ok_and(|mut files| files.next().is_none()))
}

/// Whether another process is replacing `named` right now, so that it has no name for a moment.
pub(super) fn is_replaced_now(named: &Path) -> Result<bool> {
    Ok(will_replace(&beside(named)?, named) && exists(&aside(named)?)?)
}

/// Renames a directory, and syncs the new name to the disk.
fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to)
        .and_then(|()| sync_folder(folder(to)))
        .with_context(|| format!("cannot move {} to {}", from.display(), to.display()))
}

/// Removes a replaced run.
fn remove_run(directory: &Path) -> Result<()> {
    let context = || format!("cannot remove the replaced run {}", directory.display());
    if let Some(name) = file_not_in(&RUN_FILES, directory).with_context(context)? {
        bail!(
            "{} holds {name}, which is not part of the run that was replaced: move it away",
            directory.display()
        );
    }
    fs::remove_dir_all(directory)
        .and_then(|()| sync_folder(folder(directory)))
        .with_context(context)
}

/// Returns the name of a file in the directory `path` that is neither in `names` nor a run's temporary file, if any.
pub(super) fn file_not_in(names: &[&str], path: &Path) -> std::io::Result<Option<String>> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if !names.iter().any(|known| name == *known) && !is_temporary_of(&RUN_FILES, &name) {
            return Ok(Some(name.to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The directories in a folder with their files, and the text of each model.
    fn state(folder: &Path) -> Vec<(String, String)> {
        let entries = fs::read_dir(folder).unwrap();
        let mut state: Vec<_> = entries
            .map(|entry| {
                let path = entry.unwrap().path();
                let model = fs::read_to_string(path.join(MODEL_FILE)).unwrap_or_default();
                let mut names: Vec<_> = fs::read_dir(&path)
                    .unwrap()
                    .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                    .collect();
                names.sort();
                (format!("{}: {}", text_of(super::name(&path).unwrap()), names.join(" ")), model)
            })
            .collect();
        state.sort();
        state
    }

    fn run(path: &Path, model: &str, marked_for: Option<&Path>) {
        fs::create_dir(path).unwrap();
        fs::write(path.join(MODEL_FILE), model).unwrap();
        if let Some(named) = marked_for {
            fs::write(path.join(CHECKPOINT_FILE), "").unwrap();
            fs::write(path.join(TEACHER_FILE), "").unwrap();
            mark_done(path, named).unwrap();
        }
    }

    #[test]
    fn each_state_of_a_replacement_is_mended() {
        for number in 1..=5 {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            let named = path("run");
            match number {
                1 => {
                    run(&named, "old", None);
                    run(&path("run.new"), "new", Some(&named));
                }
                2 => {
                    run(&path("run.replaced"), "old", None);
                    run(&path("run.new"), "new", Some(&named));
                }
                3 => {
                    run(&named, "new", Some(&named));
                    run(&path("run.replaced"), "old", None);
                }
                4 => run(&named, "new", Some(&named)),
                _ => {
                    run(&path("run.replaced"), "old", None);
                    run(&path("run.new"), "other", None);
                }
            }
            let before = state(folder.path());
            assert!(mend(&named).unwrap());
            let whole =
                |name: &str, model: &str| (format!("{name}: {MODEL_FILE}"), model.to_string());
            let expected = match number {
                1 => before,
                5 => vec![whole("run.new", "other"), whole("run", "old")],
                _ => vec![whole("run", "new")],
            };
            assert_eq!(state(folder.path()), expected, "state {number}");
        }
    }

    #[test]
    fn a_replacement_of_a_living_process_is_left_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let (named, new) = (folder.path().join("run"), folder.path().join("run.new"));
        run(&folder.path().join("run.replaced"), "old", None);
        run(&new, "new", Some(&named));
        let lock = LockFile::take(new.join(LOCK_FILE)).unwrap().unwrap();
        assert!(!mend(&named).unwrap());
        drop(lock);
        assert!(mend(&named).unwrap());
        assert!(named.exists());
    }

    #[test]
    fn a_run_that_only_has_such_a_name_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        run(&path("run"), "one", None);
        run(&path("run.replaced"), "two", None);
        let before = state(folder.path());
        assert!(mend(&path("run")).unwrap());
        assert_eq!(state(folder.path()), before);
        assert!(check_free(&path("run")).is_err());
        // A run in the way that holds other files is not removed.
        mark_done(&path("run"), &path("run")).unwrap();
        fs::write(path("run.replaced/thesis.tex"), "years of work").unwrap();
        assert!(mend(&path("run")).unwrap_err().to_string().contains("thesis.tex"));
        assert!(path("run.replaced/thesis.tex").exists());
    }

    #[test]
    fn a_run_that_was_moved_by_hand_is_not_taken_for_complete() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("run");
        run(&named, "partly trained", Some(&named));
        mark(&named, &named).unwrap();
        assert!(mend(&named).unwrap());
        assert!(named.join(CHECKPOINT_FILE).exists());
    }

    #[test]
    fn a_directory_of_the_user_keeps_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let (named, aside) = (folder.path().join("run"), folder.path().join("run.replaced"));
        fs::create_dir(&aside).unwrap();
        fs::write(aside.join("notes.txt"), "hi").unwrap();
        assert!(mend(&named).unwrap());
        assert!(aside.join("notes.txt").exists() && !named.exists());
    }
}
