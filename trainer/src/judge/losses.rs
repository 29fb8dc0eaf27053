//! What the losses of a run say: whether it overfits.

use std::fmt;

use serde::Serialize;

use crate::training::metrics::Measurement;

/// A held-out loss that rose again by more than this share of its lowest value is overfitting.
const CLEAR: f64 = 0.05;

/// A run whose held-out loss was lowest long before its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overfitting {
    /// The lowest held-out loss.
    pub lowest: f64,
    /// The iteration after which it was lowest.
    pub at: usize,
    /// The last held-out loss.
    pub last: f64,
    /// The iteration of the last held-out loss.
    pub end: usize,
    /// Whether the model has the weights of the lowest.
    pub kept: bool,
}

impl Overfitting {
    /// Finds it in the rows of `metrics.csv`. Only the flow's phase counts: a student's loss is of another kind. `kept` is
    /// the iteration whose weights the model has, if they are not the last.
    pub fn find(rows: &[Measurement], kept: Option<usize>) -> Option<Self> {
        let mut held_out = rows.iter().filter(|row| row.phase == 0).filter_map(|row| {
            Some((row.iteration, row.held_out_loss.filter(|loss| loss.is_finite())?))
        });
        let (at, lowest) = held_out.clone().min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let (end, last) = held_out.next_back()?;
        (last > lowest * (1.0 + CLEAR)).then_some(Self {
            lowest,
            at,
            last,
            end,
            kept: kept == Some(at),
        })
    }
}

impl fmt::Display for Overfitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lowest, at, last, end, kept } = self;
        let said = if *kept {
            "the weights of the lowest held-out loss were kept"
        } else {
            "the run overfits"
        };
        write!(
            f,
            "{said}: {lowest:.4} at its lowest, after iteration {at}, and {last:.4} after iteration {end}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(losses: &[(usize, Option<f64>)]) -> Vec<Measurement> {
        let row = |(k, &(phase, held_out_loss)): (usize, &(usize, Option<f64>))| Measurement {
            phase,
            iteration: 10 * (k + 1),
            loss: 1.0,
            held_out_loss,
            learning_rate: 1e-3,
            gradient_norm: 1.0,
            seconds: 0.1,
        };
        losses.iter().enumerate().map(row).collect()
    }

    #[test]
    fn a_loss_that_rose_again_is_overfitting() {
        let found = Overfitting::find(
            &rows(&[(0, Some(2.0)), (0, Some(1.355)), (0, None), (0, Some(1.523))]),
            None,
        );
        let expected = Overfitting { lowest: 1.355, at: 20, last: 1.523, end: 40, kept: false };
        assert_eq!(found, Some(expected));
        assert!(
            expected.to_string().contains("1.3550 at its lowest, after iteration 20, and 1.5230"),
            "{expected}"
        );
    }

    #[test]
    fn noise_students_and_runs_without_held_out_rows_are_not() {
        for losses in [
            &[][..],
            &[(0, None), (0, None)],
            &[(0, Some(2.0)), (0, Some(1.40)), (0, Some(1.45))],
            &[(0, Some(1.4)), (1, Some(0.1)), (1, Some(0.9))],
            &[(0, Some(1.4)), (0, Some(f64::NAN))],
        ] {
            assert_eq!(Overfitting::find(&rows(losses), None), None, "{losses:?}");
        }
    }
}
