//! Splits rows into those for training and held-out ones, on which the model is judged.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, ensure};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Row numbers from 0, in ascending order.
#[derive(Clone, Debug, PartialEq)]
pub struct Split {
    /// The rows for training.
    pub train: Vec<usize>,
    /// The rows that are never trained on.
    pub held_out: Vec<usize>,
}

/// Holds out the share `holdout` of `rows` rows at random; 0 holds out none. With `groups`, `[rows]`, holds
/// out whole groups, so that the share is only approximate.
///
/// # Errors
///
/// Returns an error if one side would be empty, which is so with fewer than two rows or groups.
pub fn split(
    rows: usize,
    groups: Option<&[String]>,
    holdout: f64,
    rng: &mut ChaCha8Rng,
) -> Result<Split> {
    if holdout == 0.0 {
        return Ok(Split { train: (0..rows).collect(), held_out: Vec::new() });
    }
    // Without groups, each row is a group.
    let mut units: Vec<Vec<usize>> = match groups {
        None => (0..rows).map(|row| vec![row]).collect(),
        Some(groups) => {
            let mut units: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for (row, group) in groups.iter().enumerate() {
                units.entry(group).or_default().push(row);
            }
            units.into_values().collect()
        }
    };
    ensure!(
        units.len() >= 2,
        "expected at least two groups, found one: no rows can be held out; use another --group, or \
         --holdout 0"
    );
    units.shuffle(rng);
    let wanted = ((rows as f64 * holdout).round() as usize).max(1);
    let mut held_out = BTreeSet::new();
    let mut trained_on = units.len();
    for unit in &units {
        // Holds the group out if that brings the number of rows nearer to the wanted one, and if a group
        // remains for training.
        if trained_on > 1 && 2 * held_out.len() + unit.len() <= 2 * wanted {
            held_out.extend(unit);
            trained_on -= 1;
        }
    }
    if held_out.is_empty() {
        held_out.extend(units.iter().min_by_key(|unit| unit.len()).into_iter().flatten());
    }
    let train = (0..rows).filter(|row| !held_out.contains(row)).collect();
    Ok(Split { train, held_out: held_out.into_iter().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn split_(rows: usize, groups: Option<&[String]>, holdout: f64, seed: u64) -> Split {
        split(rows, groups, holdout, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
    }

    #[test]
    fn the_given_share_is_held_out() {
        let Split { train, held_out } = split_(100, None, 0.1, 0);
        assert_eq!((train.len(), held_out.len()), (90, 10));
        let all: BTreeSet<usize> = train.into_iter().chain(held_out).collect();
        assert_eq!(all.len(), 100);
    }

    #[test]
    fn the_seed_determines_the_split() {
        assert_eq!(split_(50, None, 0.2, 3), split_(50, None, 0.2, 3));
        assert_ne!(split_(50, None, 0.2, 3), split_(50, None, 0.2, 4));
    }

    #[test]
    fn a_group_stays_on_one_side() {
        let groups: Vec<String> = (0..60).map(|row| (row % 7).to_string()).collect();
        let Split { train, held_out } = split_(60, Some(&groups), 0.3, 1);
        let sides = |rows: &[usize]| rows.iter().map(|&row| row % 7).collect::<BTreeSet<_>>();
        assert!(sides(&train).is_disjoint(&sides(&held_out)));
        assert!(held_out.len().abs_diff(18) <= 4);
    }

    #[test]
    fn a_group_that_is_nearly_everything_is_trained_on() {
        let groups: Vec<String> = (0..100).map(|row| (row / 10).min(1).to_string()).collect();
        for seed in 0..8 {
            assert_eq!(split_(100, Some(&groups), 0.1, seed).held_out.len(), 10);
        }
    }

    #[test]
    fn a_share_of_0_holds_out_nothing() {
        assert!(split_(3, None, 0.0, 0).held_out.is_empty());
    }

    #[test]
    fn small_sets_keep_a_row_on_each_side() {
        let Split { train, held_out } = split_(2, None, 0.01, 0);
        assert_eq!((train.len(), held_out.len()), (1, 1));
        let one = vec!["a".to_string(); 3];
        assert!(split(3, Some(&one), 0.1, &mut ChaCha8Rng::seed_from_u64(0)).is_err());
    }
}
