//! What a table's file does not say itself, if it cannot be found out.

use serde::{Deserialize, Serialize};

/// How a command reads tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Tables")]
pub struct TableOptions {
    /// What separates the cells of a text file [default: found out]
    #[arg(long, value_enum, value_name = "CHARACTER")]
    pub separator: Option<Separator>,
    /// Decimal sign of a text file [default: found out]
    #[arg(long, value_enum, value_name = "CHARACTER")]
    pub decimal: Option<Decimal>,
}

impl TableOptions {
    /// Returns these options, and those of `other` where these leave a choice open.
    pub fn or(self, other: Self) -> Self {
        let (separator, decimal) =
            (self.separator.or(other.separator), self.decimal.or(other.decimal));
        Self { separator, decimal }
    }
}

/// What separates the cells of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Separator {
    /// A comma
    #[value(name = ",", alias = "comma")]
    #[serde(rename = ",")]
    Comma,
    /// A semicolon
    #[value(name = ";", alias = "semicolon")]
    #[serde(rename = ";")]
    Semicolon,
    /// A tab
    #[value(name = "tab", aliases = ["\t", "\\t"])]
    #[serde(rename = "tab")]
    Tab,
    /// A vertical bar
    #[value(name = "|", alias = "bar")]
    #[serde(rename = "|")]
    Bar,
    /// Any number of spaces and tabs
    #[value(name = "space", alias = " ")]
    #[serde(rename = "space")]
    Space,
}

impl Separator {
    /// Returns its name in a sentence.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Comma => "commas",
            Self::Semicolon => "semicolons",
            Self::Tab => "tabs",
            Self::Bar => "bars (|)",
            Self::Space => "spaces",
        }
    }

    /// Returns its byte. Spaces become tabs while a file is read.
    pub(super) fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab | Self::Space => b'\t',
            Self::Bar => b'|',
        }
    }
}

/// The decimal sign of a text file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Decimal {
    /// 1.5
    #[default]
    #[value(name = ".", alias = "point")]
    #[serde(rename = ".")]
    Point,
    /// 1,5
    #[value(name = ",", alias = "comma")]
    #[serde(rename = ",")]
    Comma,
}

/// What becomes of a nameless first column that numbers the rows, as pandas writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Index {
    /// It is left out
    #[default]
    Drop,
    /// It is a column like others
    Keep,
}
