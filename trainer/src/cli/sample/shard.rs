//! Parts of a sampling run, which several machines can share.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use anyhow::{Context, Error, Result, ensure};

/// Part `index` of `count`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shard {
    index: u64,
    count: u64,
}

impl Shard {
    /// The whole run as a single part.
    pub(super) const WHOLE: Self = Self { index: 0, count: 1 };

    /// Returns the rows of this part, of `n` rows. The lengths of two parts differ by at most one row.
    pub(super) fn rows(self, n: u64) -> Range<u64> {
        // The result is at most `n`, so it fits into 64 bits.
        let bound =
            |index: u64| (u128::from(n) * u128::from(index) / u128::from(self.count)) as u64;
        bound(self.index)..bound(self.index + 1)
    }
}

impl FromStr for Shard {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let expected =
            || format!("{text:?}: expected i/k: part i of k, counted from 0, as in 0/64");
        let (index, count) = text.split_once('/').with_context(expected)?;
        let index = index.parse().ok().with_context(expected)?;
        let count = count.parse().ok().with_context(expected)?;
        ensure!(count > 0, "{text:?}: expected at least one part");
        ensure!(
            index < count,
            "{text:?}: parts are counted from 0: expected 0/{count} to {}/{count}",
            count - 1
        );
        Ok(Self { index, count })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_each_row_once_and_their_lengths_differ_by_at_most_one() {
        for (n, count) in [(0, 3), (2, 5), (10, 3), (1_000_000_007, 64), (u64::MAX, 1000)] {
            let parts: Vec<Range<u64>> =
                (0..count).map(|index| Shard { index, count }.rows(n)).collect();
            assert_eq!((parts[0].start, parts[parts.len() - 1].end), (0, n));
            assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
            let lengths = || parts.iter().map(|part| part.end - part.start);
            assert!(lengths().max().unwrap() - lengths().min().unwrap() <= 1);
        }
    }

    #[test]
    fn errors_quote_the_argument() {
        assert_eq!("2/3".parse::<Shard>().unwrap(), Shard { index: 2, count: 3 });
        for text in ["", "3", "3/3", "0/0", "-1/3", "a/b", "1/2/3"] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains(&format!("{text:?}")), "{error}");
        }
    }
}
