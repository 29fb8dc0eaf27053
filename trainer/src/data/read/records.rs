//! The records of a text file, one at a time.

use std::io::BufRead;
use std::ops::Range;

use anyhow::{Result, anyhow, ensure};
use csv_core::{ReadRecordResult, ReaderBuilder};
use memchr::{memchr_iter, memchr3};

use super::encoding::not_utf8;
use crate::data::decimal::leading_decimal;
use crate::disk::input::Input;

/// The most bytes of a row. A quotation mark that is not closed makes the rest of the file one row.
pub(super) const MOST_BYTES: usize = 1 << 24;

/// The most columns of a table.
pub(super) const MOST_COLUMNS: usize = 1 << 20;

/// The records of a text file, one at a time.
pub(super) struct Records {
    pub(super) input: Input,
    parser: csv_core::Reader,
    separator: u8,
    /// The cells of the record, one after the other, without quotation marks.
    pub(super) text: Vec<u8>,
    /// Where each cell ends in `text`.
    pub(super) ends: Vec<usize>,
    /// The bytes between two cells in `text`: 1 where the separators are still there.
    gap: usize,
    /// The line on which the record starts, counted from 1.
    pub(super) line: u64,
    /// The line on which the next record may start.
    next_line: u64,
    /// The bytes that have been read.
    pub(super) read: u64,
}

impl Records {
    /// The records of `input`, whose first line is the one after `lines`.
    pub(super) fn new(input: Input, separator: u8, lines: u64) -> Self {
        Self {
            input,
            parser: ReaderBuilder::new().delimiter(separator).build(),
            separator,
            text: Vec::new(),
            ends: Vec::new(),
            gap: 0,
            line: 0,
            next_line: lines + 1,
            read: 0,
        }
    }

    /// Reads the next record. Returns whether there is one. A line of spaces counts as an empty line.
    pub(super) fn next(&mut self) -> Result<bool> {
        while self.record()? {
            if self.ends.len() > 1 || !self.text.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn record(&mut self) -> Result<bool> {
        // The line breaks before a record, which the parser would skip, belong to the line number.
        loop {
            let buffer = self.input.fill_buf()?;
            let breaks = buffer.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if breaks == 0 {
                break;
            }
            self.next_line += lines(&buffer[..breaks]);
            self.input.consume(breaks);
            if self.read == 0 {
                // A byte order mark after a line break is text, so the parser must see the line break.
                self.parser.read_record(b"\n", &mut [0], &mut [0]);
            }
            self.read += breaks as u64;
        }
        self.line = self.next_line;
        if self.plain_record()? {
            return Ok(true);
        }
        self.gap = 0;
        let (mut used, mut cells) = (0, 0);
        self.text.resize(self.text.capacity().max(1 << 10), 0);
        self.ends.resize(self.ends.capacity().max(1 << 6), 0);
        loop {
            let buffer = self.input.fill_buf()?;
            let (result, read, written, ended) =
                self.parser.read_record(buffer, &mut self.text[used..], &mut self.ends[cells..]);
            self.next_line += lines(&buffer[..read]);
            self.read += read as u64;
            self.input.consume(read);
            (used, cells) = (used + written, cells + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => {
                    ensure!(
                        used < MOST_BYTES,
                        "line {}: a row of more than {MOST_BYTES} bytes: is a quotation mark not closed?",
                        self.line
                    );
                    self.text.resize(2 * self.text.len(), 0);
                }
                ReadRecordResult::OutputEndsFull => {
                    ensure!(
                        cells < MOST_COLUMNS,
                        "line {}: expected at most {MOST_COLUMNS} columns",
                        self.line
                    );
                    self.ends.resize(2 * self.ends.len(), 0);
                }
                ReadRecordResult::Record | ReadRecordResult::End => {
                    self.text.truncate(used);
                    self.ends.truncate(cells);
                    return Ok(result == ReadRecordResult::Record);
                }
            }
        }
    }

    /// Reads a record that is a line without quotation marks and lies in the buffer as a whole. Most records are, and
    /// this is twice as fast as the parser. Returns whether the record was one.
    fn plain_record(&mut self) -> Result<bool> {
        // The parser must see the first record, where it skips a byte order mark.
        if self.read == 0 {
            return Ok(false);
        }
        let buffer = self.input.fill_buf()?;
        let Some(length) = memchr3(b'"', b'\r', b'\n', buffer) else { return Ok(false) };
        let Some(breaks) = line_break(&buffer[length..]) else { return Ok(false) };
        self.ends.clear();
        self.ends.extend(memchr_iter(self.separator, &buffer[..length]).chain([length]));
        self.take(length, breaks)?;
        Ok(true)
    }

    /// Reads a record that is a line of `columns` plain decimals, as most records of most tables are, and sets `values` to
    /// them. Returns whether the record was one. Much faster than [`Self::next`] and a parser for each cell.
    pub(super) fn decimals(&mut self, columns: usize, values: &mut Vec<f32>) -> Result<bool> {
        values.clear();
        if self.read == 0 {
            return Ok(false);
        }
        let buffer = self.input.fill_buf()?;
        self.ends.clear();
        let mut next = 0;
        for column in 1..=columns {
            let Some((value, length)) = leading_decimal(&buffer[next..]) else { return Ok(false) };
            let end = next + length;
            values.push(value);
            self.ends.push(end);
            if column == columns {
                let Some(breaks) = line_break(&buffer[end..]) else { return Ok(false) };
                self.line = self.next_line;
                self.take(end, breaks)?;
                return Ok(true);
            }
            if buffer.get(end) != Some(&self.separator) {
                return Ok(false);
            }
            next = end + 1;
        }
        Ok(false)
    }

    /// Makes the next `length` bytes, a line whose cells end at `ends`, the record. A line break of `breaks` bytes follows.
    fn take(&mut self, length: usize, breaks: usize) -> Result<()> {
        self.text.clear();
        self.text.extend_from_slice(&self.input.fill_buf()?[..length]);
        self.gap = 1;
        self.input.consume(length + breaks);
        self.read += (length + breaks) as u64;
        self.next_line += 1;
        Ok(())
    }

    /// Returns where a cell of the record lies in its text, if the record has so many.
    pub(super) fn range(&self, cell: usize) -> Option<Range<usize>> {
        let end = *self.ends.get(cell)?;
        let start = cell.checked_sub(1).map_or(0, |before| self.ends[before] + self.gap);
        Some(start..end)
    }

    /// Returns the text of a cell of a record that [`Self::decimals`] read.
    pub(super) fn decimal_text(&self, column: usize) -> &str {
        let bytes = self.range(column).map_or(&[][..], |range| &self.text[range]);
        str::from_utf8(bytes).unwrap_or_default()
    }

    /// Removes the `#` before the first cell, and the cell if nothing else is in it.
    pub(super) fn uncomment(&mut self) {
        let Some(rest) = self.text.strip_prefix(b"#") else { return };
        let removed = 1 + (rest.len() - rest.trim_ascii_start().len());
        let removed = removed.min(self.ends.first().copied().unwrap_or(0));
        self.text.drain(..removed);
        self.ends.iter_mut().for_each(|end| *end -= removed);
        if self.ends.len() > 1 && self.ends[0] == 0 {
            self.ends.remove(0);
            self.text.drain(..self.gap);
            self.ends.iter_mut().for_each(|end| *end -= self.gap);
        }
    }

    /// Returns the cells of the record.
    pub(super) fn cells(&self) -> Result<Vec<&str>> {
        let cell = |range| {
            str::from_utf8(&self.text[range]).map_err(|_| anyhow!(not_utf8(self.line, &self.text)))
        };
        (0..).map_while(|cell| self.range(cell)).map(cell).collect()
    }
}

/// Returns the length of the line break that `bytes` start with.
fn line_break(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// The blocks that a pipe delivers may end anywhere.
    #[test]
    fn any_text_is_read_as_the_csv_library_reads_it() {
        struct Small(Cursor<Vec<u8>>, usize);
        impl std::io::Read for Small {
            fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
                let count = buffer.len().min(self.1);
                std::io::Read::read(&mut self.0, &mut buffer[..count])
            }
        }
        let mut state = 1_u32;
        let mut random = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % n
        };
        let pieces = [
            "a",
            "1.5",
            ",",
            ",",
            "\n",
            "\n",
            "\r\n",
            "\"",
            "\"\"",
            " ",
            "é",
            "-2e3",
            "\u{feff}",
            "1",
            ".5",
            "-2.",
            ",7,8.25\n",
        ];
        let mut values = Vec::new();
        let mut decimals = 0;
        for _ in 0..20_000 {
            let count = random(24);
            let text: String = (0..count).map(|_| pieces[random(17) as usize]).collect();
            let expected: Vec<Vec<String>> = ::csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes())
                .records()
                .map(|record| record.unwrap().iter().map(str::to_string).collect())
                .filter(|cells: &Vec<String>| cells.len() > 1 || !cells[0].trim().is_empty())
                .collect();
            let size = 1 + random(40) as usize;
            let mut lines: Vec<u64> = Vec::new();
            for fast in [false, true] {
                let mut input = Input::stream(Small(Cursor::new(text.clone().into_bytes()), size));
                input.start(8).unwrap();
                let mut records = Records::new(input, b',', 0);
                let mut found = Vec::new();
                let mut on = Vec::new();
                loop {
                    let columns = 1 + random(4) as usize;
                    if fast && records.decimals(columns, &mut values).unwrap() {
                        decimals += 1;
                        for (column, value) in values.iter().enumerate() {
                            let expected: f32 = records.decimal_text(column).parse().unwrap();
                            assert_eq!(value.to_bits(), expected.to_bits(), "{text:?}");
                        }
                    } else if !records.next().unwrap() {
                        break;
                    }
                    on.push(records.line);
                    let cells = records.cells().unwrap();
                    found.push(cells.into_iter().map(str::to_string).collect::<Vec<_>>());
                }
                assert_eq!(found, expected, "{text:?}");
                assert!(!fast || on == lines, "{text:?}: lines {on:?}, {lines:?}");
                lines = on;
            }
        }
        assert!(decimals > 200, "{decimals}");
    }
}
