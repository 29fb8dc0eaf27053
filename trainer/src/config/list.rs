//! Arguments that are lists of values separated by commas.

use std::convert::Infallible;
use std::str::FromStr;

/// A list of values separated by commas, parsed as a line of CSV: quotes enclose a value with a comma.
#[derive(Clone, Debug, PartialEq)]
pub struct List(pub Vec<String>);

impl FromStr for List {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let mut reader = csv::ReaderBuilder::new();
        let reader = reader.has_headers(false).trim(csv::Trim::All).from_reader(text.as_bytes());
        let record = reader.into_records().next().and_then(Result::ok).unwrap_or_default();
        Ok(Self(record.iter().map(str::to_string).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_enclose_a_value_with_a_comma() {
        let list = |text: &str| text.parse::<List>().unwrap().0;
        assert_eq!(list("x, y"), ["x", "y"]);
        assert_eq!(list("\"a,b\",3"), ["a,b", "3"]);
        assert_eq!(list("-1,,2"), ["-1", "", "2"]);
    }
}
