//! Reads CSV and TSV files and their like, without holding their text in memory.

use std::cell::RefCell;
use std::io::BufRead;

use anyhow::{Error, Result, anyhow, bail, ensure};

use super::build::Builder;
use super::dialect::{Dialect, SAMPLE, Sample, find};
use super::encoding::{as_utf8, not_utf8};
use super::records::Records;
use super::spaces::Spaces;
use crate::data::notation::{has_thousands, is_number, thousands};
use crate::data::table::{FirstRow, Header, Table, Wanted};
use crate::data::table_options::{Decimal, Separator, TableOptions};
use crate::disk::input::Input;
use crate::disk::memory;
use crate::disk::quote::quoted;

/// After this many rows, their length gives an estimate of the file's rows.
const PROBE: usize = 1024;

/// From this many rows on, each doubling of a table is checked to fit into memory, if the size of the file says nothing.
const LARGE: usize = 1 << 20;

/// A text file, read up to its rows of values.
pub(super) struct Text {
    records: Records,
    columns: usize,
    decimal: Decimal,
    /// Whether the first record, which has been read, is a row of values.
    starts: bool,
}

impl Text {
    /// Reads the first row. `first_row` decides what it is. Cells are separated by `usual`, unless `options` or the
    /// first lines say something else.
    pub(super) fn open(
        input: Input,
        usual: Separator,
        options: TableOptions,
        first_row: impl Fn(&[&str]) -> Result<FirstRow>,
    ) -> Result<(Header, Self)> {
        let mut input = as_utf8(input)?;
        let sample = Sample::of(&input.start(SAMPLE)?);
        let dialect = find(&sample, usual, options)?;
        let Dialect { separator, decimal, comments } = dialect;
        let mut skipped = Vec::new();
        for _ in 0..comments {
            input.read_until(b'\n', &mut skipped)?;
            skipped.clear();
        }
        if separator == Separator::Space {
            input = Input::stream(Spaces::new(input));
        }
        let mut records = Records::new(input, separator.byte(), comments as u64);
        if !records.next()? {
            bail!("the file is empty: expected a row of column names and rows of values");
        }
        if sample.names_are_a_comment(comments) {
            records.uncomment();
        }
        let cells = records.cells()?;
        let columns = cells.len();
        // A comma may be decimal in a row of values.
        let kind = if decimal == Decimal::Comma {
            let mut points = Points::default();
            points.set(cells.iter().copied());
            first_row(&(0..columns).map(|column| points.cell(column)).collect::<Vec<_>>())?
        } else {
            first_row(&cells)?
        };
        let said = || cells.iter().map(|name| name.trim().to_string()).collect();
        let names: Vec<String> = match kind {
            FirstRow::Names => said(),
            // pandas numbers the columns after those of its index.
            FirstRow::Numbers if cells[0].trim().is_empty() => said(),
            FirstRow::Numbers | FirstRow::Values => (0..columns).map(|k| k.to_string()).collect(),
        };
        let index = match kind {
            FirstRow::Values => 0,
            FirstRow::Names | FirstRow::Numbers => index(&names, &sample, separator),
        };
        let found = found(dialect, usual, options);
        let named = kind == FirstRow::Names;
        let header = Header { named, names, text: true, index, found, ..Header::default() };
        Ok((header, Self { records, columns, decimal, starts: kind == FirstRow::Values }))
    }

    /// Reads the rows. Cells that are missing at the end of a row are empty.
    pub(super) fn read(self, header: Header, wanted: Wanted) -> Result<Table> {
        let Self { mut records, columns, decimal, mut starts } = self;
        let mut table = Builder::growing(wanted);
        let mut points = Points::default();
        let mut values = Vec::new();
        let mut others = 0;
        loop {
            // Where most rows have something else in them, looking for decimals first would only take time.
            let plain = decimal == Decimal::Point
                && !starts
                && others <= table.rows() / 2 + PROBE
                && records.decimals(columns, &mut values)?;
            if plain {
                table.push(records.line, &values, |column| records.decimal_text(column));
            } else if starts || records.next()? {
                others += 1;
                starts = false;
                let decimals = (decimal == Decimal::Comma).then_some(&mut points);
                add(&records, columns, decimals, &header, &mut table)?;
            } else {
                break;
            }
            make_room(&records, columns, &mut table)?;
        }
        ensure!(table.rows() > 0, "the file has column names, but no rows of values");
        Ok(table.finish(header))
    }
}

/// Adds a record to a table of `columns` columns. `points` is there if commas are decimal.
fn add(
    records: &Records,
    columns: usize,
    points: Option<&mut Points>,
    header: &Header,
    table: &mut Builder,
) -> Result<()> {
    let (line, found) = (records.line, records.ends.len());
    ensure!(
        found <= columns,
        "line {line} has {found} cells: expected at most {columns}, as in the first row. If they are not separated as \
         expected, say what separates them with --separator"
    );
    let wrong = || anyhow!(not_utf8(line, &records.text));
    let utf8 = str::from_utf8(&records.text).map_err(|_| wrong())?;
    // A cell may end within a character that its neighbour completes.
    ensure!(records.ends.iter().all(|end| utf8.is_char_boundary(*end)), wrong());
    let cell = |column| records.range(column).map_or("", |range| &utf8[range]);
    let Some(points) = points else {
        table.push(line, &[], cell);
        return Ok(());
    };
    points.set((0..found).map(cell));
    let wrong: RefCell<Option<Error>> = RefCell::new(None);
    table.push(line, &[], |column| {
        let text = cell(column).trim();
        if is_number(text, '.') || has_thousands(text) {
            let place = || format!("line {line}, column {}", header.name(column));
            wrong.borrow_mut().get_or_insert_with(|| unlike(text).context(place()));
        }
        points.cell(column)
    });
    wrong.into_inner().map_or(Ok(()), Err)
}

/// Makes room for the rows of a large table ahead of time, and refuses a table that does not fit into memory.
fn make_room(records: &Records, columns: usize, table: &mut Builder) -> Result<()> {
    let rows = table.rows();
    // Missing cells take memory but no text, so a small file could fill any memory.
    ensure!(
        (rows * table.width()) as u64 <= records.read + (1 << 20),
        "line {}: most rows have fewer cells than the first row, which has {columns}",
        records.line
    );
    match records.input.size() {
        Some(size) if rows == PROBE => {
            let rows = size as f64 / records.read as f64 * PROBE as f64;
            table.reserve((rows * 1.01) as usize + PROBE);
        }
        // A small compressed file may hold a table that no memory does.
        None if rows >= LARGE && rows.is_power_of_two() => {
            let bytes = 4.0 * table.width() as f64 * (2 * rows) as f64;
            memory::check(
                bytes,
                &format!("a table of more than {rows} rows"),
                "use fewer rows or columns",
            )?;
        }
        _ => {}
    }
    Ok(())
}

/// The cells of a row, one after the other, with decimal points in place of decimal commas.
#[derive(Default)]
struct Points {
    text: String,
    ends: Vec<usize>,
}

impl Points {
    fn set<'a>(&mut self, cells: impl Iterator<Item = &'a str>) {
        self.text.clear();
        self.ends.clear();
        for cell in cells {
            match cell.split_once(',') {
                Some((whole, part)) if is_number(cell.trim(), ',') => {
                    self.text.extend([whole, ".", part]);
                }
                _ => self.text.push_str(cell),
            }
            self.ends.push(self.text.len());
        }
    }

    /// Returns a cell, or nothing if the row has fewer.
    fn cell(&self, column: usize) -> &str {
        let Some(&end) = self.ends.get(column) else { return "" };
        let start = column.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..end]
    }
}

/// Returns the error for a number without the decimal comma of the other numbers.
fn unlike(text: &str) -> Error {
    if has_thousands(text) {
        return anyhow!(thousands(text));
    }
    anyhow!(
        "found {}, but commas are decimal: expected a number such as 1,5, or say which sign is decimal with --decimal",
        quoted(text)
    )
}

/// Returns how many columns at the start are nameless and number the rows: the index that pandas writes.
fn index(names: &[String], sample: &Sample, separator: Separator) -> usize {
    let nameless = |name: &String| name.is_empty() || name.starts_with("Unnamed: 0");
    let most = names.iter().take_while(|name| nameless(name)).count().min(names.len() - 1);
    let numbers = |column: usize| {
        let cells = sample.rows(separator).skip(1);
        let number = |cells: Vec<&str>| cells.get(column)?.trim().trim_matches('"').parse().ok();
        let rows: Option<Vec<u64>> = cells.map(number).collect();
        rows.is_some_and(|mut rows| {
            let all = rows.len();
            rows.sort_unstable();
            rows.dedup();
            all > 0 && rows.len() == all
        })
    };
    (0..most).take_while(|&column| numbers(column)).count()
}

/// Says how the file is read, if that is not usual and the user did not say it.
fn found(dialect: Dialect, usual: Separator, options: TableOptions) -> Option<String> {
    let Dialect { separator, decimal, comments } = dialect;
    let separated = (separator != usual && options.separator.is_none())
        .then(|| format!("cells separated by {}", separator.name()));
    let commas = (decimal == Decimal::Comma && options.decimal.is_none())
        .then(|| "decimal commas".to_string());
    let skipped = (comments > 0).then(|| format!("comments skipped up to line {comments}"));
    let found: Vec<String> = [separated, commas, skipped].into_iter().flatten().collect();
    (!found.is_empty()).then(|| found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::read::records::{MOST_BYTES, MOST_COLUMNS};
    use crate::data::table::{Cells, Use};
    use std::io::Cursor;

    fn read(text: impl AsRef<[u8]>) -> Result<Table> {
        let input = Input::stream(Cursor::new(text.as_ref().to_vec()));
        let (header, text) =
            Text::open(input, Separator::Comma, TableOptions::default(), FirstRow::of)?;
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
