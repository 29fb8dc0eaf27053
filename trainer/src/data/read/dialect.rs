//! Finds out what separates the cells of a text file, and its decimal sign, from its first lines. A reading is
//! taken only if it is the only one; otherwise the user chooses.

use anyhow::{Result, bail};

use crate::data::notation::{has_thousands, is_number, thousands};
use crate::data::table::{Cell, parse};
use crate::data::table_options::{Decimal, Separator, TableOptions};

/// The most bytes at the start of a file, and the most lines of them, that are looked at.
pub(super) const SAMPLE: usize = 1 << 16;
const LINES: usize = 100;

/// How a text file is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dialect {
    pub(super) separator: Separator,
    pub(super) decimal: Decimal,
    /// The lines of comments, which start with `#`, before the first row.
    pub(super) comments: usize,
}

/// The first lines of a text file.
pub(super) struct Sample {
    /// Lines that start with `#`, without it.
    comments: Vec<String>,
    rows: Vec<String>,
}

impl Sample {
    /// Takes the whole lines of the bytes at the start of a file, up to one in which a quoted cell does not end.
    pub(super) fn of(start: &[u8]) -> Self {
        let end = if start.len() < SAMPLE {
            start.len()
        } else {
            start.iter().rposition(|byte| *byte == b'\n').unwrap_or(0)
        };
        let text = String::from_utf8_lossy(&start[..end]);
        let lines = text.trim_start_matches('\u{feff}').split('\n');
        let mut lines = lines.map(|line| line.strip_suffix('\r').unwrap_or(line)).peekable();
        let mut comments = Vec::new();
        while let Some(comment) = lines.peek().and_then(|line| line.strip_prefix('#')) {
            comments.push(comment.trim().to_string());
            lines.next();
        }
        let rows = lines
            .filter(|line| !line.trim().is_empty())
            .take_while(|line| line.matches('"').count().is_multiple_of(2))
            .take(LINES)
            .map(str::to_string)
            .collect();
        Self { comments, rows }
    }

    /// Whether the row of names starts with `#`, if the comments before it are `comments` lines.
    pub(super) fn names_are_a_comment(&self, comments: usize) -> bool {
        self.comments.len() > comments
    }

    /// Returns the cells of the first lines that are no comments.
    pub(super) fn rows(&self, separator: Separator) -> impl Iterator<Item = Vec<&str>> {
        self.rows.iter().map(move |line| cells(line, separator))
    }
}

/// Finds out how a file is read whose cells are usually separated by `usual`, unless `options` say it.
///
/// # Errors
///
/// Returns an error that names the flags if several readings are possible, or a number has marks for thousands.
pub(super) fn find(sample: &Sample, usual: Separator, options: TableOptions) -> Result<Dialect> {
    let separator = match options.separator {
        Some(separator) => separator,
        None => separator(sample, usual, options.decimal)?,
    };
    let decimal = match options.decimal {
        Some(decimal) => decimal,
        None if separator == Separator::Comma => Decimal::Point,
        None => decimal(sample, separator)?,
    };
    let columns = sample.rows(separator).next().map_or(0, |cells| cells.len());
    // The last comment may name the columns.
    let named = sample
        .comments
        .last()
        .is_some_and(|last| columns == 0 || cells(last, separator).len() == columns);
    Ok(Dialect { separator, decimal, comments: sample.comments.len() - usize::from(named) })
}

const ALL: [Separator; 5] =
    [Separator::Comma, Separator::Semicolon, Separator::Tab, Separator::Bar, Separator::Space];

fn separator(sample: &Sample, usual: Separator, decimal: Option<Decimal>) -> Result<Separator> {
    let even = |separator: Separator| {
        let mut counts = sample.rows(separator).map(|cells| cells.len());
        let first = counts.next().unwrap_or(0);
        first > 1 && counts.all(|count| count == first)
    };
    let mut clean: Vec<Separator> = ALL
        .into_iter()
        .filter(|&separator| even(separator) && is_clean(sample, separator, decimal))
        .collect();
    // Single tabs are spaces, too.
    if clean.contains(&Separator::Tab) {
        clean.retain(|&separator| separator != Separator::Space);
    }
    match clean.as_slice() {
        [one] => Ok(*one),
        [] => {
            let others =
                ALL.into_iter().filter(|&other| other != usual && other != Separator::Space);
            match others.into_iter().find(|&other| even(other)) {
                Some(other) if !even(usual) && sample.rows.len() > 1 => bail!(
                    "the cells may be separated by {}, but some have {} in them: say how to read the file with \
                     --separator and --decimal",
                    other.name(),
                    usual.name()
                ),
                _ => Ok(usual),
            }
        }
        [one, other, ..] => bail!(
            "the cells may be separated by {} or by {}: say which with --separator",
            one.name(),
            other.name()
        ),
    }
}

/// Whether no cell could be split further by another separator.
fn is_clean(sample: &Sample, separator: Separator, decimal: Option<Decimal>) -> bool {
    sample.rows(separator).enumerate().all(|(row, cells)| {
        cells.iter().all(|cell| {
            let cell = cell.trim();
            if cell.starts_with('"') {
                return true;
            }
            // Text may have spaces, so only numbers are separated by them.
            if separator == Separator::Space && row > 0 && !is_value(cell) {
                return false;
            }
            let others = [',', ';', '\t', '|']
                .into_iter()
                .filter(|other| u32::from(*other) != u32::from(separator.byte()));
            let mut found = others.filter(|other| cell.contains(*other));
            match found.next() {
                None => true,
                Some(',') if separator != Separator::Comma && decimal != Some(Decimal::Point) => {
                    found.next().is_none() && (is_number(cell, ',') || has_thousands(cell))
                }
                Some(_) => false,
            }
        })
    })
}

fn is_value(cell: &str) -> bool {
    !matches!(parse(cell), Cell::Text(_)) || is_number(cell, ',') || has_thousands(cell)
}

fn decimal(sample: &Sample, separator: Separator) -> Result<Decimal> {
    let cells = || sample.rows(separator).flatten().map(str::trim);
    if let Some(cell) = cells().find(|cell| has_thousands(cell)) {
        bail!("{}", thousands(cell));
    }
    let mut commas = cells().filter(|cell| is_number(cell, ',')).peekable();
    let Some(first) = commas.peek().copied() else { return Ok(Decimal::Point) };
    if let Some(point) = cells().find(|cell| is_number(cell, '.')) {
        bail!(
            "some numbers have decimal commas, such as {first}, others points, such as {point}: say which are \
             decimal with --decimal"
        );
    }
    if commas.all(is_thousand) {
        bail!(
            "{first} may be a number with a decimal comma or one of thousands: say --decimal , if commas are \
             decimal, or write the numbers without marks for thousands"
        );
    }
    Ok(Decimal::Comma)
}

/// Whether a cell is a number with a comma before three digits, which may be one of thousands.
fn is_thousand(cell: &str) -> bool {
    let digits = cell.trim_start_matches(['+', '-']);
    digits.split_once(',').is_some_and(|(whole, part)| {
        part.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0')
    })
}

/// Splits a line into its cells. Separators between quotation marks do not count.
fn cells(line: &str, separator: Separator) -> Vec<&str> {
    let byte = separator.byte();
    let splits = |c: char| match separator {
        Separator::Space => c == ' ' || c == '\t',
        _ => u32::from(c) == u32::from(byte),
    };
    let mut quoted = false;
    let cells = line.split(|c: char| {
        quoted ^= c == '"';
        !quoted && splits(c)
    });
    cells.filter(|cell| separator != Separator::Space || !cell.is_empty()).collect()
}
