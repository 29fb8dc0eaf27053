//! A file of many rows that is written step by step: under another name until it is whole, and
//! continued after a kill.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use super::files;
use super::part_record::Record;

/// `NAME.part`, which becomes `NAME` when it is whole; until then no file is called `NAME`, or the one
/// that was there before still is.
///
/// `NAME.part.json` records which run the rows belong to, and how many bytes are on the disk for certain.
/// It is written as soon as there is something to lose. A process that continues the file cuts off what
/// lies beyond, so it does not matter when the process before was killed or the machine lost its power.
#[derive(Debug)]
pub struct PartFile {
    path: PathBuf,
    part: PathBuf,
    /// Locked as long as it is open: the system lets go when the process dies.
    file: File,
    record: Record,
    /// Bytes written, of which `record` may not yet know.
    bytes: u64,
}

impl PartFile {
    /// Begins the file `path`, which `head` begins; or goes on with it, if `resume` and there is
    /// something to go on with. `settings`, an object of numbers and texts, are what the rows are a
    /// function of.
    ///
    /// # Errors
    ///
    /// When the directory cannot be written to, another process is writing the same file, there are
    /// rows that would be lost without `resume`, or rows of other `settings` with it.
    pub fn open(path: &Path, head: &[u8], settings: &impl Serialize, resume: bool) -> Result<Self> {
        let Value::Object(settings) = serde_json::to_value(settings)? else {
            bail!("settings have names");
        };
        ensure!(!path.is_dir(), "cannot write {}: it is a directory", path.display());
        let part = with_suffix(path, ".part");
        let context = || format!("cannot write {}", part.display());
        if !part.exists() {
            // Of a process that was killed when its file had just taken its name.
            files::remove(&with_suffix(&part, ".json"))?;
        }
        // Not yet truncated: it may be another process's.
        let mut options = OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).open(&part);
        let file = file.with_context(context)?;
        ensure!(files::lock(&file), "another process is writing {}", part.display());
        ensure!(part.exists(), "another process has just finished {}", path.display());
        let mut opened = Self {
            path: path.to_path_buf(),
            part,
            file,
            record: Record { settings, rows: 0, bytes: 0 },
            bytes: 0,
        };
        match opened.found(resume)? {
            Some(record) => opened.go_on(record)?,
            None => {
                files::remove(&opened.record_path())?;
                let begun = opened.file.set_len(0).with_context(|| opened.cannot_write());
                if let Err(error) = begun.and_then(|()| opened.write(head)) {
                    opened.give_up();
                    return Err(error);
                }
            }
        }
        Ok(opened)
    }

    /// The record to go on from.
    fn found(&self, resume: bool) -> Result<Option<Record>> {
        let path = self.record_path();
        if !path.exists() {
            return Ok(None);
        }
        let part = self.part.display();
        let record = Record::read(&path)
            .with_context(|| format!("{} is damaged: remove it and {part}", path.display()))?;
        if !resume {
            ensure!(
                record.rows == 0,
                "{part} holds {} rows of a run that was interrupted: continue with --resume, or remove it \
                 and {}",
                record.rows,
                path.display()
            );
            return Ok(None);
        }
        if let Some([name, found, own]) = record.difference(&self.record) {
            bail!(
                "{part} belongs to another run: its {name} is {found}, not {own}. Give the settings that it \
                 has, or remove it and {}",
                path.display()
            );
        }
        Ok(Some(record))
    }

    fn go_on(&mut self, record: Record) -> Result<()> {
        let found = self.file.metadata().with_context(|| self.cannot_write())?.len();
        ensure!(
            found >= record.bytes,
            "{} is damaged: expected at least {} bytes, found {found}. Remove it and {}",
            self.part.display(),
            record.bytes,
            self.record_path().display()
        );
        self.file.set_len(record.bytes).with_context(|| self.cannot_write())?;
        self.bytes = self.file.seek(SeekFrom::End(0)).with_context(|| self.cannot_write())?;
        self.record = record;
        Ok(())
    }

    /// Rows that are on the disk.
    pub fn rows(&self) -> u64 {
        self.record.rows
    }

    /// Adds bytes.
    ///
    /// # Errors
    ///
    /// When the disk is full, say. What was kept before stays.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).with_context(|| self.cannot_write())?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Brings everything written to the disk, and notes that it is `rows` rows.
    ///
    /// # Errors
    ///
    /// When the disk is full, say.
    pub fn keep(&mut self, rows: u64) -> Result<()> {
        self.file.sync_data().with_context(|| self.cannot_write())?;
        let record = Record { rows, bytes: self.bytes, ..self.record.clone() };
        record.write(&self.record_path(), &self.new_record_path())?;
        self.record = record;
        Ok(())
    }

    /// The file is whole: it takes its name.
    ///
    /// # Errors
    ///
    /// When it cannot; what was kept before stays.
    pub fn finish(self) -> Result<()> {
        self.file.sync_all().with_context(|| self.cannot_write())?;
        fs::rename(&self.part, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        files::remove(&self.new_record_path())?;
        files::remove(&self.record_path())
    }

    /// Ends without the whole: what has no rows to go on with goes.
    pub fn give_up(&self) {
        let _ = fs::remove_file(self.new_record_path());
        if self.record.rows == 0 {
            let _ = fs::remove_file(&self.part);
            let _ = fs::remove_file(self.record_path());
        }
    }

    fn cannot_write(&self) -> String {
        format!("cannot write {}", self.part.display())
    }

    fn record_path(&self) -> PathBuf {
        with_suffix(&self.part, ".json")
    }

    fn new_record_path(&self) -> PathBuf {
        with_suffix(&self.part, ".json.new")
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn settings(seed: u64) -> BTreeMap<&'static str, u64> {
        BTreeMap::from([("seed", seed), ("steps", 5)])
    }

    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn out(&self) -> PathBuf {
            self.0.path().join("rows.csv")
        }

        fn open(&self, seed: u64, resume: bool) -> Result<PartFile> {
            PartFile::open(&self.out(), b"head\n", &settings(seed), resume)
        }

        fn names(&self) -> Vec<String> {
            let entries = fs::read_dir(self.0.path()).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            let mut names: Vec<String> = names.collect();
            names.sort();
            names
        }

        /// What a process leaves that was killed after two rows were kept and more were written.
        fn interrupted(&self) {
            let mut file = self.open(1, false).unwrap();
            file.write(b"1\n2\n").unwrap();
            file.keep(2).unwrap();
            file.write(b"3\n4").unwrap();
        }
    }

    #[test]
    fn it_has_its_name_when_it_is_whole() {
        let place = Place::new();
        let mut file = place.open(1, false).unwrap();
        assert_eq!(place.names(), ["rows.csv.part"]);
        file.write(b"1\n").unwrap();
        file.keep(1).unwrap();
        assert_eq!(place.names(), ["rows.csv.part", "rows.csv.part.json"]);
        file.finish().unwrap();
        assert_eq!(place.names(), ["rows.csv"]);
        assert_eq!(fs::read(place.out()).unwrap(), b"head\n1\n");
    }

    #[test]
    fn it_goes_on_after_the_rows_that_were_kept() {
        let place = Place::new();
        place.interrupted();
        let mut file = place.open(1, true).unwrap();
        assert_eq!(file.rows(), 2);
        file.write(b"3\n").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(place.out()).unwrap(), b"head\n1\n2\n3\n");
        assert_eq!(place.names(), ["rows.csv"]);
    }

    #[test]
    fn rows_are_neither_lost_nor_mixed_with_others() {
        let place = Place::new();
        place.interrupted();
        let error = |seed, resume| place.open(seed, resume).unwrap_err().to_string();
        assert!(error(1, false).contains("holds 2 rows of a run that was interrupted"));
        assert!(error(3, true).contains("its seed is 1, not 3"), "{}", error(3, true));
        assert_eq!(place.open(1, true).unwrap().rows(), 2);
    }

    #[test]
    fn a_file_shorter_than_its_record_is_refused() {
        let place = Place::new();
        place.interrupted();
        fs::write(place.0.path().join("rows.csv.part"), b"hea").unwrap();
        let error = place.open(1, true).unwrap_err().to_string();
        assert!(error.contains("expected at least 9 bytes, found 3"), "{error}");
        fs::write(place.0.path().join("rows.csv.part.json"), b"{}").unwrap();
        let error = place.open(1, true).unwrap_err().to_string();
        assert!(error.contains("is damaged: remove it and"), "{error}");
    }

    #[test]
    fn one_process_writes_at_a_time() {
        let place = Place::new();
        let file = place.open(1, false).unwrap();
        let error = place.open(1, true).unwrap_err().to_string();
        assert!(error.contains("another process is writing"), "{error}");
        drop(file);
        place.open(1, true).unwrap();
    }

    #[test]
    fn what_a_kill_leaves_without_rows_is_in_nobodys_way() {
        let place = Place::new();
        drop(place.open(1, false).unwrap());
        assert_eq!(place.names(), ["rows.csv.part"]);
        drop(place.open(2, true).unwrap());
        place.open(3, false).unwrap().give_up();
        assert!(place.names().is_empty());
        // Killed between the two last steps: the file is whole, its record is left.
        place.interrupted();
        fs::rename(place.0.path().join("rows.csv.part"), place.out()).unwrap();
        place.open(2, false).unwrap().finish().unwrap();
        assert_eq!(place.names(), ["rows.csv"]);
    }
}
