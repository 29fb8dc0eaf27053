//! Builds a table from the rows of text, or the blocks of numbers, that a reader delivers.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::data::decimal::parse_f32;
use crate::data::digits::Digits;
use crate::data::table::{
    Cell, Cells, Header, Labels, Lines, MISSING, Odd, Table, Use, Wanted, flag, number,
    number_text, parse,
};

/// A table that is being read. A reader of text adds rows; a reader of numbers fills a table of known size.
pub(super) struct Builder {
    wanted: Wanted,
    /// Each wanted column, and where its values are stored.
    places: BTreeSet<(usize, Place)>,
    data: Vec<f32>,
    /// The first cell of `data` that is not a finite number, and its slot in the row.
    odd: Option<(Odd, usize)>,
    others: Vec<Growing>,
    /// One entry for each data column, then one for each other column.
    digits: Vec<Digits>,
    rows: usize,
    lines: Lines,
}

/// Where the values of a column are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A column of `data`.
    Data(usize),
    /// One of the other columns.
    Other(usize),
}

/// A column that is stored separately.
enum Growing {
    Known(Cells),
    /// All cells so far are text or missing.
    Unknown {
        labels: Labels,
        first: Option<Odd>,
        first_missing: Option<Odd>,
    },
}

impl Builder {
    /// A table without rows, to which [`Self::push`] adds them.
    pub(super) fn growing(wanted: Wanted) -> Self {
        let others = wanted
            .others
            .iter()
            .map(|(_, kind)| match kind {
                Use::Numbers => Growing::numbers(Vec::new()),
                Use::Labels => Growing::labels(Labels::default()),
                Use::Either => {
                    Growing::Unknown { labels: Labels::default(), first: None, first_missing: None }
                }
            })
            .collect();
        Self::new(wanted, Vec::new(), others, 0)
    }

    /// A table of `rows` rows of numbers, which [`Self::fill`] sets.
    pub(super) fn of_numbers(wanted: Wanted, rows: usize) -> Self {
        Self::of_columns(wanted, rows, |_| false)
    }

    /// A table of `rows` rows, whose columns [`Self::fill`] sets or, if `is_text` says so, [`Self::fill_text`].
    pub(super) fn of_columns(wanted: Wanted, rows: usize, is_text: impl Fn(usize) -> bool) -> Self {
        let others = wanted
            .others
            .iter()
            .map(|&(column, kind)| match kind {
                Use::Either if !is_text(column) => Growing::numbers(vec![0.0; rows]),
                Use::Numbers => Growing::numbers(vec![0.0; rows]),
                Use::Labels | Use::Either => {
                    let mut labels = Labels::default();
                    labels.ids = vec![MISSING; rows];
                    Growing::labels(labels)
                }
            })
            .collect();
        let data = vec![0.0; rows * wanted.data.len()];
        Self::new(wanted, data, others, rows)
    }

    fn new(wanted: Wanted, data: Vec<f32>, others: Vec<Growing>, rows: usize) -> Self {
        let places =
            wanted.data.iter().enumerate().map(|(slot, &column)| (column, Place::Data(slot)));
        let separate = wanted.others.iter().enumerate();
        let places =
            places.chain(separate.map(|(k, &(column, _))| (column, Place::Other(k)))).collect();
        let digits = vec![Digits::default(); wanted.data.len() + wanted.others.len()];
        Self { wanted, places, data, odd: None, others, digits, rows, lines: Lines::default() }
    }

    /// Returns the number of rows so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the number of values that each row adds.
    pub(super) fn width(&self) -> usize {
        self.wanted.data.len() + self.wanted.others.len()
    }

    /// Makes room for `rows` rows in all, so that a large table is not copied while it grows.
    pub(super) fn reserve(&mut self, rows: usize) {
        let more = rows.saturating_sub(self.rows);
        // The number is an estimate, so a failure is ignored.
        let _ = self.data.try_reserve_exact(more.saturating_mul(self.wanted.data.len()));
        for other in &mut self.others {
            let _ = match other {
                Growing::Known(Cells::Numbers { values, .. }) => values.try_reserve_exact(more),
                Growing::Known(Cells::Labels { labels, .. }) | Growing::Unknown { labels, .. } => {
                    labels.ids.try_reserve_exact(more)
                }
            };
        }
    }

    /// Adds a row of text that starts on `line`. `cell` returns the text of a column. `known` has the value of each column
    /// if all are plain decimals, and is empty otherwise.
    pub(super) fn push<'a>(&mut self, line: u64, known: &[f32], cell: impl Fn(usize) -> &'a str) {
        let row = self.rows;
        for (slot, &column) in self.wanted.data.iter().enumerate() {
            let text = || cell(column).trim();
            let number = known.get(column).copied().or_else(|| parse_f32(text()));
            let number = number.filter(|value| value.is_finite());
            if let Some(value) = number {
                self.digits[slot].see(value, || text().parse().unwrap_or(f64::NAN));
            }
            let value = number.or_else(|| flag(text())).unwrap_or_else(|| {
                self.odd.get_or_insert_with(|| (odd(row, column, text()), slot));
                f32::NAN
            });
            self.data.push(value);
        }
        let digits = &mut self.digits[self.wanted.data.len()..];
        for ((&(column, kind), growing), digits) in
            self.wanted.others.iter().zip(&mut self.others).zip(digits)
        {
            let text = cell(column).trim();
            let parsed =
                known.get(column).map_or_else(|| parse(text), |&value| Cell::Number(value));
            let cell = match (kind, parsed) {
                (Use::Labels, cell) => cell,
                (Use::Numbers, Cell::Text(text)) => {
                    flag(text).map_or(Cell::Text(text), Cell::Number)
                }
                (_, cell) => {
                    if let Cell::Number(value) = cell {
                        digits.see(value, || text.parse().unwrap_or(f64::NAN));
                    }
                    cell
                }
            };
            growing.push(row, column, text, cell);
        }
        self.rows += 1;
        self.lines.push(line);
    }

    /// Returns where the values of the wanted ones among `columns` are stored.
    pub(super) fn places(&self, columns: Range<usize>) -> Vec<(usize, Place)> {
        self.places
            .range((columns.start, Place::Data(0))..(columns.end, Place::Data(0)))
            .copied()
            .collect()
    }

    /// Sets the cells of `column` from the row `first` on to `values`.
    pub(super) fn fill(
        &mut self,
        place: Place,
        column: usize,
        first: usize,
        values: impl Iterator<Item = f64>,
    ) {
        match place {
            Place::Data(slot) => {
                let width = self.wanted.data.len();
                let digits = &mut self.digits[slot];
                for (row, wide) in (first..).zip(values) {
                    let narrow = finite(wide);
                    digits.see(narrow, || wide);
                    self.data[row * width + slot] = narrow;
                    // Columns arrive in any order. The first cell is that of the first row and slot.
                    if narrow.is_nan()
                        && self
                            .odd
                            .as_ref()
                            .is_none_or(|(odd, other)| (row, slot) < (odd.row, *other))
                    {
                        self.odd = Some((odd_number(row, column, wide), slot));
                    }
                }
            }
            Place::Other(k) => {
                let other = &mut self.others[k];
                let digits = &mut self.digits[self.wanted.data.len() + k];
                let numbers = self.wanted.others[k].1 != Use::Labels;
                for (row, wide) in (first..).zip(values) {
                    other.set(row, column, wide);
                    if numbers {
                        digits.see(finite(wide), || wide);
                    }
                }
            }
        }
    }

    /// Sets the cells of `column`, which is text, from the row `first` on to `values`. `None` is a missing cell.
    #[cfg(feature = "parquet")]
    pub(super) fn fill_text(
        &mut self,
        place: Place,
        column: usize,
        first: usize,
        values: impl Iterator<Item = Option<String>>,
    ) {
        for (row, text) in (first..).zip(values) {
            let text = text.unwrap_or_default();
            let text = text.trim();
            let cell = match parse(text) {
                Cell::Text(text) => flag(text).map_or(Cell::Text(text), Cell::Number),
                cell => cell,
            };
            match place {
                Place::Data(slot) => {
                    let narrow = if let Cell::Number(value) = cell { value } else { f32::NAN };
                    self.data[row * self.wanted.data.len() + slot] = narrow;
                    let earlier = |(odd, other): &(Odd, usize)| (odd.row, *other) <= (row, slot);
                    if narrow.is_nan() && !self.odd.as_ref().is_some_and(earlier) {
                        self.odd = Some((odd(row, column, text), slot));
                    }
                }
                Place::Other(k) => {
                    let Growing::Known(cells) = &mut self.others[k] else { continue };
                    let right = match cells {
                        Cells::Numbers { values, .. } => {
                            values[row] =
                                if let Cell::Number(value) = cell { value } else { f32::NAN };
                            !values[row].is_nan()
                        }
                        Cells::Labels { labels, .. } => {
                            labels.ids[row] =
                                if cell == Cell::Missing { MISSING } else { labels.id(text) };
                            cell != Cell::Missing
                        }
                    };
                    let (Cells::Numbers { odd: found, .. } | Cells::Labels { odd: found, .. }) =
                        cells;
                    if !right && found.as_ref().is_none_or(|found| row < found.row) {
                        *found = Some(odd(row, column, text));
                    }
                }
            }
        }
    }

    /// Returns the table.
    pub(super) fn finish(self, header: Header) -> Table {
        let Self { wanted, data, odd, others, digits, rows, lines, .. } = self;
        let columns = wanted.data.iter().chain(wanted.others.iter().map(|(column, _)| column));
        let lost =
            columns.zip(&digits).find_map(|(&column, digits)| Some((column, digits.lost()?)));
        let others = others.into_iter().map(|growing| growing.finish(rows)).collect();
        Table { header, rows, data, odd: odd.map(|(odd, _)| odd), others, lines, lost }
    }
}

impl Growing {
    fn numbers(values: Vec<f32>) -> Self {
        Self::Known(Cells::Numbers { values, odd: None })
    }

    fn labels(labels: Labels) -> Self {
        Self::Known(Cells::Labels { labels, odd: None })
    }

    /// Adds the cell of a row, whose text is `text`.
    fn push(&mut self, row: usize, column: usize, text: &str, cell: Cell<'_>) {
        if let (Self::Unknown { first, .. }, Cell::Number(_)) = (&mut *self, cell) {
            // The first number: earlier cells, which are text or missing, do not suit it.
            let (values, odd) = (vec![f32::NAN; row], first.take());
            *self = Self::Known(Cells::Numbers { values, odd });
        }
        let odd = || odd(row, column, text);
        match self {
            Self::Known(Cells::Numbers { values, odd: found }) => {
                let Cell::Number(value) = cell else {
                    found.get_or_insert_with(odd);
                    values.push(f32::NAN);
                    return;
                };
                values.push(value);
            }
            Self::Known(Cells::Labels { labels, odd: missing })
            | Self::Unknown { labels, first_missing: missing, .. } => {
                let text = (cell != Cell::Missing).then_some(text);
                if text.is_none() {
                    missing.get_or_insert_with(odd);
                }
                labels.push(text);
            }
        }
        if let Self::Unknown { first, .. } = self {
            first.get_or_insert_with(odd);
        }
    }

    /// Sets the cell of a row of a column of numbers.
    fn set(&mut self, row: usize, column: usize, wide: f64) {
        let Self::Known(cells) = self else { unreachable!("a table of numbers has no text") };
        let narrow = finite(wide);
        let (Cells::Numbers { odd, .. } | Cells::Labels { odd, .. }) = cells;
        if narrow.is_nan() && odd.as_ref().is_none_or(|odd| row < odd.row) {
            *odd = Some(odd_number(row, column, wide));
        }
        match cells {
            Cells::Numbers { values, .. } => values[row] = narrow,
            Cells::Labels { labels, .. } => {
                labels.ids[row] =
                    if narrow.is_nan() { MISSING } else { labels.id(&number_text(wide)) };
            }
        }
    }

    fn finish(self, rows: usize) -> Cells {
        match self {
            Self::Known(cells) => cells,
            Self::Unknown { labels, first, .. } if labels.names.is_empty() => {
                Cells::Numbers { values: vec![f32::NAN; rows], odd: first }
            }
            Self::Unknown { labels, first_missing, .. } => {
                Cells::Labels { labels, odd: first_missing }
            }
        }
    }
}

/// Returns a number as it is stored: NaN if it is not finite as an f32.
fn finite(wide: f64) -> f32 {
    if let Cell::Number(value) = number(wide as f32) { value } else { f32::NAN }
}

fn odd(row: usize, column: usize, text: &str) -> Odd {
    Odd { row, column, text: text.to_string(), missing: parse(text) == Cell::Missing }
}

fn odd_number(row: usize, column: usize, wide: f64) -> Odd {
    Odd { row, column, text: number_text(wide), missing: true }
}
