//! A file of many rows, written in steps under a temporary name. After a kill, writing can resume.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::Value;

use super::lock;
use super::output::{exists, exists_already, refuse_input};
use super::own_names::record;
use super::part_record::Record;
use super::place::folder;
use super::whole::{keep_mode, remove, sync_folder};

/// The file `NAME.part`, which is renamed to `NAME` when it is complete. Until then an earlier file `NAME`
/// stays unchanged.
///
/// `.flowlet.NAME.json`, the record, holds the settings of the run that the rows belong to, and the number of
/// bytes that are synced to the disk. A process may be killed, or the power lost, at any time. Then one of
/// these states is found:
///
/// | | `NAME.part` | record | `NAME` | |
/// |---|---|---|---|---|
/// | 0 | some bytes | none | any | not a file of ours: an error |
/// | 1 | none or some bytes | none (no bytes), or of no rows | any | no rows are kept: starts over |
/// | 2 | at least the record's bytes | of some rows | any | resumes: truncates the part to the record's bytes |
/// | 3 | all bytes | of all rows | any | resumes: only the rename is left |
/// | 4 | none | of all rows | of the record's length | complete: `--resume` has nothing to do |
/// | 5 | none | of all rows | of another length, or none | the user has changed or moved `NAME` |
/// | 6 | none | of some rows | any | the user has removed the part: starts over |
///
/// [`PartFile::keep`] syncs the part before it writes the record, and [`PartFile::finish`] writes the record of
/// all rows before it renames the part. Each step is synced before the next one. A process that starts over
/// first removes the record, and writes a record of no rows before the first byte.
#[derive(Debug)]
pub struct PartFile {
    path: PathBuf,
    part: PathBuf,
    /// Locked while it is open. The operating system releases the lock when the process dies.
    file: File,
    record: Record,
    /// Bytes written so far, at least `record.bytes`.
    bytes: u64,
    /// Whether the record stays beside the complete file.
    resume: bool,
}

/// The end of the name of an incomplete file.
const PART: &str = ".part";

/// The longest name of a file, in bytes: file systems allow 255.
const LONGEST: usize = 255 - PART.len();

/// What [`PartFile::open`] may do with existing files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Begin<'a> {
    /// Continue an interrupted file, if there is one. The record then stays beside the complete file, so that a
    /// job that is started again finds nothing left to do.
    pub resume: bool,
    /// Replace an earlier file.
    pub force: bool,
    /// The inputs of the command, which are never written.
    pub inputs: &'a [PathBuf],
}

/// What [`PartFile::open`] finds.
#[derive(Debug)]
pub enum Opened {
    /// Rows are missing.
    Unfinished(PartFile),
    /// The file is complete and has the same settings.
    Complete {
        /// The number of its rows.
        rows: u64,
    },
}

impl PartFile {
    /// Starts the file `path`, which must be no link, with the bytes `head`, or continues it. `settings` must
    /// serialise to an object of numbers and strings, which determine the rows.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder cannot be written to, `NAME.part` is an input or not a part file, or another
    /// process is writing the same file; if a file or rows of an interrupted file would be lost without `force`; with `resume` also if the file has
    /// other `settings` or is damaged.
    pub fn open(
        path: &Path,
        head: &[u8],
        settings: &impl Serialize,
        begin: Begin<'_>,
    ) -> Result<Opened> {
        let Value::Object(settings) = serde_json::to_value(settings)? else {
            bail!("the settings of a part file must be an object");
        };
        let bytes = path.file_name().map_or(0, OsStr::len);
        ensure!(
            bytes <= LONGEST,
            "the name {} has {bytes} bytes: expected at most {LONGEST}, since the file is called NAME.part until it \
             is complete",
            path.display()
        );
        let part = with_suffix(path, PART);
        refuse_input(&part, begin.inputs)?;
        let file = lock::open(&part)?
            .with_context(|| format!("another process is writing {}", part.display()))?;
        let record = Record { settings, replace: begin.force, complete: false, rows: 0, bytes: 0 };
        let path = path.to_path_buf();
        let mut opened = Self { path, part, file, record, bytes: 0, resume: begin.resume };
        let found = opened.found(begin);
        match found {
            Ok(Found::Complete { rows }) => {
                opened.remove_empty();
                return Ok(Opened::Complete { rows });
            }
            Ok(Found::Rows(record)) => opened.continue_from(record)?,
            Ok(Found::Nothing) => {
                if let Err(error) = opened.begin(head) {
                    opened.give_up();
                    return Err(error);
                }
            }
            Err(error) => {
                opened.remove_empty();
                return Err(error);
            }
        }
        Ok(Opened::Unfinished(opened))
    }

    /// Returns what the existing files hold.
    fn found(&self, begin: Begin<'_>) -> Result<Found> {
        let record_path = self.record_path();
        let own = record_path.display();
        let part = self.part.display();
        let record = Record::read(&record_path)
            .with_context(|| format!("{own} is damaged: remove it and {part}"))?;
        let length = self.length()?;
        let there = exists(&self.path)?;
        let begins = || {
            ensure!(begin.force || !there, exists_already(&self.path));
            Ok(Found::Nothing)
        };
        let Some(record) = record else {
            ensure!(
                begin.force || length == 0,
                "{part} is in the way, and no record says that it holds rows of this command: move it away, or \
                 replace it with --force"
            );
            ensure!(
                begin.force || !there || !begin.resume,
                "{} exists, but was not begun with --resume: there is no record {own} of its settings, so nothing says \
                 that its rows are those of this command. Choose another name with --out, or replace it with --force",
                self.path.display()
            );
            return begins();
        };
        if record.rows == 0 && !record.complete {
            return begins();
        }
        let other = self.difference(&record);
        if length == 0 {
            // States 4, 5 and 6.
            if !(record.complete && begin.resume && there) {
                return begins();
            }
            let name = self.path.display();
            let found = fs::metadata(&self.path).map(|found| found.len());
            let found = found.with_context(|| format!("cannot read {name}"))?;
            return match other {
                None if found == record.bytes => Ok(Found::Complete { rows: record.rows }),
                _ if begin.force => begins(),
                Some(other) => bail!(
                    "{name} is complete, but {other}: choose another name with --out, or replace it with --force"
                ),
                None => bail!(
                    "{name} was changed after it was complete: expected {} bytes, found {found}. Choose \
                     another name with --out, or replace it with --force",
                    record.bytes
                ),
            };
        }
        if !begin.resume {
            ensure!(
                begin.force,
                "{part} holds {} rows of a run that was interrupted: continue with --resume, or replace it \
                 with --force",
                record.rows
            );
            return begins();
        }
        if let Some(other) = other {
            ensure!(
                begin.force,
                "{part} belongs to another run: {other}. Use the same settings, or replace it with --force"
            );
            return begins();
        }
        ensure!(
            length >= record.bytes,
            "{part} is damaged: expected at least {} bytes, found {length}. Remove it and {own}",
            record.bytes
        );
        Ok(Found::Rows(record))
    }

    /// Returns how the settings of `record` differ from this run's, or `None` if they are equal.
    fn difference(&self, record: &Record) -> Option<String> {
        let [name, found, own] = record.difference(&self.record)?;
        Some(format!("its {name} is {found}, not {own}"))
    }

    fn begin(&mut self, head: &[u8]) -> Result<()> {
        // Rows of an earlier run must not be counted as this run's.
        remove(&self.record_path())?;
        sync_folder(folder(&self.part)).with_context(|| self.cannot_write())?;
        keep_mode(&self.path, &self.file).with_context(|| self.cannot_write())?;
        self.file.set_len(0).with_context(|| self.cannot_write())?;
        // Before the first byte, so that a file with bytes and without a record is never one of ours.
        self.record.write(&self.record_path())?;
        self.write(head)
    }

    fn continue_from(&mut self, record: Record) -> Result<()> {
        self.file.set_len(record.bytes).with_context(|| self.cannot_write())?;
        self.bytes = self.file.seek(SeekFrom::End(0)).with_context(|| self.cannot_write())?;
        let replace = record.replace || self.record.replace;
        self.record = Record { replace, complete: false, ..record };
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
        self.record_rows(rows, false)
    }

    fn record_rows(&mut self, rows: u64, complete: bool) -> Result<()> {
        self.file.sync_all().with_context(|| self.cannot_write())?;
        let record = Record { rows, complete, bytes: self.bytes, ..self.record.clone() };
        record.write(&self.record_path())?;
        self.record = record;
        Ok(())
    }

    /// Ends the file, which has `rows` rows: syncs it, records that it is complete, renames it to its final
    /// name, and syncs the folder. Removes the record if the file was not opened to resume.
    ///
    /// # Errors
    ///
    /// Returns an error if one of these fails, or if a file that must not be replaced has appeared meanwhile.
    /// Rows that were kept before are not lost.
    pub fn finish(&mut self, rows: u64) -> Result<()> {
        self.record_rows(rows, true)?;
        ensure!(
            self.record.replace || !exists(&self.path)?,
            "{} has appeared meanwhile: move it away, or replace it with --force --resume",
            self.path.display()
        );
        fs::rename(&self.part, &self.path)
            .and_then(|()| sync_folder(folder(&self.path)))
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        if self.resume { Ok(()) } else { remove(&self.record_path()) }
    }

    /// Stops before the file is complete. Removes the file if it has no rows to resume from.
    pub fn give_up(&self) {
        if self.record.rows == 0 {
            lock::remove(&self.file, &self.part);
            let _ = fs::remove_file(self.record_path());
        }
    }

    /// Removes the part if it is empty: it was made only to be locked.
    fn remove_empty(&self) {
        if self.length().is_ok_and(|length| length == 0) {
            lock::remove(&self.file, &self.part);
        }
    }

    fn length(&self) -> Result<u64> {
        Ok(self.file.metadata().with_context(|| self.cannot_write())?.len())
    }

    fn cannot_write(&self) -> String {
        format!("cannot write {}", self.part.display())
    }

    fn record_path(&self) -> PathBuf {
        record(&self.path)
    }
}

/// What is there when a part file is opened.
enum Found {
    /// No rows, or only rows that may be lost.
    Nothing,
    /// Rows to continue from.
    Rows(Record),
    /// All rows, under the final name.
    Complete { rows: u64 },
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

#[cfg(test)]
mod tests;
