//! Reads Parquet files, a column at a time. A column of lists of one length is a block of columns.

use std::fs::File;
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use parquet::basic::{LogicalType, TimeUnit, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{AsBytes, DataType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use super::build::{Builder, Place};
use super::element::half;
use super::records::MOST_COLUMNS;
use crate::data::table::{Block, Header, Table, Wanted};
use crate::disk::quote::{quoted, shortened};
use crate::disk::{input, memory};

/// The first bytes of a file.
pub(super) const MAGIC: &[u8] = b"PAR1";

/// The rows that are decoded at once.
const BLOCK: usize = 1 << 14;

/// A file whose columns are known and whose rows are not read yet.
pub(super) struct Parquet {
    reader: SerializedFileReader<File>,
    rows: usize,
    leaves: Vec<Leaf>,
}

/// A column of the file.
struct Leaf {
    /// Its number in the file.
    number: usize,
    name: String,
    kind: Kind,
    /// The definition level of a value that is there.
    defined: i16,
    /// Whether its values are lists.
    list: bool,
    /// Its columns in the table: several for a list.
    columns: Range<usize>,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Number,
    Unsigned,
    Half,
    /// A time: its units in a second.
    Time(f64),
    Word,
    Text,
    /// Not read.
    Other,
}

impl Parquet {
    /// Reads the names of the columns, and the lengths of the lists in the first row. The index that pandas keeps in
    /// columns of its own comes first.
    pub(super) fn open(path: &Path) -> Result<(Header, Self)> {
        let (file, _) = input::open(path)?;
        let reader =
            SerializedFileReader::new(file).context("not a Parquet file, or a damaged one")?;
        let metadata = reader.metadata();
        let rows = usize::try_from(metadata.file_metadata().num_rows()).unwrap_or(0);
        ensure!(rows > 0, "no rows: expected at least one");
        let schema = metadata.file_metadata().schema_descr();
        let mut leaves: Vec<Leaf> = (0..schema.num_columns())
            .map(|number| Leaf::of(number, &schema.column(number)))
            .collect();
        let is_index = |leaf: &Leaf| leaf.name.starts_with("__index_level_");
        leaves.sort_by_key(|leaf| !is_index(leaf));
        let mut header = Header { named: true, ..Header::default() };
        for leaf in &mut leaves {
            let first = header.names.len();
            if !leaf.list || leaf.kind == Kind::Other {
                header.names.push(leaf.name.clone());
            } else {
                let length = leaf.length(&reader)?;
                ensure!(
                    first + length <= MOST_COLUMNS,
                    "column {}: expected at most {MOST_COLUMNS} columns",
                    shortened(&leaf.name)
                );
                header.blocks.push(Block::of(first, &[length]));
                header.names.extend((0..length).map(|k| format!("{}.{k}", leaf.name)));
            }
            leaf.columns = first..header.names.len();
        }
        ensure!(!header.names.is_empty(), "no columns: expected at least one");
        header.index = leaves.iter().take_while(|leaf| is_index(leaf)).count();
        Ok((header, Self { reader, rows, leaves }))
    }

    /// Reads the wanted columns.
    pub(super) fn read(self, header: Header, wanted: Wanted) -> Result<Table> {
        let Self { reader, rows, leaves } = self;
        let wide = wanted.data.len() + wanted.others.len();
        // The file may claim any number of rows.
        memory::check(
            4.0 * rows as f64 * wide as f64,
            &format!("a table of {rows} rows of {wide} columns"),
            "use fewer rows or columns",
        )?;
        let is_text = |column: usize| {
            let leaf = leaves.iter().find(|leaf| leaf.columns.contains(&column));
            leaf.is_some_and(|leaf| matches!(leaf.kind, Kind::Text | Kind::Word))
        };
        let mut table = Builder::of_columns(wanted, rows, is_text);
        for leaf in &leaves {
            let places = table.places(leaf.columns.clone());
            if places.is_empty() {
                continue;
            }
            let context = || format!("column {}", shortened(&leaf.name));
            let mut first = 0;
            for group in 0..reader.num_row_groups() {
                let group = reader.get_row_group(group)?;
                let count = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
                ensure!(
                    first + count <= rows,
                    "the file is damaged: it has more rows than it says"
                );
                let column = group.get_column_reader(leaf.number).with_context(context)?;
                leaf.read(column, first, count, &places, &mut table).with_context(context)?;
                first += count;
            }
            ensure!(first == rows, "the file is damaged: it has fewer rows than it says");
        }
        Ok(table.finish(header))
    }
}

impl Leaf {
    fn of(number: usize, column: &ColumnDescriptor) -> Self {
        let parts = column.path().parts();
        let list = column.max_rep_level() > 0;
        // A list NAME is written as NAME.list.element, by some as NAME.array.
        let end = parts.iter().position(|part| part == "list");
        let named = match parts.len() {
            _ if column.max_rep_level() > 1 => end.unwrap_or(1).max(1),
            length if !list => length,
            length @ 3.. if parts[length - 2] == "list" || parts[length - 2] == "bag" => length - 2,
            length => length.saturating_sub(1).max(1),
        };
        let kind = if column.max_rep_level() > 1 { Kind::Other } else { Kind::of(column) };
        let (name, defined) = (parts[..named].join("."), column.max_def_level());
        Self { number, name, kind, defined, list, columns: 0..0 }
    }

    /// Returns the length of the list in the first row.
    fn length(&self, reader: &SerializedFileReader<File>) -> Result<usize> {
        let column = reader.get_row_group(0)?.get_column_reader(self.number)?;
        let mut levels = Vec::new();
        let mut rest = Vec::new();
        macro_rules! first {
            ($reader:ident) => {
                $reader.read_records(1, Some(&mut levels), Some(&mut rest), &mut Vec::new())?
            };
        }
        match column {
            ColumnReader::BoolColumnReader(mut reader) => first!(reader),
            ColumnReader::Int32ColumnReader(mut reader) => first!(reader),
            ColumnReader::Int64ColumnReader(mut reader) => first!(reader),
            ColumnReader::Int96ColumnReader(mut reader) => first!(reader),
            ColumnReader::FloatColumnReader(mut reader) => first!(reader),
            ColumnReader::DoubleColumnReader(mut reader) => first!(reader),
            ColumnReader::ByteArrayColumnReader(mut reader) => first!(reader),
            ColumnReader::FixedLenByteArrayColumnReader(mut reader) => first!(reader),
        };
        // A list without elements has one level, too.
        let length = levels.iter().filter(|&&level| level + 1 >= self.defined).count();
        ensure!(
            length > 0,
            "column {}: the list in row 0 is empty: expected lists of the same length",
            shortened(&self.name)
        );
        Ok(length)
    }

    /// Reads the `count` rows of a row group into the rows of `table` from `first` on.
    fn read(
        &self,
        column: ColumnReader,
        first: usize,
        count: usize,
        places: &[(usize, Place)],
        table: &mut Builder,
    ) -> Result<()> {
        let rows = first..first + count;
        macro_rules! numbers {
            ($reader:expr, $number:expr) => {
                self.blocks(
                    $reader,
                    rows,
                    |first, length, values, table: &mut Builder| {
                        for &(column, place) in places {
                            let own =
                                values.iter().skip(column - self.columns.start).step_by(length);
                            let own = own.map(|value| value.as_ref().map_or(f64::NAN, $number));
                            table.fill(place, column, first, own);
                        }
                    },
                    table,
                )
            };
        }
        macro_rules! texts {
            ($reader:expr, $text:expr) => {
                self.blocks(
                    $reader,
                    rows,
                    |first, length, values, table: &mut Builder| {
                        for &(column, place) in places {
                            let own =
                                values.iter().skip(column - self.columns.start).step_by(length);
                            table.fill_text(
                                place,
                                column,
                                first,
                                own.map(|value| value.as_ref().map($text)),
                            );
                        }
                    },
                    table,
                )
            };
        }
        match (column, self.kind) {
            (ColumnReader::FloatColumnReader(reader), Kind::Number) => {
                numbers!(reader, |x: &f32| f64::from(*x))
            }
            (ColumnReader::DoubleColumnReader(reader), Kind::Number) => {
                numbers!(reader, |x: &f64| *x)
            }
            (ColumnReader::Int32ColumnReader(reader), Kind::Number) => {
                numbers!(reader, |x: &i32| f64::from(*x))
            }
            (ColumnReader::Int32ColumnReader(reader), Kind::Unsigned) => {
                numbers!(reader, |x: &i32| f64::from(x.cast_unsigned()))
            }
            (ColumnReader::Int32ColumnReader(reader), Kind::Time(units)) => {
                numbers!(reader, |x: &i32| f64::from(*x) / units)
            }
            (ColumnReader::Int64ColumnReader(reader), Kind::Number) => {
                numbers!(reader, |x: &i64| *x as f64)
            }
            (ColumnReader::Int64ColumnReader(reader), Kind::Unsigned) => {
                numbers!(reader, |x: &i64| x.cast_unsigned() as f64)
            }
            (ColumnReader::Int64ColumnReader(reader), Kind::Time(units)) => {
                numbers!(reader, |x: &i64| *x as f64 / units)
            }
            (ColumnReader::FixedLenByteArrayColumnReader(reader), Kind::Half) => {
                numbers!(reader, |x: &parquet::data_type::FixedLenByteArray| {
                    x.as_bytes()
                        .try_into()
                        .map_or(f64::NAN, |bytes| half(u16::from_le_bytes(bytes)))
                })
            }
            (ColumnReader::BoolColumnReader(reader), Kind::Word) => {
                texts!(reader, |word: &bool| if *word { "True" } else { "False" }.to_string())
            }
            (ColumnReader::ByteArrayColumnReader(reader), Kind::Text) => {
                texts!(reader, |text: &parquet::data_type::ByteArray| {
                    String::from_utf8_lossy(text.as_bytes()).into_owned()
                })
            }
            _ if self.list && self.kind == Kind::Other => {
                bail!("lists within lists: expected lists of numbers, all of the same length")
            }
            _ => bail!(
                "expected numbers, booleans, text, times, or lists of one length of them. pandas converts other \
                 columns: df[{}] = …",
                quoted(&self.name)
            ),
        }
    }

    /// Calls `take` with the first row of each block of `rows`, the values in a row, the values of all rows of the
    /// block, and the table.
    fn blocks<T: DataType>(
        &self,
        mut reader: ColumnReaderImpl<T>,
        rows: Range<usize>,
        take: impl Fn(usize, usize, &[Option<T::T>], &mut Builder),
        table: &mut Builder,
    ) -> Result<()> {
        let length = self.columns.len();
        let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
        let mut row = rows.start;
        while row < rows.end {
            defined.clear();
            repeated.clear();
            values.clear();
            // Lists of many values in smaller blocks.
            let most = (BLOCK / length).clamp(1, rows.end - row);
            let (count, _, levels) =
                reader.read_records(most, Some(&mut defined), Some(&mut repeated), &mut values)?;
            ensure!(count > 0, "the file is damaged: it ends after row {row}");
            let mut found = values.drain(..).peekable();
            let mut cells: Vec<Option<T::T>> = Vec::with_capacity(count * length);
            if self.defined == 0 {
                cells.extend(found.map(Some));
            } else {
                if self.list {
                    self.check(row, &defined, &repeated[..levels], length)?;
                }
                let is_there = |&level: &i16| level == self.defined;
                cells.extend(defined.iter().map(|level| found.next_if(|_| is_there(level))));
            }
            ensure!(
                cells.len() == count * length,
                "the file is damaged: row {row} has other values"
            );
            take(row, length, &cells, table);
            row += count;
        }
        Ok(())
    }

    /// Checks that all lists from row `first` on have `length` elements.
    fn check(&self, first: usize, defined: &[i16], repeated: &[i16], length: usize) -> Result<()> {
        let (mut row, mut found) = (first, 0);
        let wrong = |row: usize, found: usize| {
            anyhow::anyhow!(
                "row {row} (counted from 0) has a list of {found} values, but row 0 has {length}: expected lists of the \
                 same length"
            )
        };
        for (k, (&level, &repeated)) in defined.iter().zip(repeated).enumerate() {
            if repeated == 0 && k > 0 {
                ensure!(found == length, wrong(row, found));
                (row, found) = (row + 1, 0);
            }
            found += usize::from(level + 1 >= self.defined);
        }
        ensure!(found == length, wrong(row, found));
        Ok(())
    }
}

impl Kind {
    fn of(column: &ColumnDescriptor) -> Self {
        match (column.physical_type(), column.logical_type_ref()) {
            (Type::BOOLEAN, _) => Self::Word,
            (Type::FLOAT | Type::DOUBLE, _) => Self::Number,
            (Type::INT32, Some(LogicalType::Date)) => Self::Time(1.0 / 86_400.0),
            (Type::INT64, Some(LogicalType::Timestamp(time))) => Self::Time(match time.unit {
                TimeUnit::MILLIS => 1e3,
                TimeUnit::MICROS => 1e6,
                TimeUnit::NANOS => 1e9,
            }),
            (Type::INT32 | Type::INT64, Some(LogicalType::Integer(integer)))
                if !integer.is_signed =>
            {
                Self::Unsigned
            }
            (Type::INT32 | Type::INT64, None | Some(LogicalType::Integer(_))) => Self::Number,
            (Type::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Float16)) => Self::Half,
            (Type::BYTE_ARRAY, None | Some(LogicalType::String)) => Self::Text,
            _ => Self::Other,
        }
    }
}
