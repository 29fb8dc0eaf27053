//! Splits rows into those for training and held-out ones, on which the model is judged.

use anyhow::{Result, ensure};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Holds out the share `holdout` of `rows` rows at random; 0 holds out none. With `groups`, the number of each
/// row's group, holds out whole groups, so that the share is only approximate. Returns for each row whether it is
/// held out; the model is never trained on such rows.
///
/// # Errors
///
/// Returns an error if one side would be empty, which is so with fewer than two rows or groups; or for more
/// than 2³² − 1 rows.
pub fn split(
    rows: usize,
    groups: Option<&[u32]>,
    holdout: f64,
    rng: &mut ChaCha8Rng,
) -> Result<Vec<bool>> {
    if holdout == 0.0 {
        return Ok(vec![false; rows]);
    }
    // The number of rows in each group. Without groups, each row is a group.
    let mut sizes: Vec<u32> = Vec::new();
    for &group in groups.unwrap_or_default() {
        sizes.resize(sizes.len().max(group as usize + 1), 0);
        sizes[group as usize] += 1;
    }
    let size = |group: u32| groups.map_or(1, |_| sizes[group as usize] as usize);
    let count = if groups.is_some() { sizes.len() } else { rows };
    let mut units: Vec<u32> = (0..u32::try_from(count)?).collect();
    ensure!(
        units.len() >= 2,
        "expected at least two groups, found one: no rows can be held out; use another --group, or \
         --holdout 0"
    );
    units.shuffle(rng);
    let wanted = ((rows as f64 * holdout).round() as usize).max(1);
    let (mut chosen, mut held_out) = (vec![false; units.len()], 0);
    let mut trained_on = units.len();
    for &unit in &units {
        // Holds the group out if that brings the number of rows nearer to the wanted one, and if a group
        // remains for training.
        if trained_on > 1 && 2 * held_out + size(unit) <= 2 * wanted {
            chosen[unit as usize] = true;
            held_out += size(unit);
            trained_on -= 1;
        }
    }
    if held_out == 0 {
        let smallest = units.iter().min_by_key(|&&unit| size(unit));
        smallest.into_iter().for_each(|&unit| chosen[unit as usize] = true);
    }
    Ok(match groups {
        Some(groups) => groups.iter().map(|&group| chosen[group as usize]).collect(),
        None => chosen,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    fn split_(rows: usize, groups: Option<&[u32]>, holdout: f64, seed: u64) -> Vec<bool> {
        split(rows, groups, holdout, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap()
    }

    fn count(held_out: &[bool]) -> usize {
        held_out.iter().filter(|held_out| **held_out).count()
    }

    #[test]
    fn the_given_share_is_held_out() {
        assert_eq!(count(&split_(100, None, 0.1, 0)), 10);
    }

    #[test]
    fn the_seed_determines_the_split() {
        assert_eq!(split_(50, None, 0.2, 3), split_(50, None, 0.2, 3));
        assert_ne!(split_(50, None, 0.2, 3), split_(50, None, 0.2, 4));
    }

    #[test]
    fn a_group_stays_on_one_side() {
        let groups: Vec<u32> = (0..60).map(|row| row % 7).collect();
        let held_out = split_(60, Some(&groups), 0.3, 1);
        assert!((0..60).all(|row| held_out[row] == held_out[row % 7]));
        assert!(count(&held_out).abs_diff(18) <= 4);
    }

    #[test]
    fn a_group_that_is_nearly_everything_is_trained_on() {
        let groups: Vec<u32> = (0..100).map(|row| (row / 10).min(1)).collect();
        for seed in 0..8 {
            assert_eq!(count(&split_(100, Some(&groups), 0.1, seed)), 10);
        }
    }

    #[test]
    fn a_share_of_0_holds_out_nothing() {
        assert_eq!(count(&split_(3, None, 0.0, 0)), 0);
    }

    #[test]
    fn small_sets_keep_a_row_on_each_side() {
        assert_eq!(count(&split_(2, None, 0.01, 0)), 1);
        assert!(split(3, Some(&[0; 3]), 0.1, &mut ChaCha8Rng::seed_from_u64(0)).is_err());
    }
}
