//! The figure of the training losses.

use serde_json::json;

use super::chart::{Axis, Key, Mark, Panel, Row, Sheet, Symbol, Width};
use super::colour::Colour;
use super::figure::Figure;
use super::histogram::quantile;
use crate::training::metrics::Measurement;

/// Iterations of the moving average: the article's number.
const WINDOW: usize = 100;

/// Returns the moving average of the losses over the last [`WINDOW`] iterations: `[iteration, mean]`, from
/// iteration [`WINDOW`] on. The last row has an average even before that.
pub fn moving_average(rows: &[&Measurement]) -> Vec<[f64; 2]> {
    let mut averages = Vec::new();
    for (last, row) in rows.iter().enumerate() {
        let since = row.iteration.saturating_sub(WINDOW);
        let window: Vec<_> =
            rows[..=last].iter().rev().take_while(|row| row.iteration > since).collect();
        // All rows have equal weight, because each is the mean over the same number of iterations.
        let mean = window.iter().map(|row| row.loss).sum::<f64>() / window.len() as f64;
        if row.iteration >= WINDOW || last + 1 == rows.len() {
            averages.push([row.iteration as f64, mean]);
        }
    }
    averages
}

/// Makes the figure of the losses, a panel for each phase; `None` if no loss is finite.
pub fn figure(metrics: &[Measurement]) -> Option<Figure> {
    let finite = |row: &&Measurement| row.loss.is_finite();
    let last_phase = metrics.iter().filter(finite).map(|row| row.phase).max()?;
    let phases: Vec<Vec<&Measurement>> = (0..=last_phase)
        .map(|phase| metrics.iter().filter(finite).filter(|row| row.phase == phase).collect())
        .filter(|rows: &Vec<_>| !rows.is_empty())
        .collect();
    let held_out = metrics.iter().any(|row| row.held_out_loss.is_some());
    let rows_of = |rows: &[&Measurement]| {
        rows.iter().map(|row| json!([row.iteration, row.loss])).collect::<Vec<_>>()
    };
    let numbers = json!({
        "loss": phases.iter().map(|rows| rows_of(rows)).collect::<Vec<_>>(),
        "moving_average": phases.iter().map(|rows| moving_average(rows)).collect::<Vec<_>>(),
    });
    let per_row = phases[0].first().map_or(1, |row| row.iteration);
    let mut caption = format!(
        "Pale line: the training loss, {}. Thick line: its moving average over {WINDOW} iterations.",
        if per_row == 1 {
            "one value for each iteration".to_string()
        } else {
            format!("averaged over {per_row} iterations each")
        }
    );
    if held_out {
        caption += " Dots: the loss on held-out data, which training does not see.";
    }
    if phases.len() == 1 {
        caption += " The loss of a flow need not reach zero: where paths cross, they have different velocities.";
    }
    if phases.len() > 1 {
        caption += " One panel for each phase of training: the flow, unless the teacher's pairs were read from a \
                    file; the student, which learns to reach the teacher's endpoints in few steps; the student, \
                    which moves its own endpoints to the data.";
    }
    let sheet = |width: Width| {
        let mut legend = vec![
            Key::new(Colour::Samples, Symbol::Patch, "loss"),
            Key::new(Colour::Samples, Symbol::Line, format!("moving average over {WINDOW}")),
        ];
        if held_out {
            legend.push(Key::new(Colour::Target, Symbol::Dot, "held-out loss"));
        }
        let panels = phases.iter().map(|rows| Row::even(170.0, [panel(rows)]));
        Sheet { width: width.pixels(), legend, rows: panels.collect() }
    };
    Some(Figure::new("loss", "The loss during training", caption, numbers, sheet))
}

fn panel(rows: &[&Measurement]) -> Panel {
    let average = moving_average(rows);
    let losses: Vec<[f64; 2]> = rows.iter().map(|row| [row.iteration as f64, row.loss]).collect();
    let dots: Vec<[f64; 2]> = rows
        .iter()
        .filter_map(|row| row.held_out_loss.map(|loss| [row.iteration as f64, loss]))
        .filter(|[_, loss]| loss.is_finite())
        .collect();
    let last = losses.last().map_or(1.0, |[iteration, _]| *iteration);
    // The first losses may be many times the others and would hide these, so that the axis leaves them out.
    let mut values: Vec<f32> = losses.iter().chain(&dots).map(|[_, loss]| *loss as f32).collect();
    let least = values.iter().copied().fold(f32::INFINITY, f32::min);
    let most = quantile(&mut values, 0.995);
    let room = ((most - f64::from(least)) * 0.08).max(most.abs() * 1e-3).max(1e-9);
    let y = Axis::new([f64::from(least) - room, most + room], "loss");
    let mut panel = Panel::new("", Axis::new([0.0, last.max(1.0) * 1.0001], "iteration"), y);
    // A line of one point is invisible.
    if let [only] = losses.as_slice() {
        let (points, colour) = (vec![*only], Colour::Samples);
        panel = panel.with(Mark::Dots { points, radius: 3.5, colour, opacity: 1.0 });
    } else {
        panel = panel.with(Mark::Line {
            points: losses,
            colour: Colour::Samples,
            width: 1.0,
            opacity: 0.4,
            dashed: false,
        });
    }
    panel = panel.with(Mark::line(average, Colour::Samples, 2.0));
    panel.with(Mark::Dots { points: dots, radius: 2.2, colour: Colour::Target, opacity: 0.9 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::draw;
    use crate::report::colour::hex;

    fn row(iteration: usize, loss: f64) -> Measurement {
        Measurement {
            phase: 0,
            iteration,
            loss,
            held_out_loss: None,
            learning_rate: 1e-3,
            gradient_norm: 1.0,
            seconds: 0.0,
        }
    }

    #[test]
    fn the_average_is_over_the_last_hundred_iterations() {
        // Rows of ten iterations each, the loss being the row's number.
        let rows: Vec<Measurement> = (1..=30_u32).map(|k| row(10 * k as usize, k.into())).collect();
        let average = moving_average(&rows.iter().collect::<Vec<_>>());
        assert_eq!(average.first(), Some(&[100.0, 5.5]));
        assert_eq!(average.last(), Some(&[300.0, 25.5]));
    }

    /// Both widths of a figure have marks, at places that are numbers.
    #[track_caller]
    fn is_drawn(rows: &[Measurement]) {
        let figure = figure(rows).unwrap();
        for sheet in [&figure.wide, &figure.narrow] {
            let svg = draw(sheet).unwrap().svg;
            assert!(svg.matches("<text").count() > 5 && !svg.contains("NaN"), "{svg}");
            // The paper apart, something has the loss's colour.
            assert!(svg.contains(&hex(Colour::Samples.light())), "{svg}");
        }
    }

    #[test]
    fn odd_losses_are_drawn_or_left_out() {
        let odd = Measurement { held_out_loss: Some(f64::INFINITY), ..row(3, 1.4) };
        is_drawn(&[row(3, 1.0)]);
        is_drawn(&[row(1, 1.5), row(2, f64::NAN), odd]);
        is_drawn(&[row(1, 1.5), row(2, 1.5)]);
        for none in [&[][..], &[row(3, f64::NAN)], &[row(1, f64::INFINITY), row(2, f64::NAN)]] {
            assert!(figure(none).is_none(), "{none:?}");
        }
    }
}
