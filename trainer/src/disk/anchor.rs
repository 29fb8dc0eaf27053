//! Notices that the directory of a run was moved, removed or replaced while the run is written to it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::place::{Identity, identity};
use super::whole::write_whole_if;

/// A directory that must stay under its name.
#[derive(Clone, Debug)]
pub struct Anchor {
    path: PathBuf,
    identity: Identity,
}

impl Anchor {
    /// Remembers which directory is at `path`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none.
    pub fn new(path: &Path) -> Result<Self> {
        let found = identity(path);
        let identity = found.with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { path: path.to_path_buf(), identity })
    }

    /// Returns the path of the directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file `name` in the directory whole or not at all.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if another directory or none is at the path, or if writing fails, for
    /// example because the disk is full. An earlier file stays.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let file = self.path.join(name);
        // Checked twice: for the message if the directory is missing, and because it may be replaced meanwhile.
        self.check(&file)?;
        write_whole_if(&file, bytes, || self.check(&file))
    }

    /// Refuses to write `file` if another directory or none is at the path.
    fn check(&self, file: &Path) -> Result<()> {
        ensure!(
            identity(&self.path).is_ok_and(|found| found == self.identity),
            "cannot write {}: the directory {1} was moved or removed during the run. Its last checkpoint, if any, is \
             where the directory is now: move it back, and continue with `flowlet train --resume {1}`",
            file.display(),
            self.path.display()
        );
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn nothing_is_written_to_another_directory_of_the_same_name() {
        let parent = tempfile::tempdir().unwrap();
        let [path, moved] = ["run", "moved"].map(|name| parent.path().join(name));
        fs::create_dir(&path).unwrap();
        let anchor = Anchor::new(&path).unwrap();
        anchor.write("file", b"first").unwrap();
        fs::rename(&path, &moved).unwrap();
        for again in [false, true] {
            if again {
                fs::create_dir(&path).unwrap();
            }
            let error = anchor.write("file", b"second").unwrap_err().to_string();
            assert!(
                error.contains("run/file: the directory") && error.contains("--resume"),
                "{error}"
            );
        }
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
        fs::remove_dir(&path).unwrap();
        fs::rename(&moved, &path).unwrap();
        anchor.write("file", b"second").unwrap();
        assert_eq!(fs::read(path.join("file")).unwrap(), b"second");
    }
}
