//! Reads JSON lines: an object, or an array of numbers, on each line.

use std::collections::VecDeque;
use std::fmt;
use std::io::{BufRead, Read};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::build::Builder;
use super::encoding::{as_utf8, not_utf8};
use super::records::{MOST_BYTES, MOST_COLUMNS};
use crate::data::table::{Block, Header, Table, Wanted};
use crate::disk::input::Input;
use crate::disk::quote::{quoted, shortened};

/// A file of JSON lines, whose first line has been read.
pub(super) struct Lines {
    input: Input,
    line: u64,
    /// The cells of the line, in the order of the columns.
    cells: Vec<String>,
    shape: Shape,
}

/// The columns of the lines.
#[derive(PartialEq)]
enum Shape {
    /// The keys of the objects, and the lengths of the arrays among their values. `None` for a single value.
    Object(Vec<(String, Option<usize>)>),
    /// The length of the arrays.
    Array(usize),
}

/// A line.
enum Row {
    Object(Vec<(String, Value)>),
    Array(Vec<String>),
}

/// A value of an object.
enum Value {
    One(String),
    Several(Vec<String>),
}

impl Lines {
    /// Reads the first line, whose keys are the names of the columns. An array is a block of columns NAME.0, NAME.1 and
    /// so on.
    pub(super) fn open(input: Input) -> Result<(Header, Self)> {
        let mut input = as_utf8(input)?;
        let mut line = 0;
        let text = next(&mut input, &mut line)?;
        let text =
            text.context("the file is empty: expected an object or an array on each line")?;
        let row = parse(&text, line)?;
        let (mut names, mut blocks) = (Vec::new(), Vec::new());
        let shape = match &row {
            Row::Array(values) => {
                names.extend((0..values.len()).map(|k| k.to_string()));
                Shape::Array(values.len())
            }
            Row::Object(pairs) => {
                for (key, value) in pairs {
                    ensure!(
                        pairs.iter().filter(|(other, _)| other == key).count() == 1,
                        "line {line}: the key {} is there twice",
                        quoted(key)
                    );
                    match value {
                        Value::One(_) => names.push(key.clone()),
                        Value::Several(values) => {
                            blocks.push(Block::of(names.len(), &[values.len()]));
                            names.extend((0..values.len()).map(|k| format!("{key}.{k}")));
                        }
                    }
                }
                let length = |value: &Value| match value {
                    Value::One(_) => None,
                    Value::Several(values) => Some(values.len()),
                };
                Shape::Object(
                    pairs.iter().map(|(key, value)| (key.clone(), length(value))).collect(),
                )
            }
        };
        ensure!(!names.is_empty(), "line {line}: no columns: expected at least one");
        ensure!(names.len() <= MOST_COLUMNS, "expected at most {MOST_COLUMNS} columns");
        let named = matches!(shape, Shape::Object(_));
        let mut lines = Self { input, line, cells: Vec::new(), shape };
        lines.take(row)?;
        Ok((Header { named, names, text: true, blocks, ..Header::default() }, lines))
    }

    /// Reads the rows. A key that a line does not have is a missing cell.
    pub(super) fn read(mut self, header: Header, wanted: Wanted) -> Result<Table> {
        let mut table = Builder::growing(wanted);
        loop {
            table.push(self.line, &[], |column| self.cells.get(column).map_or("", String::as_str));
            let Some(text) = next(&mut self.input, &mut self.line)? else { break };
            let row = parse(&text, self.line)?;
            self.take(row)?;
        }
        Ok(table.finish(header))
    }

    /// Stores the cells of a line.
    fn take(&mut self, row: Row) -> Result<()> {
        let line = self.line;
        self.cells.clear();
        match (&self.shape, row) {
            (Shape::Array(expected), Row::Array(values)) => {
                let found = values.len();
                ensure!(
                    found == *expected,
                    "line {line} has {found} values: expected {expected}, as in the first line"
                );
                self.cells = values;
            }
            (Shape::Object(columns), Row::Object(pairs)) => {
                // Most lines have the first line's order: each key is then the first that is left.
                let mut pairs = VecDeque::from(pairs);
                for (name, length) in columns {
                    let found = pairs.iter().position(|(key, _)| key == name);
                    let found = found.and_then(|at| pairs.remove(at)).map(|(_, value)| value);
                    let key = || shortened(name).into_owned();
                    match (length, found) {
                        (None, Some(Value::One(text))) => self.cells.push(text),
                        (None, None) => self.cells.push(String::new()),
                        (Some(length), Some(Value::Several(values))) => {
                            let found = values.len();
                            ensure!(
                                found == *length,
                                "line {line}: {} has {found} values: expected {length}, as in the first line. All lists \
                                 of a column need the same length",
                                key()
                            );
                            self.cells.extend(values);
                        }
                        (Some(length), None) => {
                            self.cells.extend(std::iter::repeat_n(String::new(), *length));
                        }
                        (Some(length), Some(Value::One(text))) if text.is_empty() => {
                            self.cells.extend(std::iter::repeat_n(String::new(), *length));
                        }
                        (Some(length), Some(Value::One(text))) => bail!(
                            "line {line}: expected a list of {length} values for {}, found {}",
                            key(),
                            quoted(&text)
                        ),
                        (None, Some(Value::Several(_))) => {
                            bail!(
                                "line {line}: expected a single value for {}, found a list",
                                key()
                            )
                        }
                    }
                }
                if let Some((key, _)) = pairs.front() {
                    bail!("line {line}: the first line has no key {}", quoted(key));
                }
            }
            (Shape::Array(_), Row::Object(_)) => {
                bail!("line {line}: expected an array as in the first line, found an object")
            }
            (Shape::Object(_), Row::Array(_)) => {
                bail!("line {line}: expected an object as in the first line, found an array")
            }
        }
        Ok(())
    }
}

/// Returns the next line that is not blank, and counts lines in `line`.
fn next(input: &mut Input, line: &mut u64) -> Result<Option<String>> {
    loop {
        let mut bytes = Vec::new();
        input.by_ref().take(MOST_BYTES as u64).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        *line += 1;
        ensure!(
            bytes.len() < MOST_BYTES,
            "line {line}: a line of more than {MOST_BYTES} bytes: expected a row on each line"
        );
        let text = String::from_utf8(bytes);
        let text = text.map_err(|error| anyhow!(not_utf8(*line, error.as_bytes())))?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if !text.is_empty() {
            return Ok(Some(text.to_string()));
        }
    }
}

fn parse(text: &str, line: u64) -> Result<Row> {
    serde_json::from_str(text).map_err(|error| {
        let what = error.to_string();
        let what = what.split(" at line ").next().unwrap_or_default();
        anyhow!(
            "line {line}: {what}, at column {}: expected JSON lines: a whole object or array on each line",
            error.column()
        )
    })
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object or an array of numbers")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Row, A::Error> {
                let mut cells = Vec::new();
                while let Some(Cell(text)) = values.next_element()? {
                    cells.push(text);
                }
                Ok(Row::Array(cells))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Row, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = entries.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Row::Object(pairs))
            }
        }
        deserializer.deserialize_any(Rows)
    }
}

/// A number, a text, a boolean or nothing, as a cell of text.
struct Cell(String);

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(Values { nested: false })? {
            Value::One(text) => Ok(Self(text)),
            Value::Several(_) => unreachable!("lists in lists are refused"),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Values { nested: true })
    }
}

/// Reads a value; a list only if `nested`.
struct Values {
    nested: bool,
}

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.nested {
            "a number, text or a list of them"
        } else {
            "a number or text"
        })
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::One(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::One(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Value, A::Error> {
        if !self.nested {
            return Err(serde::de::Error::custom("a list within a list: expected numbers in it"));
        }
        let mut cells = Vec::new();
        while let Some(Cell(text)) = values.next_element()? {
            cells.push(text);
        }
        Ok(Value::Several(cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::table::{Cells, Use};
    use std::io::Cursor;

    fn read(text: &str) -> Result<Table> {
        let (header, lines) = Lines::open(Input::stream(Cursor::new(text.to_string())))?;
        let others = (0..header.names.len()).map(|column| (column, Use::Numbers)).collect();
        lines.read(header, Wanted { data: Vec::new(), others })
    }

    fn values(table: &Table) -> Vec<Vec<f32>> {
        let column = |cells: &Cells| match cells {
            Cells::Numbers { values, .. } => values.clone(),
            Cells::Labels { .. } => panic!("labels"),
        };
        table.others.iter().map(column).collect()
    }

    #[test]
    fn objects_and_arrays_are_rows() {
        let table = read("{\"x\": 1, \"a\": [2, 3.5]}\n\n{\"a\": [4, 5], \"x\": true}\n").unwrap();
        assert_eq!(table.header.names, ["x", "a.0", "a.1"]);
        assert_eq!(values(&table), [[1.0, 1.0], [2.0, 4.0], [3.5, 5.0]]);
        assert_eq!(table.lines.of(1), 3);
        let table = read("[1, -2e3]\n[3, 4]\n").unwrap();
        assert!(!table.header.named);
        assert_eq!(values(&table), [[1.0, 3.0], [-2000.0, 4.0]]);
    }

    #[test]
    fn lines_that_differ_from_the_first_are_refused_by_number() {
        for (text, expected) in [
            ("", "the file is empty"),
            ("{\"x\": 1}\n{\"y\": 1}\n", "line 2: the first line has no key \"y\""),
            ("{\"a\": [1, 2]}\n{\"a\": [1]}\n", "line 2: a has 1 values: expected 2"),
            ("{\"a\": [1, 2]}\n{\"a\": 7}\n", "line 2: expected a list of 2 values for a"),
            ("{\"a\": [[1], 2]}\n", "line 1: a list within a list"),
            ("{\"a\": {\"b\": 1}}\n", "line 1: invalid type: map"),
            ("{\"a\": 1, \"a\": 2}\n", "the key \"a\" is there twice"),
            ("[1, 2]\n[3]\n", "line 2 has 1 values: expected 2"),
            ("[1, 2]\n{\"x\": 1}\n", "line 2: expected an array"),
            ("{\"x\": 1}\n{\"x\":\n 2}\n", "line 2: EOF while parsing"),
        ] {
            let error = format!("{:#}", read(text).unwrap_err());
            assert!(error.contains(expected), "{text:?}: {error}");
        }
    }
}
