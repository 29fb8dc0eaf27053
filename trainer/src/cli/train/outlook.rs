//! Whether a larger network or more iterations would likely help, by the held-out losses of the run.

use crate::training::metrics::Measurement;

/// The fewest held-out losses that say anything.
const LEAST: usize = 10;

/// How much of the loss must have fallen in the second half of the run: less is no sign that more would help. In
/// `benches/quality`, runs that a larger network improved fell by 0.4 % and more.
const FALL: f64 = 0.004;

/// Returns what the losses of the last phase say, or `None` if they are too few.
pub(super) fn outlook(metrics: &[Measurement]) -> Option<&'static str> {
    let phase = metrics.last()?.phase;
    let rows = metrics.iter().filter(|row| row.phase == phase);
    let losses: Vec<(usize, f64)> =
        rows.filter_map(|row| Some((row.iteration, row.held_out_loss?))).collect();
    if losses.len() < LEAST {
        return None;
    }
    let iterations = losses.last()?.0;
    let lowest =
        |losses: &[(usize, f64)]| losses.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
    let (at, loss) = lowest(&losses)?;
    let half = losses.partition_point(|(iteration, _)| *iteration <= iterations / 2);
    let (_, before) = lowest(&losses[..half])?;
    Some(if at <= iterations / 2 {
        "the held-out loss was lowest long before the end: a larger network or more iterations would\n\
         not help, more rows would"
    } else if at >= iterations - iterations / 10 && before - loss >= FALL * loss.abs() {
        "the held-out loss still fell at the end: more iterations or a larger network would likely help"
    } else {
        "the held-out loss hardly fell at the end: more iterations or a larger network would likely\n\
         change little"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(losses: impl Fn(f64) -> f64, measured: usize) -> Option<&'static str> {
        let row = |k: usize| Measurement {
            phase: 0,
            iteration: 10 * k,
            loss: 1.0,
            held_out_loss: k.is_multiple_of(10).then(|| losses(k as f64 / (10 * measured) as f64)),
            learning_rate: 1e-3,
            gradient_norm: 1.0,
            seconds: 1.0,
        };
        outlook(&(1..=10 * measured).map(row).collect::<Vec<_>>())
    }

    #[test]
    fn the_course_of_the_held_out_loss_decides() {
        for (losses, expected) in [
            ((|t| 1.0 - 0.1 * t) as fn(f64) -> f64, "still fell"),
            (|t| 1.0 + (t - 0.2).powi(2), "long before the end: a larger"),
            (|t| 1.0 + (-20.0 * t).exp(), "hardly fell"),
            (|t| 1.0 + (t - 0.7).powi(2), "hardly fell"),
        ] {
            let found = of(losses, 100).unwrap();
            assert!(found.contains(expected), "{expected}: {found}");
        }
    }

    #[test]
    fn few_losses_say_nothing() {
        assert_eq!(of(|t| 1.0 - t, LEAST - 1), None);
        assert!(of(|t| 1.0 - t, LEAST).is_some());
        assert_eq!(outlook(&[]), None);
    }
}
