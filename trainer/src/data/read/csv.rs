//! Reads CSV and TSV files, without holding their text in memory.

use std::io::BufRead;
use std::ops::Range;

use anyhow::{Context, Result, bail, ensure};
use csv_core::{ReadRecordResult, ReaderBuilder};
use memchr::{memchr_iter, memchr3};

use super::build::Builder;
use crate::data::table::{FirstRow, Header, Table, Wanted};
use crate::disk::input::Input;

/// The most bytes of a row. A quotation mark that is not closed makes the rest of the file one row.
const MOST_BYTES: usize = 1 << 24;

/// The most columns of a table.
pub(super) const MOST_COLUMNS: usize = 1 << 20;

/// After this many rows, their length gives an estimate of the file's rows.
const PROBE: usize = 1024;

/// A text file, read up to its rows of values.
pub(super) struct Text {
    records: Records,
    columns: usize,
    /// Whether the first record, which has been read, is a row of values.
    starts: bool,
}

impl Text {
    /// Reads the first row. `first_row` decides what it is.
    pub(super) fn open(
        input: Input,
        separator: u8,
        first_row: impl Fn(&[&str]) -> Result<FirstRow>,
    ) -> Result<(Header, Self)> {
        let mut records = Records::new(input, separator);
        if !records.next()? {
            bail!("the file is empty: expected a row of column names and rows of values");
        }
        let first = records.cells()?;
        let kind = first_row(&first)?;
        let names = match kind {
            FirstRow::Names => first.iter().map(|name| name.trim().to_string()).collect(),
            FirstRow::Numbers | FirstRow::Values => {
                (0..first.len()).map(|k| k.to_string()).collect()
            }
        };
        let columns = first.len();
        let named = kind == FirstRow::Names;
        let header = Header { file: String::new(), named, names, text: true };
        Ok((header, Self { records, columns, starts: kind == FirstRow::Values }))
    }

    /// Reads the rows. Cells that are missing at the end of a row are empty.
    pub(super) fn read(self, header: Header, wanted: Wanted) -> Result<Table> {
        let Self { mut records, columns, mut starts } = self;
        let mut table = Builder::growing(wanted);
        while starts || records.next()? {
            starts = false;
            let (line, found) = (records.line, records.ends.len());
            ensure!(
                found <= columns,
                "line {line} has {found} cells: expected at most {columns}, as in the first row"
            );
            let utf8 = str::from_utf8(&records.text).with_context(|| not_utf8(line))?;
            // A cell may end within a character that its neighbour completes.
            let ends = |end: &usize| utf8.is_char_boundary(*end);
            ensure!(records.ends.iter().all(ends), not_utf8(line));
            let cell = |column| records.range(column).map_or("", |range| &utf8[range]);
            table.push(line, cell);
            // Missing cells take memory but no text, so a small file could fill any memory.
            ensure!(
                (table.rows() * table.width()) as u64 <= records.read + (1 << 20),
                "line {line}: most rows have fewer cells than the first row, which has {columns}"
            );
            if table.rows() == PROBE
                && let Some(size) = records.input.size()
            {
                let rows = size as f64 / records.read as f64 * PROBE as f64;
                table.reserve((rows * 1.01) as usize + PROBE);
            }
        }
        ensure!(table.rows() > 0, "the file has column names, but no rows of values");
        Ok(table.finish(header))
    }
}

fn not_utf8(line: u64) -> String {
    format!("line {line}: expected text in UTF-8")
}

/// The records of a text file, one at a time.
struct Records {
    input: Input,
    parser: csv_core::Reader,
    separator: u8,
    /// The cells of the record, one after the other, without quotation marks.
    text: Vec<u8>,
    /// Where each cell ends in `text`.
    ends: Vec<usize>,
    /// The bytes between two cells in `text`: 1 where the separators are still there.
    gap: usize,
    /// The line on which the record starts, counted from 1.
    line: u64,
    /// The line on which the next record may start.
    next_line: u64,
    /// The bytes that have been read.
    read: u64,
}

impl Records {
    fn new(input: Input, separator: u8) -> Self {
        Self {
            input,
            parser: ReaderBuilder::new().delimiter(separator).build(),
            separator,
            text: Vec::new(),
            ends: Vec::new(),
            gap: 0,
            line: 0,
            next_line: 1,
            read: 0,
        }
    }

    /// Reads the next record. Returns whether there is one. A line of spaces counts as an empty line.
    fn next(&mut self) -> Result<bool> {
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
        let breaks = match buffer[length..] {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            _ => return Ok(false),
        };
        let line = &buffer[..length];
        self.text.clear();
        self.text.extend_from_slice(line);
        self.ends.clear();
        self.ends.extend(memchr_iter(self.separator, line).chain([length]));
        self.gap = 1;
        self.input.consume(length + breaks);
        self.read += (length + breaks) as u64;
        self.next_line += 1;
        Ok(true)
    }

    /// Returns where a cell of the record lies in its text, if the record has so many.
    fn range(&self, cell: usize) -> Option<Range<usize>> {
        let end = *self.ends.get(cell)?;
        let start = cell.checked_sub(1).map_or(0, |before| self.ends[before] + self.gap);
        Some(start..end)
    }

    /// Returns the cells of the record.
    fn cells(&self) -> Result<Vec<&str>> {
        let cell = |range| str::from_utf8(&self.text[range]).with_context(|| not_utf8(self.line));
        (0..).map_while(|cell| self.range(cell)).map(cell).collect()
    }
}

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::{Cells, Use};
    use std::io::Cursor;

    fn read(text: impl AsRef<[u8]>) -> Result<Table> {
        let input = Input::stream(Cursor::new(text.as_ref().to_vec()));
        let (header, text) = Text::open(input, b',', FirstRow::of)?;
        let others = (0..header.names.len()).map(|column| (column, Use::Labels)).collect();
        text.read(header, Wanted { data: Vec::new(), others })
    }

    fn error(text: impl AsRef<[u8]>) -> String {
        format!("{:#}", read(text).unwrap_err())
    }

    /// Returns the texts of a column; missing ones are "".
    fn texts(table: &Table, column: usize) -> Vec<&str> {
        let Cells::Labels { labels, .. } = &table.others[column] else { panic!("numbers") };
        let text = |&id: &u32| labels.names.get(id as usize).map_or("", String::as_str);
        labels.ids.iter().map(text).collect()
    }

    fn starts(table: &Table) -> Vec<u64> {
        (0..table.rows).map(|row| table.lines.of(row)).collect()
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        for end in ["\n", "\r\n"] {
            let text = "a,b\n1,2\n\n\"x\ny\",4\n5,6\n".replace('\n', end);
            assert_eq!(starts(&read(text).unwrap()), [2, 4, 6], "{end:?}");
        }
    }

    #[test]
    fn empty_files_are_refused() {
        for (text, expected) in [("", "empty"), ("\n", "empty"), ("x,y\n", "no rows")] {
            assert!(error(text).contains(expected), "{}", error(text));
        }
    }

    #[test]
    fn a_long_row_is_an_error_and_a_short_one_has_missing_values() {
        let found = error("a,b\n1,2\n3,4,5\n");
        assert!(found.contains("line 3 has 3 cells"), "{found}");
        let table = read("a,b\n1,2\n   \n3\n").unwrap();
        assert_eq!(texts(&table, 1), ["2", ""]);
        assert_eq!(starts(&table), [2, 4]);
    }

    #[test]
    fn a_first_row_of_numbers_is_values_unless_it_numbers_the_columns() {
        let rows = |text: &str| {
            let table = read(text).unwrap();
            (table.header.named, table.rows, table.header.names[0].clone())
        };
        assert_eq!(rows("x,y\n1,2\n"), (true, 1, "x".to_string()));
        assert_eq!(rows("0.5,1\n1,2\n"), (false, 2, "0".to_string()));
        assert_eq!(rows("0,1,2\n1,2,3\n"), (false, 1, "0".to_string()));
        assert_eq!(rows("0\n1\n"), (false, 2, "0".to_string()));
        let found = error("0,1\n1,2\n");
        assert!(found.contains("add a row of names"), "{found}");
    }

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
        let pieces =
            ["a", "1.5", ",", ",", "\n", "\n", "\r\n", "\"", "\"\"", " ", "é", "-2e3", "\u{feff}"];
        for _ in 0..20_000 {
            let count = random(24);
            let text: String = (0..count).map(|_| pieces[random(13) as usize]).collect();
            let expected: Vec<Vec<String>> = ::csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes())
                .records()
                .map(|record| record.unwrap().iter().map(str::to_string).collect())
                .filter(|cells: &Vec<String>| cells.len() > 1 || !cells[0].trim().is_empty())
                .collect();
            let mut input = Input::stream(Small(
                Cursor::new(text.clone().into_bytes()),
                1 + random(7) as usize,
            ));
            input.start(8).unwrap();
            let mut records = Records::new(input, b',');
            let mut found = Vec::new();
            while records.next().unwrap() {
                found.push(
                    records.cells().unwrap().into_iter().map(str::to_string).collect::<Vec<_>>(),
                );
            }
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn text_that_is_not_utf_8_is_refused_with_its_line() {
        for bytes in [&b"a,b\n1,\xff\n"[..], b"a,b\n\xc3,\xa9\n", b"a,\xff\n1,2\n"] {
            let found = error(bytes);
            assert!(found.contains("expected text in UTF-8") && found.contains("line"), "{found}");
        }
    }

    #[test]
    fn a_row_without_end_and_too_many_short_rows_are_refused() {
        let found = error("a,b\n1,\"".to_string() + &"x".repeat(MOST_BYTES + 100));
        assert!(
            found.contains("line 2: a row of more than") && found.contains("not closed"),
            "{found}"
        );
        let wide = format!("a{}\n", ",a".repeat(9999));
        let found = error(wide + &"1\n".repeat(10_000));
        assert!(found.contains("most rows have fewer cells"), "{found}");
        let found = error("a,".repeat(MOST_COLUMNS + 5));
        assert!(found.contains("expected at most 1048576 columns"), "{found}");
    }
}
