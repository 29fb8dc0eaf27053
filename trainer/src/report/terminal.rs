//! The report in plain text: histograms of the samples and the target, and the loss.

use std::fmt::Write;

use anyhow::Result;

use super::chart::number;
use super::histogram::Histogram;
use super::loss::moving_average;
use super::subject::{Subject, repeat};
use super::views::{column_of, marginal_view};
use crate::report::numbers::thousands;
use crate::training::metrics::Measurement;

const WIDTH: usize = 64;
const HEIGHT: usize = 12;
const STEPS: usize = 50;

/// The most data columns that are drawn.
const COLUMNS: usize = 4;

/// Characters that are filled from the bottom by 0 to 8 eighths.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Writes the report as text.
///
/// # Errors
///
/// Returns an error if samples of the model are not finite.
pub fn text(subject: &Subject) -> Result<String> {
    let mut text = String::new();
    let n = subject.points(STEPS);
    let real = subject.real(n);
    let c = match &real {
        Some(real) => repeat(&real.c, n),
        None => subject.shown_rows(n),
    };
    let samples = subject.samples(STEPS, &c)?.x;
    let names = subject.model.data_columns();
    let solver = subject.solver(STEPS)?;
    writeln!(text, "{} samples in {} steps of {}: █", thousands(n), solver.steps(), solver.kind())?;
    match &real {
        Some(_) => writeln!(text, "the target: ●")?,
        None => writeln!(text, "no data are available for comparison")?,
    }
    for (column, name) in names.iter().enumerate().take(COLUMNS) {
        let own = column_of(&samples, column);
        let real = real.as_ref().map(|real| column_of(&real.x, column));
        let view = marginal_view(real.as_ref().unwrap_or(&own));
        let count =
            |values: &[f32]| Histogram::over(view, WIDTH, values.iter().copied()).densities();
        let target = match subject.known.as_ref().and_then(|known| known.density()) {
            Some(density) if names.len() == 1 => Some(
                (0..WIDTH)
                    .map(|k| (k as f64 + 0.5) / WIDTH as f64)
                    .map(|share| density(view[0] + share * (view[1] - view[0])))
                    .collect(),
            ),
            _ => real.as_deref().map(count),
        };
        writeln!(text)?;
        bars(&mut text, &count(&own), target.as_deref())?;
        let [low, high] = view.map(number);
        let room = WIDTH.saturating_sub(low.chars().count() + high.chars().count());
        let name: String = name.chars().take(room.saturating_sub(2)).collect();
        writeln!(text, "{low}{name:^room$}{high}")?;
    }
    if names.len() > COLUMNS {
        writeln!(text, "\nThe first {COLUMNS} of {} columns.", names.len())?;
    }
    losses(&mut text, &subject.metrics)?;
    Ok(text)
}

/// Writes a bar chart in eighths of a character, with dots at the heights of the target.
fn bars(text: &mut String, bars: &[f64], target: Option<&[f64]>) -> Result<()> {
    let all = bars.iter().chain(target.into_iter().flatten());
    let most = all.copied().fold(0.0, f64::max).max(1e-12);
    let height = |value: f64| value / most * HEIGHT as f64;
    for line in (0..HEIGHT).rev() {
        let floor = line as f64;
        let cell = |k: usize| {
            if let Some(target) = target {
                let at = height(target[k]).min(HEIGHT as f64 - 0.5);
                if at >= floor && at < floor + 1.0 && target[k] > 0.0 {
                    return '●';
                }
            }
            let filled = ((height(bars[k]) - floor) * 8.0).round().clamp(0.0, 8.0);
            EIGHTHS[filled as usize]
        };
        let line: String = (0..bars.len()).map(cell).collect();
        writeln!(text, "{}", line.trim_end())?;
    }
    Ok(())
}

/// Writes the losses of the last phase, or that there are none.
fn losses(text: &mut String, metrics: &[Measurement]) -> Result<()> {
    let finite: Vec<&Measurement> = metrics.iter().filter(|row| row.loss.is_finite()).collect();
    match finite.iter().map(|row| row.phase).max() {
        Some(phase) => {
            let rows: Vec<&Measurement> =
                finite.into_iter().filter(|row| row.phase == phase).collect();
            loss(text, &rows)?;
        }
        None => writeln!(text, "\nNo losses are known.")?,
    }
    Ok(())
}

/// The moving average of the loss, a character for some iterations.
fn loss(text: &mut String, rows: &[&Measurement]) -> Result<()> {
    let average = moving_average(rows);
    let [Some(first), Some(last)] = [average.first(), average.last()] else { return Ok(()) };
    let columns: Vec<f64> = (0..WIDTH).map(|k| average[k * average.len() / WIDTH][1]).collect();
    let low = columns.iter().copied().fold(f64::INFINITY, f64::min);
    let high = columns.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = if high > low { high - low } else { 1.0 };
    writeln!(
        text,
        "\nloss, averaged over 100 iterations: {:.4}, at the end {:.4}",
        first[1], last[1]
    )?;
    const LINES: usize = 8;
    for line in (0..LINES).rev() {
        let cell = |value: &f64| {
            let at = ((value - low) / span * (LINES as f64 - 1.0)).round() as usize;
            if at == line { '•' } else { ' ' }
        };
        let drawn: String = columns.iter().map(cell).collect();
        let label = match line {
            0 => format!("{low:.4}"),
            line if line == LINES - 1 => format!("{high:.4}"),
            _ => String::new(),
        };
        writeln!(text, "{}", format!("{drawn}  {label}").trim_end())?;
    }
    let (first, last) = (number(first[0]), number(last[0]));
    let room = WIDTH.saturating_sub(first.chars().count() + last.chars().count());
    writeln!(text, "{first}{:^room$}{last}", "iteration")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(losses_of_rows: &[f64]) -> String {
        let row = |(k, &loss): (usize, &f64)| Measurement {
            phase: 0,
            iteration: k + 1,
            loss,
            held_out_loss: None,
            learning_rate: 1e-3,
            gradient_norm: 1.0,
            seconds: 0.1,
        };
        let rows: Vec<Measurement> = losses_of_rows.iter().enumerate().map(row).collect();
        let mut text = String::new();
        losses(&mut text, &rows).unwrap();
        text
    }

    #[test]
    fn losses_that_are_not_finite_are_left_out() {
        let text = drawn(&[1.5, f64::NAN, 1.25, f64::INFINITY]);
        assert!(text.contains("at the end 1.3750"), "{text}");
        assert!(text.contains('•') && !text.contains("NaN") && !text.contains("inf"), "{text}");
        assert!(drawn(&[1.5]).contains("at the end 1.5000"));
        for none in [&[][..], &[f64::NAN]] {
            assert_eq!(drawn(none), "\nNo losses are known.\n");
        }
    }
}
