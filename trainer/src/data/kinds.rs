//! What the data columns can hold: whole numbers and bounds. The model's file keeps it, and samples are made such.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::categories::{Category, FIRST};
use super::columns::{array_and_number, places_of};
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

/// What the rows hold in a column.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    least: f32,
    most: f32,
    /// The first value that is no whole number, or too large to be one.
    odd: Option<f32>,
}

impl Seen {
    /// Returns what `parts` (`[n, D]` each, in the user's units) hold in each column.
    pub fn of(parts: &[&Matrix], columns: usize) -> Vec<Self> {
        let mut all = vec![Self { least: f32::MAX, most: f32::MIN, odd: None }; columns];
        for part in parts {
            for row in 0..part.rows() {
                for (seen, &value) in all.iter_mut().zip(part.row(row)) {
                    (seen.least, seen.most) = (seen.least.min(value), seen.most.max(value));
                    if seen.odd.is_none() && (value.fract() != 0.0 || value.abs() >= MOST_WHOLE) {
                        seen.odd = Some(value);
                    }
                }
            }
        }
        all
    }

    fn is_share(&self) -> bool {
        self.least >= 0.0 && self.most <= 1.0 && (self.least == 0.0 || self.most == 1.0)
    }
}

impl Kinds {
    /// Finds the kinds of the columns called `names`, and checks that the values `seen` in them fit. In windows, `names` are
    /// those of a frame's columns, once for each frame. A user's name is a column's, in all frames, or an array's. Whole
    /// numbers get the least and the greatest value as bounds, unless the user gives others.
    ///
    /// # Errors
    ///
    /// Returns an error that names the column and a value that does not fit, or for a column that is not there.
    pub fn of(
        options: KindOptions<'_>,
        names: &[String],
        categories: &[Category],
        seen: &[Seen],
    ) -> Result<Self> {
        let KindOptions { integer, bounds, positive } = options;
        let mut kinds = vec![Kind::default(); names.len()];
        for (category, number) in categories.iter().zip(FIRST..) {
            category.columns.clone().for_each(|column| kinds[column].category = number);
        }
        let is_number: Vec<bool> = kinds.iter().map(|kind| kind.category == 0).collect();
        let find = |flag: &str, name: &str| -> Result<Vec<usize>> {
            let mut found = places_of(names.iter().map(String::as_str), name);
            found.retain(|&column| is_number[column]);
            if found.is_empty() {
                let numbers = names.iter().zip(&is_number).filter(|(_, number)| **number);
                let mut numbers: Vec<&String> = numbers.map(|(name, _)| name).collect();
                let mut known = HashSet::new();
                numbers.retain(|name| known.insert(*name));
                bail!(
                    "{flag} {}: there is no such data column: expected one of {}",
                    shortened(name),
                    listed(&numbers)
                );
            }
            Ok(found)
        };
        for Bounds { column: name, least, most } in bounds {
            for column in find("--bounds", name)? {
                let kind = &mut kinds[column];
                ensure!(
                    *kind == Kind::default(),
                    "--bounds {}: the column is given twice",
                    shortened(name)
                );
                (kind.least, kind.most) = (least.unwrap_or(f32::MIN), most.unwrap_or(f32::MAX));
                let Seen { least, most, .. } = seen[column];
                let outside =
                    [least, most].into_iter().find(|x| !(kind.least..=kind.most).contains(x));
                if let Some(value) = outside {
                    bail!(
                        "--bounds {}: the data have {value}: give wider bounds, or leave them out",
                        shortened(name)
                    );
                }
            }
        }
        for name in positive {
            for column in find("--positive", name)? {
                let (kind, least) = (&mut kinds[column], seen[column].least);
                ensure!(
                    kind.least == f32::MIN,
                    "--positive {}: the column has a least value from --bounds too: give one of them",
                    shortened(name)
                );
                ensure!(
                    least > 0.0,
                    "--positive {}: expected values above 0, found {least}: leave it out, or give --bounds",
                    shortened(name)
                );
                kind.least = least;
            }
        }
        for name in integer {
            for column in find("--integer", name)? {
                let (kind, Seen { least, most, odd }) = (&mut kinds[column], seen[column]);
                if let Some(value) = odd {
                    let below = if value.fract() == 0.0 { " below 8388608" } else { "" };
                    bail!(
                        "--integer {}: expected whole numbers{below}, found {value}",
                        shortened(name)
                    );
                }
                kind.whole = true;
                kind.least = if kind.least == f32::MIN { least } else { kind.least.ceil() };
                kind.most = if kind.most == f32::MAX { most } else { kind.most.floor() };
            }
        }
        let none = kinds.iter().all(|kind| *kind == Kind::default());
        Ok(Self(if none { Vec::new() } else { kinds }))
    }

    /// Returns a note that proposes kinds for the columns `names`, as in [`Self::of`], that hold whole numbers or shares
    /// and have no kind.
    pub fn proposal(&self, names: &[String], seen: &[Seen]) -> Option<String> {
        let has_kind =
            |column: usize| self.0.get(column).is_some_and(|kind| *kind != Kind::default());
        let varies = |column: usize| seen[column].least < seen[column].most;
        let free = (0..names.len()).filter(|&column| !has_kind(column) && varies(column));
        let (whole, others): (Vec<usize>, Vec<usize>) = free.partition(|&c| seen[c].odd.is_none());
        let shares: Vec<usize> = others.into_iter().filter(|&c| seen[c].is_share()).collect();
        let (whole, shares) = (named(names, &whole), named(names, &shares));
        let mut proposals = Vec::new();
        if !whole.is_empty() {
            let verb = if whole.len() == 1 { "holds" } else { "hold" };
            let flag = if whole.len() > MOST_PROPOSED { "COLUMNS".into() } else { whole.join(",") };
            proposals.push(format!(
                "{} {verb} only whole numbers, but samples will have fractions: --integer {flag} rounds them",
                listed(&whole)
            ));
        }
        if !shares.is_empty() {
            let verb = if shares.len() == 1 { "is" } else { "are" };
            let flags: Vec<String> =
                shares.iter().map(|name| format!("--bounds {name}=0,1")).collect();
            let flags = if shares.len() > MOST_PROPOSED {
                "--bounds COLUMN=0,1".to_string()
            } else {
                flags.join(" ")
            };
            proposals.push(format!(
                "{} {verb} from 0 to 1, but samples may not be: {flags} keeps them there",
                listed(&shares)
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

/// The most columns that a note names in a flag.
const MOST_PROPOSED: usize = 10;

/// Returns the names of `columns`, each once, and an array's name where all its columns are among them.
fn named(names: &[String], columns: &[usize]) -> Vec<String> {
    let mut of_array: HashMap<&str, [usize; 2]> = HashMap::new();
    for name in names {
        of_array.entry(array_and_number(name).0).or_default()[0] += 1;
    }
    for &column in columns {
        of_array.entry(array_and_number(&names[column]).0).or_default()[1] += 1;
    }
    let mut known = HashSet::new();
    let name = |&column: &usize| {
        let (array, _) = array_and_number(&names[column]);
        let [all, found] = of_array.get(array).copied().unwrap_or_default();
        if all == found { array } else { names[column].as_str() }
    };
    let all = columns.iter().map(name).filter(|name| known.insert(*name));
    all.map(str::to_string).collect()
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
        Kinds::of(options, &names(), &[], &Seen::of(&[&data()], 3))
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
        let proposal =
            of(&[], &[], &[]).unwrap().proposal(&names(), &Seen::of(&[&data()], 3)).unwrap();
        assert!(proposal.contains("--integer age") && proposal.contains("--bounds share=0,1"));
        let kinds = of(&["age"], &["share=0,1"], &[]).unwrap();
        assert_eq!(kinds.proposal(&names(), &Seen::of(&[&data()], 3)), None);
    }

    #[test]
    fn an_array_is_named_as_a_whole_and_a_category_is_no_number() {
        let strings =
            |names: &[&str]| names.iter().map(|name| (*name).to_string()).collect::<Vec<_>>();
        let names = strings(&["a.0", "a.1", "b.0", "b.1", "sex=f", "sex=m"]);
        let rows = vec![1.0, 2.0, 3.0, 0.5, 1.0, 0.0, 2.0, 3.0, 4.0, 1.5, 0.0, 1.0];
        let seen = Seen::of(&[&Matrix::new(rows, 2, 6)], 6);
        let category = Category { name: "sex".into(), values: strings(&["f", "m"]), columns: 4..6 };
        let kinds = |integer: &[String]| {
            let options = KindOptions { integer, ..KindOptions::default() };
            Kinds::of(options, &names, std::slice::from_ref(&category), &seen)
        };
        let none = kinds(&[]).unwrap();
        let proposal = none.proposal(&names, &seen).unwrap();
        assert!(proposal.contains("--integer a,b.0 rounds"), "{proposal}");
        let whole = kinds(&strings(&["a"])).unwrap();
        let whole: Vec<bool> = whole.columns().iter().map(|kind| kind.whole).collect();
        assert_eq!(whole, [true, true, false, false, false, false]);
        let error = kinds(&strings(&["sex=m"])).unwrap_err().to_string();
        assert!(error.ends_with("expected one of a.0, a.1, b.0, b.1"), "{error}");
        let many: Vec<String> = (0..784).map(|k| format!("x{k}")).collect();
        let rows = (0..2 * 784).map(|k| k as f32).collect();
        let seen = Seen::of(&[&Matrix::new(rows, 2, 784)], 784);
        let proposal = Kinds::default().proposal(&many, &seen).unwrap();
        assert!(proposal.len() < 300 && proposal.contains("--integer COLUMNS"), "{proposal}");
    }
}
