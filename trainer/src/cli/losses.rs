//! Reads the losses of a run.

use std::path::Path;

use crate::disk::names::METRICS_FILE;
use crate::training::metrics::{self, Measurement};

/// Returns the rows of `metrics.csv` before the first that cannot be read.
pub(super) fn measurements(path: &Path, notes: &mut Vec<String>) -> Vec<Measurement> {
    let Ok((rows, damaged)) = metrics::read(path) else {
        notes.push(format!("There is no {METRICS_FILE} beside the model: the loss is left out."));
        return Vec::new();
    };
    if let Some(error) = damaged {
        notes.push(format!(
            "{}: {error}. This row and the rows after it are left out.",
            path.display()
        ));
    }
    if !rows.iter().any(|row| row.loss.is_finite()) {
        notes.push(format!("{} has no finite loss: the loss is left out.", path.display()));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn rows_of_metrics_are_read_up_to_the_first_that_is_damaged() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(METRICS_FILE);
        let header = "phase,iteration,loss,held_out_loss,learning_rate,gradient_norm,seconds\n";
        let first = "0,1,1.5,,0.001,1,0.1\n";
        let odd = format!("{first}0,2,NaN,,0.001,1,0.1\n0,3,1.4,inf,0.001,1,0.2\n");
        for (rows, expected, said) in [
            (first, 1, None),
            (&odd, 3, None),
            ("0,1,NaN,,0.001,1,0.1\n", 1, Some("no finite loss")),
            ("", 0, Some("no finite loss")),
            (&format!("{first}what\n{first}"), 1, Some("the rows after it are left out")),
        ] {
            fs::write(&path, format!("{header}{rows}")).unwrap();
            let mut notes = Vec::new();
            assert_eq!(measurements(&path, &mut notes).len(), expected, "{rows}");
            assert_eq!(notes.len(), usize::from(said.is_some()), "{notes:?}");
            assert!(said.is_none_or(|said| notes[0].contains(said)), "{notes:?}");
        }
    }
}
