//! The figure of a conditional model's classes.

use anyhow::Result;
use serde_json::json;

use super::chart::{Axis, Key, Mark, Panel, Row, Sheet, Symbol, Width};
use super::colour::Colour;
use super::figure::Figure;
use super::histogram::Histogram;
use super::subject::Subject;
use super::views::{Rectangle, column_of, marginal_view, plane_view, points};
use crate::data::{ConditionColumn, Matrix, Points};
use crate::report::numbers::thousands;

/// The most classes that are shown.
const CLASSES: usize = 12;

const STEPS: usize = 50;
const POINTS: usize = 4000;
const DOTS: usize = 500;
const BINS: usize = 50;

/// One class: its name, samples and real data, `[n, D]` each in the user's units.
struct Class {
    name: String,
    samples: Matrix,
    real: Option<Matrix>,
}

/// Makes a figure with a panel for each category of the first condition with categories; `None` if no
/// condition has categories.
///
/// # Errors
///
/// Returns an error if samples of the model are not finite.
pub fn figure(subject: &Subject) -> Result<Option<Figure>> {
    let conditions = subject.model.condition_columns();
    let found = ConditionColumn::with_columns(&conditions).enumerate().find_map(
        |(k, (columns, condition))| {
            let categories = condition.categories.as_ref().filter(|_| condition.has_choice())?;
            Some((k, condition.name.as_str(), categories, columns.start))
        },
    );
    let Some((which, name, categories, first)) = found else { return Ok(None) };
    let real = subject.real(subject.points(1));
    let n = subject.points(STEPS * categories.len()).min(POINTS);
    let classes = categories.iter().enumerate().take(CLASSES).map(|(class, category)| {
        let mut c = subject.shown.c.clone();
        let one_hot = c[first..first + categories.len()].iter_mut().enumerate();
        one_hot.for_each(|(k, c)| *c = if k == class { 1.0 } else { 0.0 });
        let samples = subject.samples(STEPS, &Matrix::new(c.repeat(n), n, c.len()))?.x;
        let real = real.as_ref().and_then(|real| of_class(real, first + class, n));
        Ok(Class { name: format!("{name} = {category}"), samples, real })
    });
    let classes: Vec<Class> = classes.collect::<Result<_>>()?;

    let names = subject.model.data_columns();
    let all: Vec<&Matrix> =
        classes.iter().map(|class| class.real.as_ref().unwrap_or(&class.samples)).collect();
    let line = names.len() == 1;
    let panels = if line {
        on_a_line(&classes, &all, &names[0])
    } else {
        in_a_plane(&classes, &all, &names)
    };
    let has_real = classes.iter().any(|class| class.real.is_some());
    let sheet = |width: Width| {
        let across = width.choose(3, 2).min(panels.len());
        let height = if line { 130.0 } else { width.choose(230.0, 125.0) };
        let rows = Row::grid(height, across, &panels);
        let [samples, target] =
            if line { [Symbol::Patch, Symbol::Line] } else { [Symbol::Dot, Symbol::Dot] };
        let mut legend = vec![Key::new(Colour::Samples, samples, "samples x̂₁")];
        if has_real {
            legend.push(Key::new(Colour::Target, target, "target π₁"));
        }
        Sheet { width: width.pixels(), legend, rows }
    };
    let mut caption = format!(
        "{} samples for each {name}{}",
        thousands(if line { n } else { n.min(DOTS) }),
        if has_real {
            ", with real data of the same category."
        } else {
            ". No real data are available."
        }
    );
    if conditions.len() > 1 {
        caption += &format!(" Their other conditions: {}.", subject.shown.name(Some(which)));
    }
    if categories.len() > CLASSES {
        caption += &format!(" The first {CLASSES} of {} are shown.", categories.len());
    }
    let numbers = json!({
        "classes": classes
            .iter()
            .map(|class| json!({
                "name": class.name,
                "samples": class.samples.rows(),
                "real": class.real.as_ref().map(Matrix::rows),
            }))
            .collect::<Vec<_>>(),
    });
    Ok(Some(Figure::new("classes", "Class by class", caption, numbers, sheet)))
}

/// Returns the first `n` data points of the class whose one-hot column is `column`; `None` if there are none.
fn of_class(real: &Points, column: usize, n: usize) -> Option<Matrix> {
    let rows = (0..real.x.rows()).filter(|&row| real.c.row(row)[column] > 0.5);
    let rows: Vec<usize> = rows.take(n).collect();
    (!rows.is_empty()).then(|| real.x.select(&rows))
}

fn on_a_line(classes: &[Class], all: &[&Matrix], name: &str) -> Vec<Panel> {
    let values: Vec<f32> = all.iter().flat_map(|set| set.values()).copied().collect();
    let view = marginal_view(&values);
    let count = |set: &Matrix| Histogram::over(view, BINS, column_of(set, 0));
    let panel = |class: &Class| {
        let samples = count(&class.samples);
        let real = class.real.as_ref().map(count);
        let most = real.as_ref().map_or(0.0, Histogram::most).max(samples.most()).max(1e-9);
        let y = Axis::new([0.0, 1.1 * most], "density");
        let mut panel = Panel::new(&class.name, Axis::new(view, name), y).with(Mark::steps(
            &samples.edges(),
            &samples.densities(),
            Colour::Samples,
            true,
        ));
        if let Some(real) = real {
            panel = panel.with(Mark::line(real.outline(), Colour::Target, 1.5));
        }
        panel
    };
    classes.iter().map(panel).collect()
}

fn in_a_plane(classes: &[Class], all: &[&Matrix], names: &[String]) -> Vec<Panel> {
    let Rectangle { x, y } = plane_view(all, [0, 1]);
    let panel = |class: &Class| {
        let (x, y) = (Axis::new(x, names[0].as_str()), Axis::new(y, names[1].as_str()));
        let mut panel = Panel::new(&class.name, x, y);
        for (set, colour, opacity) in [
            (class.real.as_ref(), Colour::Target, 0.45),
            (Some(&class.samples), Colour::Samples, 0.7),
        ] {
            let Some(set) = set else { continue };
            let points = points(set, [0, 1], DOTS);
            panel = panel.with(Mark::Dots { points, radius: 1.3, colour, opacity });
        }
        panel
    };
    classes.iter().map(panel).collect()
}
