//! The target beside the samples: points, and where they are dense.

use serde_json::json;

use super::{Plane, dots};
use crate::data::Matrix;
use crate::numbers::thousands;
use crate::report::chart::{Axis, Key, Mark, Panel, Row, Sheet, Sign, Width};
use crate::report::colour::{Colour, Ramp};
use crate::report::figure::Figure;
use crate::report::heat::Heat;
use crate::report::histogram::plane;
use crate::report::views::{Flat, flat_view};

/// Points that are drawn.
const DOTS: usize = 2500;

/// Cells of a density, each way.
const CELLS: usize = 100;

impl Plane<'_> {
    pub(super) fn samples(&self) -> Figure {
        let samples = &self.samples.x;
        let real = self.real.as_ref().map(|real| &real.x);
        let view = flat_view(&[real.unwrap_or(samples)], [0, 1]);
        let sets: Vec<(&str, &Matrix, Colour)> = real
            .map(|real| ("target π₁", real, Colour::Target))
            .into_iter()
            .chain([("samples x̂₁", samples, Colour::Samples)])
            .collect();
        let counts: Vec<Vec<f64>> = sets.iter().map(|(_, set, _)| count(set, &view)).collect();
        // One scale for both: as many of a hundred points are equally bright.
        let share = |counts: &[f64], set: &Matrix| -> Vec<f64> {
            counts.iter().map(|count| count / set.rows() as f64).collect()
        };
        let mut heats: Vec<Heat> = sets
            .iter()
            .zip(&counts)
            .map(|((_, set, _), counts)| Heat::new(Ramp::Amount, [CELLS; 2], share(counts, set)))
            .collect();
        let most = heats.iter().map(|heat| heat.most).fold(0.0, f64::max);
        heats.iter_mut().for_each(|heat| heat.most = most);

        let names = self.subject.model.data_columns();
        let (x, y) =
            (|| Axis::new(view.x, names[0].as_str()), || Axis::new(view.y, names[1].as_str()));
        let sheet = |width: Width| {
            let radius = width.choose(1.4, 1.0);
            let most = width.choose(DOTS, DOTS / 2);
            let scatter = sets.iter().map(|(name, set, colour)| {
                Panel::new(name, x(), y()).with(dots(set, most, radius, *colour, 0.7))
            });
            let dense = heats.iter().map(|heat| {
                let picture = Mark::Picture { heat: heat.clone(), x: view.x, y: view.y };
                Panel::new("", x(), y()).with(picture)
            });
            // About square.
            let height = width.choose(360.0, 125.0);
            let rows = vec![Row::even(height, scatter), Row::even(height, dense)];
            Sheet { width: width.pixels(), legend: Vec::new(), rows }
        };
        let mut caption = format!(
            "Above, points{}; below, their density, the brighter the more: {} samples",
            if self.whole { "" } else { " in the first two coordinates" },
            thousands(samples.rows())
        );
        match real {
            Some(real) => {
                caption += &format!(
                    " beside {} {}.",
                    thousands(real.rows()),
                    if self.rows_are_real() { "rows of the data" } else { "draws from the target" }
                );
            }
            None => caption += ". There are no data at hand to compare.",
        }
        let totals: Vec<f64> = counts.iter().map(|counts| counts.iter().sum()).collect();
        let numbers = json!({
            "view": [view.x, view.y],
            "sets": sets.iter().map(|(name, set, _)| json!([name, set.rows()])).collect::<Vec<_>>(),
            "points_in_view": totals,
            "counts": counts,
        });
        let title = if real.is_some() { "The target beside the samples" } else { "Samples" };
        Figure::new("samples", title, caption, numbers, sheet)
    }

    fn rows_are_real(&self) -> bool {
        let known = self.subject.known.as_ref();
        known.is_some_and(|known| matches!(known.real, crate::dataset::Real::Rows { .. }))
    }

    /// Paths from noise to samples.
    pub(super) fn trajectories(&self) -> Figure {
        const PATHS: usize = 150;
        let n = self.paths.at(0.0).rows().min(PATHS);
        let lines: Vec<Vec<[f64; 2]>> = (0..n)
            .map(|row| self.paths.path(row).map(|x| [x[0], x[1]].map(f64::from)).collect())
            .collect();
        let numbers = json!({ "paths": n });
        let sheet =
            |width: Width| {
                let mut panel = self.panel("");
                for line in &lines {
                    panel = panel.with(Mark::Line {
                        points: line.clone(),
                        colour: Colour::Faint,
                        width: 0.9,
                        opacity: 0.7,
                        dashed: false,
                    });
                }
                panel = panel
                    .with(dots(&self.paths.at(0.0), n, 2.2, Colour::Source, 1.0))
                    .with(dots(&self.paths.at(1.0), n, 2.2, Colour::Samples, 1.0));
                Sheet {
                    width: width.pixels(),
                    legend: vec![
                        Key::new(Colour::Source, Sign::Dot, "noise x₀"),
                        Key::new(Colour::Faint, Sign::Line, "path"),
                        Key::new(Colour::Samples, Sign::Dot, "sample x̂₁"),
                    ],
                    rows: vec![Row::even(width.choose(520.0, 300.0), [panel])],
                }
            };
        let caption = format!(
            "{n} paths of the model from noise to samples{}.{} Where two of them cross here, they \
             pass at different times.",
            self.subject.under(),
            self.of_which()
        );
        Figure::new("trajectories", "Paths of the model", caption, numbers, sheet)
    }
}

fn count(set: &Matrix, view: &Flat) -> Vec<f64> {
    let points = (0..set.rows()).map(|row| [set.row(row)[0], set.row(row)[1]]);
    plane([view.x, view.y], [CELLS; 2], points)
}
