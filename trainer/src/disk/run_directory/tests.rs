use super::*;
use crate::disk::names::TEACHER_FILE;
use crate::disk::replacement::mark_done;

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
    let error = RunDirectory::create(&path, false, &[]).unwrap_err().to_string();
    assert!(error.contains("--force"), "{error}");
    assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"old");
}

#[test]
fn a_directory_with_other_files_is_unchanged_even_with_force() {
    let (_parent, path) = existing();
    fs::write(path.join("thesis.tex"), "years of work").unwrap();
    let error = RunDirectory::create(&path, true, &[]).unwrap_err().to_string();
    assert!(error.contains("thesis.tex"), "{error}");
    assert!(path.join("thesis.tex").exists() && path.join(MODEL_FILE).exists());
}

#[test]
fn with_force_the_old_run_is_replaced_when_the_new_one_succeeds() {
    let (parent, path) = existing();
    let run = RunDirectory::create(&path, true, &[]).unwrap();
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
    let run = RunDirectory::create(&path, true, &[]).unwrap();
    run.write(CONFIG_FILE, b"new").unwrap();
    drop(run);
    assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"old");
    // The next run may use the directory that the failed one left.
    RunDirectory::create(&path, true, &[]).unwrap().finish().unwrap();
}

#[test]
fn only_one_run_writes_to_a_directory_at_a_time() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("run");
    let first = RunDirectory::create(&path, false, &[]).unwrap();
    for force in [false, true] {
        let error = RunDirectory::create(&path, force, &[]).unwrap_err().to_string();
        assert!(error.contains("another run"), "{error}");
    }
    drop(first);
    RunDirectory::create(&path, false, &[]).unwrap();
}

#[cfg(unix)]
#[test]
fn force_through_a_link_replaces_the_target_of_the_link() {
    let (parent, path) = existing();
    let link = parent.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let run = RunDirectory::create(&link, true, &[]).unwrap();
    run.write(MODEL_FILE, b"new").unwrap();
    run.finish().unwrap();
    assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"new");
    assert!(link.is_symlink());
}

/// The states that a kill or a power failure leaves while a run is finished.
#[test]
fn a_run_without_a_checkpoint_is_complete_and_what_is_left_is_removed() {
    let (_parent, path) = existing();
    for name in [CONFIG_FILE, TEACHER_FILE, CHECKPOINT_FILE] {
        fs::write(path.join(name), "").unwrap();
    }
    let run = RunDirectory::resume(&path).unwrap().unwrap();
    drop(run);
    fs::remove_file(path.join(CHECKPOINT_FILE)).unwrap();
    assert!(RunDirectory::resume(&path).unwrap().is_none());
    let mut names: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, [CONFIG_FILE, MODEL_FILE]);
}

/// A student cannot be resumed without its teacher, so the teacher outlives the checkpoint.
#[test]
fn a_run_that_cannot_remove_its_checkpoint_keeps_its_teacher() {
    let (_parent, path) = existing();
    fs::write(path.join(CONFIG_FILE), "").unwrap();
    fs::write(path.join(TEACHER_FILE), "").unwrap();
    // Nothing can remove a directory as if it were a file.
    fs::create_dir(path.join(CHECKPOINT_FILE)).unwrap();
    let run = RunDirectory::resume(&path).unwrap().unwrap();
    assert!(run.finish().is_err());
    assert!(path.join(TEACHER_FILE).exists());
}

#[test]
fn a_replacement_that_was_cut_off_is_finished_before_anything_else() {
    for force in [false, true] {
        let (parent, path) = existing();
        let run = RunDirectory::create(&path, true, &[]).unwrap();
        run.write(MODEL_FILE, b"new").unwrap();
        run.write(CONFIG_FILE, b"").unwrap();
        drop(run);
        // Killed between the two renames.
        mark_done(&beside(&path).unwrap(), &path).unwrap();
        fs::rename(&path, parent.path().join("run.replaced")).unwrap();
        if force {
            let run = RunDirectory::create(&path, true, &[]).unwrap();
            assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"new");
            run.finish().unwrap();
        } else {
            find(&path).unwrap();
            assert_eq!(fs::read(path.join(MODEL_FILE)).unwrap(), b"new");
            let error = RunDirectory::create(&path, false, &[]).unwrap_err().to_string();
            assert!(error.contains("run exists"), "{error}");
            assert!(RunDirectory::resume(&path).unwrap().is_none());
        }
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
