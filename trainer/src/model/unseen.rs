//! Conditions that training did not see.

use crate::data::{ConditionColumn, Matrix};
use crate::disk::quote::shortened;
use crate::model::description::Description;

/// A number outside of training's range by more than this share of the range is far from it.
const FAR: f32 = 0.1;

/// Returns a sentence for each numeric condition of `c`, `[n, C]` in the user's units, that is far outside of what
/// training saw. Nothing is said of a model whose file does not hold the ranges.
pub fn unseen(description: &Description, c: &Matrix) -> Vec<String> {
    let mut said = Vec::new();
    let conditions = ConditionColumn::with_columns(&description.conditions);
    for ((columns, condition), range) in conditions.zip(&description.condition_ranges) {
        let Some([low, high]) = *range else { continue };
        let margin = FAR * (high - low);
        let is_far = |x: &f32| *x < low - margin || *x > high + margin;
        let far: Vec<f32> =
            (0..c.rows()).map(|row| c.row(row)[columns.start]).filter(is_far).collect();
        let Some(first) = far.first() else { continue };
        let name = shortened(&condition.name);
        let seen = if low == high {
            format!("all training rows had {low}, so the model did not learn what it changes")
        } else {
            format!("training saw {low} to {high}, so samples are guesses")
        };
        // One condition for all samples, or a row for each.
        let equal = far.len() == c.rows() && far.iter().all(|x| x == first);
        said.push(if equal {
            format!("condition {name} is {first}, but {seen}")
        } else {
            format!(
                "condition {name} is far from training in {} of {} rows, {first} for one: {seen}",
                far.len(),
                c.rows()
            )
        });
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(range: Option<[f32; 2]>, values: &[f32]) -> Vec<String> {
        let column = |name: &str, categories: Option<Vec<String>>| ConditionColumn {
            name: name.to_string(),
            categories,
        };
        let description = Description {
            conditions: vec![
                column("kind", Some(vec!["a".to_string(), "b".to_string()])),
                column("speed", None),
            ],
            condition_ranges: vec![None, range],
            ..Description::default()
        };
        let rows = values.iter().flat_map(|&x| [0.0, 1.0, x]).collect();
        unseen(&description, &Matrix::new(rows, values.len(), 3))
    }

    #[test]
    fn far_conditions_are_named_with_what_training_saw() {
        let range = Some([0.0, 10.0]);
        assert!(said(range, &[0.0, 5.0, 10.9, -0.9]).is_empty());
        let one = said(range, &[12.0]);
        assert_eq!(
            one,
            ["condition speed is 12, but training saw 0 to 10, so samples are guesses"]
        );
        let some = said(range, &[1.0, -3.0, 12.0]);
        assert!(some[0].contains("in 2 of 3 rows, -3 for one: training saw 0 to 10"), "{some:?}");
        let constant = said(Some([7.0, 7.0]), &[9.0, 9.0]);
        assert!(constant[0].contains("speed is 9, but all training rows had 7"), "{constant:?}");
        assert!(said(Some([7.0, 7.0]), &[7.0]).is_empty());
        assert!(said(None, &[1e9]).is_empty());
    }
}
