//! A file of many rows, written in steps under a temporary name. After a kill, writing can resume.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use super::files;
use super::part_record::Record;

/// The file `NAME.part`, which is renamed to `NAME` when it is complete. Until then an earlier file `NAME`
/// stays unchanged.
///
/// `NAME.part.json`, the record, holds the settings of the run that the rows belong to, and the number of
/// bytes that are synced to the disk. [`PartFile::keep`] writes it. A process that resumes the file truncates
/// it to that number, so the earlier process may have been killed, or the power lost, at any time.
#[derive(Debug)]
pub struct PartFile {
    path: PathBuf,
    part: PathBuf,
    /// Locked while it is open. The operating system releases the lock when the process dies.
    file: File,
    record: Record,
    /// Bytes written so far, at least `record.bytes`.
    bytes: u64,
}

impl PartFile {
    /// Starts the file `path` with the bytes `head`. With `resume`, continues an interrupted file if there is
    /// one. `settings` must serialise to an object of numbers and strings, which determine the rows.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory cannot be written to or another process is writing the same file.
    /// Without `resume` also if rows of an interrupted file would be lost, and with it if the interrupted
    /// file has other `settings` or is damaged.
    pub fn open(path: &Path, head: &[u8], settings: &impl Serialize, resume: bool) -> Result<Self> {
        let Value::Object(settings) = serde_json::to_value(settings)? else {
            bail!("the settings of a part file must be an object");
        };
        ensure!(!path.is_dir(), "cannot write {}: it is a directory", path.display());
        let part = with_suffix(path, ".part");
        let context = || format!("cannot write {}", part.display());
        if !part.exists() {
            // A process may have been killed after it renamed its file and before it removed the record.
            files::remove(&with_suffix(&part, ".json"))?;
        }
        // Truncated later, under the lock: another process may be writing it.
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
        match opened.record_to_resume(resume)? {
            Some(record) => opened.continue_from(record)?,
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

    /// Returns the record to resume from, or `None` if the file starts anew.
    fn record_to_resume(&self, resume: bool) -> Result<Option<Record>> {
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
                "{part} belongs to another run: its {name} is {found}, not {own}. Use the same settings, or \
                 remove it and {}",
                path.display()
            );
        }
        Ok(Some(record))
    }

    fn continue_from(&mut self, record: Record) -> Result<()> {
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

    /// Returns the number of rows that are on the disk.
    pub fn rows(&self) -> u64 {
        self.record.rows
    }

    /// Appends `bytes`.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full. Rows that were kept before
    /// are not lost.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).with_context(|| self.cannot_write())?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// Syncs everything written so far to the disk, and records that it is `rows` rows.
    ///
    /// # Errors
    ///
    /// Returns an error if writing fails, for example because the disk is full.
    pub fn keep(&mut self, rows: u64) -> Result<()> {
        self.file.sync_data().with_context(|| self.cannot_write())?;
        let record = Record { rows, bytes: self.bytes, ..self.record.clone() };
        record.write(&self.record_path(), &self.new_record_path())?;
        self.record = record;
        Ok(())
    }

    /// Syncs the complete file, renames it to its final name, and removes the record.
    ///
    /// # Errors
    ///
    /// Returns an error if one of these fails. Rows that were kept before are not lost.
    pub fn finish(self) -> Result<()> {
        self.file.sync_all().with_context(|| self.cannot_write())?;
        fs::rename(&self.part, &self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        files::remove(&self.new_record_path())?;
        files::remove(&self.record_path())
    }

    /// Stops before the file is complete. Removes the file if it has no rows to resume from.
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

        /// Leaves the files of a process that was killed after it had kept two rows and written more.
        fn interrupted(&self) {
            let mut file = self.open(1, false).unwrap();
            file.write(b"1\n2\n").unwrap();
            file.keep(2).unwrap();
            file.write(b"3\n4").unwrap();
        }
    }

    #[test]
    fn a_complete_file_gets_its_final_name() {
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
    fn a_resumed_file_continues_after_the_kept_rows() {
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
    fn kept_rows_are_not_overwritten_or_mixed_with_other_settings() {
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
    fn only_one_process_writes_at_a_time() {
        let place = Place::new();
        let file = place.open(1, false).unwrap();
        let error = place.open(1, true).unwrap_err().to_string();
        assert!(error.contains("another process is writing"), "{error}");
        drop(file);
        place.open(1, true).unwrap();
    }

    #[test]
    fn leftovers_without_rows_do_not_block_a_new_file() {
        let place = Place::new();
        drop(place.open(1, false).unwrap());
        assert_eq!(place.names(), ["rows.csv.part"]);
        drop(place.open(2, true).unwrap());
        place.open(3, false).unwrap().give_up();
        assert!(place.names().is_empty());
        // Killed between the last two steps: the file is complete, and its record is left.
        place.interrupted();
        fs::rename(place.0.path().join("rows.csv.part"), place.out()).unwrap();
        place.open(2, false).unwrap().finish().unwrap();
        assert_eq!(place.names(), ["rows.csv"]);
    }
}
