//! A directory in which a user types commands.

// Not every test needs all of it.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A user's directory.
pub struct Desk(TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap();
    }

    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_flowlet"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path());
        command
    }

    pub fn run(&self, arguments: &str) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs what must succeed, and gives its standard output.
    #[track_caller]
    pub fn succeed(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs what must fail with one clear error; nothing may be written by it.
    #[track_caller]
    pub fn fail(&self, arguments: &str, expected: &str) {
        let before = self.files();
        let output = self.run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {error}");
        assert!(error.contains(expected), "{arguments}: {error}");
        assert_eq!(error.trim().lines().count(), 1, "{arguments}: {error}");
        assert_eq!(self.files(), before, "{arguments}");
    }

    pub fn files(&self) -> BTreeSet<(PathBuf, Vec<u8>)> {
        fn collect(directory: &Path, files: &mut BTreeSet<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, files);
                } else {
                    let contents = fs::read(&path).unwrap();
                    files.insert((path, contents));
                }
            }
        }
        let mut files = BTreeSet::new();
        collect(self.0.path(), &mut files);
        files
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The directory of a committed model.
pub fn weights(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../weights").join(name).display().to_string()
}
