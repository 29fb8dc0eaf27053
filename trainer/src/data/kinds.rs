//! What the data columns can hold: whole numbers and bounds. The model's file keeps it, and samples are made such.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::categories::{Category, FIRST};
use super::matrix::Matrix;
use crate::disk::quote::{listed, shortened};

/// What the user says of the data columns.
#[derive(Clone, Copy, Debug, Default)]
pub struct KindOptions<'a> {
    /// Columns of whole numbers.
    pub integer: &'a [String],
    /// Columns with bounds.
    pub bounds: &'a [Bounds],
    /// Columns whose values are above 0.
    pub positive: &'a [String],
}

/// The bounds of a column: `share=0,1`. Either may be left out: `age=0,`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bounds {
    /// The column's name.
    pub column: String,
    /// The least value.
    pub least: Option<f32>,
    /// The greatest value.
    pub most: Option<f32>,
}

impl FromStr for Bounds {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected = || {
            format!("found {text:?}: expected COLUMN=LEAST,MOST, for example share=0,1 or price=0,")
        };
        let (column, bounds) = text.rsplit_once('=').with_context(expected)?;
        let (least, most) = bounds.split_once(',').with_context(expected)?;
        let bound = |text: &str| -> Result<Option<f32>> {
            match text.trim() {
                "" => Ok(None),
                number => {
                    let number: f32 = number.parse().ok().with_context(expected)?;
                    ensure!(number.is_finite(), expected());
                    Ok(Some(number))
                }
            }
        };
        let (least, most) = (bound(least)?, bound(most)?);
        ensure!(least.is_some() || most.is_some(), expected());
        if let (Some(least), Some(most)) = (least, most) {
            ensure!(least < most, "{text}: expected a least value below the greatest one");
        }
        Ok(Self { column: column.trim().to_string(), least, most })
    }
}

impl TryFrom<String> for Bounds {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |bound: Option<f32>| bound.map_or(String::new(), |bound| bound.to_string());
        write!(f, "{}={},{}", self.column, number(self.least), number(self.most))
    }
}

impl From<Bounds> for String {
    fn from(bounds: Bounds) -> Self {
        bounds.to_string()
    }
}

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kind {
    /// Whether it holds whole numbers alone.
    pub whole: bool,
    /// Its least value, or the lowest float.
    pub least: f32,
    /// Its greatest value, or the greatest float.
    pub most: f32,
    /// The number of the category that it is a value of, from [`FIRST`] on; 0 for none.
    pub category: u16,
}

impl Default for Kind {
    fn default() -> Self {
        Self { whole: false, least: f32::MIN, most: f32::MAX, category: 0 }
    }
}

/// What each data column can hold, `[D]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kinds(Vec<Kind>);

/// From here on a float has no fraction bits, and neighbours of a whole number are further than 1.
const MOST_WHOLE: f32 = 8_388_608.0;

impl Kinds {
    /// Finds the kinds of the columns called `names`, and checks that the values of `parts` (`[n, D]` each, in the user's
    /// units) are such. Whole numbers get the least and the greatest value as bounds, unless the user gives others.
    ///
    /// # Errors
    ///
    /// Returns an error that names the column and its value if a value is not such, or for a column that is not there.
    pub fn of(
        options: KindOptions<'_>,
        names: &[String],
        categories: &[Category],
        parts: &[&Matrix],
    ) -> Result<Self> {
        let KindOptions { integer, bounds, positive } = options;
        let mut kinds = vec![Kind::default(); names.len()];
        for (category, number) in categories.iter().zip(FIRST..) {
            category.columns.clone().for_each(|column| kinds[column].category = number);
        }
        let find = |flag: &str, name: &str| {
            names.iter().position(|column| column == name).with_context(|| {
                format!(
                    "{flag} {}: there is no such data column: expected one of {}",
                    shortened(name),
                    listed(names)
                )
            })
        };
        for Bounds { column, least, most } in bounds {
            let kind = &mut kinds[find("--bounds", column)?];
            ensure!(
                *kind == Kind::default(),
                "--bounds {}: the column is given twice",
                shortened(column)
            );
            (kind.least, kind.most) = (least.unwrap_or(f32::MIN), most.unwrap_or(f32::MAX));
        }
        for name in positive {
            let column = find("--positive", name)?;
            ensure!(
                kinds[column].least == f32::MIN,
                "--positive {}: the column has a least value from --bounds too: give one of them",
                shortened(name)
            );
            let [least, _] = range(parts, column);
            ensure!(
                least > 0.0,
                "--positive {}: expected values above 0, found {least}: leave it out, or give --bounds",
                shortened(name)
            );
            kinds[column].least = least;
        }
        for name in integer {
            let column = find("--integer", name)?;
            let wrong = values(parts, column)
                .find(|value| value.fract() != 0.0 || value.abs() >= MOST_WHOLE);
            if let Some(value) = wrong {
                let why = if value.fract() == 0.0 {
                    "whole numbers below 8388608"
                } else {
                    "whole numbers"
                };
                bail!("--integer {}: expected {why}, found {value}", shortened(name));
            }
            let kind = &mut kinds[column];
            let [least, most] = range(parts, column);
            kind.whole = true;
            kind.least = if kind.least == f32::MIN { least } else { kind.least.ceil() };
            kind.most = if kind.most == f32::MAX { most } else { kind.most.floor() };
        }
        for (column, kind) in kinds.iter().enumerate() {
            let outside =
                values(parts, column).find(|value| !(kind.least..=kind.most).contains(value));
            if let Some(value) = outside {
                bail!(
                    "--bounds {}: the data have {value}: give wider bounds, or leave them out",
                    shortened(&names[column])
                );
            }
        }
        Ok(if kinds.iter().all(|kind| *kind == Kind::default()) {
            Self::default()
        } else {
            Self(kinds)
        })
    }

    /// Returns a note that proposes kinds for the columns `names` that hold few whole numbers or shares, and have none.
    pub fn proposal(&self, names: &[String], parts: &[&Matrix]) -> Option<String> {
        let (mut whole, mut shares) = (Vec::new(), Vec::new());
        for (column, name) in names.iter().enumerate() {
            if self.0.get(column).is_some_and(|kind| *kind != Kind::default()) {
                continue;
            }
            let [least, most] = range(parts, column);
            let all_whole = || {
                values(parts, column).all(|value| value.fract() == 0.0 && value.abs() < MOST_WHOLE)
            };
            if least == most || whole.contains(name) || shares.contains(name) {
                // Constant, or another frame of the same column.
            } else if all_whole() {
                whole.push(name.clone());
            } else if least >= 0.0 && most <= 1.0 && (least == 0.0 || most == 1.0) {
                shares.push(name.clone());
            }
        }
        let mut proposals = Vec::new();
        if !whole.is_empty() {
            proposals.push(format!(
                "{} {} whole numbers, and samples will not: --integer {} makes them such",
                listed(&whole),
                if whole.len() == 1 { "holds" } else { "hold" },
                whole.join(",")
            ));
        }
        if !shares.is_empty() {
            let flags: Vec<String> =
                shares.iter().map(|name| format!("--bounds {name}=0,1")).collect();
            proposals.push(format!(
                "{} {} from 0 to 1, and samples may not be: {} keeps them there",
                listed(&shares),
                if shares.len() == 1 { "is" } else { "are" },
                flags.join(" ")
            ));
        }
        (!proposals.is_empty()).then(|| proposals.join("; "))
    }

    /// Whether no column has a kind.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The kinds, `[D]`; none if no column has one.
    pub fn columns(&self) -> &[Kind] {
        &self.0
    }
}

fn values<'a>(parts: &'a [&Matrix], column: usize) -> impl Iterator<Item = f32> + 'a {
    parts.iter().flat_map(move |part| (0..part.rows()).map(move |row| part.row(row)[column]))
}

/// The least and the greatest value of a column.
fn range(parts: &[&Matrix], column: usize) -> [f32; 2] {
    values(parts, column)
        .fold([f32::MAX, f32::MIN], |[least, most], value| [least.min(value), most.max(value)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["age", "share", "price"].map(str::to_string).to_vec()
    }

    fn data() -> Matrix {
        Matrix::new(vec![3.0, 0.0, 0.5, 1.0, 0.25, 9.5, 7.0, 1.0, 2.0], 3, 3)
    }

    fn of(integer: &[&str], bounds: &[&str], positive: &[&str]) -> Result<Kinds> {
        let strings =
            |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect::<Vec<_>>();
        let bounds: Vec<Bounds> = bounds.iter().map(|text| text.parse().unwrap()).collect();
        let (integer, positive) = (strings(integer), strings(positive));
        let options = KindOptions { integer: &integer, bounds: &bounds, positive: &positive };
        Kinds::of(options, &names(), &[], &[&data()])
    }

    #[test]
    fn whole_numbers_keep_to_the_data_and_prices_above_zero() {
        let kinds = of(&["age"], &["share=0,1"], &["price"]).unwrap();
        let kind = |whole, least, most| Kind { whole, least, most, category: 0 };
        assert_eq!(
            kinds.columns(),
            [kind(true, 1.0, 7.0), kind(false, 0.0, 1.0), kind(false, 0.5, f32::MAX)]
        );
        let given = of(&["age"], &["age=0.5,"], &[]).unwrap();
        assert_eq!(given.columns()[0], kind(true, 1.0, 7.0));
        assert!(of(&[], &[], &[]).unwrap().is_empty());
    }

    #[test]
    fn what_does_not_fit_the_data_is_named() {
        for (found, expected) in [
            (of(&["share"], &[], &[]), "--integer share: expected whole numbers, found 0.25"),
            (
                of(&["size"], &[], &[]),
                "there is no such data column: expected one of age, share, price",
            ),
            (of(&[], &["price=1,"], &[]), "--bounds price: the data have 0.5"),
            (of(&[], &["age=0,9", "age=,10"], &[]), "given twice"),
            (of(&[], &[], &["share"]), "--positive share: expected values above 0, found 0"),
            (of(&[], &["price=0.1,"], &["price"]), "give one of them"),
        ] {
            let error = found.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        for text in ["share", "share=1", "share=,", "share=a,1", "share=1,0", "share=0,inf"] {
            assert!(text.parse::<Bounds>().is_err(), "{text}");
        }
        for text in ["share=0,1", "a=b=0.5,", "x=,-3"] {
            assert_eq!(text.parse::<Bounds>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn kinds_are_proposed_where_the_data_suggest_them() {
        let proposal = of(&[], &[], &[]).unwrap().proposal(&names(), &[&data()]).unwrap();
        assert!(proposal.contains("--integer age") && proposal.contains("--bounds share=0,1"));
        let kinds = of(&["age"], &["share=0,1"], &[]).unwrap();
        assert_eq!(kinds.proposal(&names(), &[&data()]), None);
    }
}
