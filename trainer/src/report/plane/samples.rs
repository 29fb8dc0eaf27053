//! The figure of target and samples: points and densities.

use serde_json::json;

use super::{Plane, dots};
use crate::data::Matrix;
use crate::report::chart::{Axis, Mark, Panel, Row, Sheet, Width};
use crate::report::colour::{Colour, Ramp};
use crate::report::figure::Figure;
use crate::report::heat::Heat;
use crate::report::histogram::plane;
use crate::report::numbers::thousands;
use crate::report::views::{Rectangle, plane_view};

/// The most points of each set that are drawn.
const DOTS: usize = 2500;

/// The fewest and the most cells of a density in each direction.
const CELLS: [usize; 2] = [16, 100];

/// Points for each cell, on average; it sets the number of cells.
const PER_CELL: f64 = 10.0;

impl Plane<'_> {
    pub(super) fn samples(&self) -> Figure {
        let samples = &self.samples.x;
        let real = self.real.as_ref().map(|real| &real.x);
        let view = plane_view(&[real.unwrap_or(samples)], [0, 1]);
        let sets: Vec<(&str, &Matrix, Colour)> = real
            .map(|real| ("target π₁", real, Colour::Target))
            .into_iter()
            .chain([("samples x̂₁", samples, Colour::Samples)])
            .collect();
        let fewest = sets.iter().map(|(_, set, _)| set.rows()).min().unwrap_or(0);
        let cells = ((fewest as f64 / PER_CELL).sqrt() as usize).clamp(CELLS[0], CELLS[1]);
        let counts: Vec<Vec<f64>> =
            sets.iter().map(|(_, set, _)| count(set, &view, cells)).collect();
        // Shares instead of counts: both densities have one scale, whatever their numbers of points.
        let share = |counts: &[f64], set: &Matrix| -> Vec<f64> {
            counts.iter().map(|count| count / set.rows() as f64).collect()
        };
        let mut heats: Vec<Heat> = sets
            .iter()
            .zip(&counts)
            .map(|((_, set, _), counts)| Heat::new(Ramp::Amount, [cells; 2], share(counts, set)))
            .collect();
        let most = heats.iter().map(|heat| heat.most).fold(0.0, f64::max);
        heats.iter_mut().for_each(|heat| heat.most = most);

        let names = self.subject.model.data_columns();
        let (x, y) =
            (|| Axis::new(view.x, names[0].as_str()), || Axis::new(view.y, names[1].as_str()));
        let sheet = |width: Width| {
            let radius = width.choose(1.4, 1.0);
            // The same number of points from both sets, so that they look equally dense.
            let most = width.choose(DOTS, DOTS / 2).min(fewest);
            let scatter = sets.iter().map(|(name, set, colour)| {
                Panel::new(name, x(), y()).with(dots(set, most, radius, *colour, 0.7))
            });
            let dense = heats.iter().map(|heat| {
                let picture = Mark::Picture { heat: heat.clone(), x: view.x, y: view.y };
                Panel::new("", x(), y()).with(picture)
            });
            // Makes the panels about square.
            let height = width.choose(360.0, 125.0);
            let rows = if sets.len() == 1 {
                vec![Row::even(height, scatter.chain(dense))]
            } else {
                vec![Row::even(height, scatter), Row::even(height, dense)]
            };
            Sheet { width: width.pixels(), legend: Vec::new(), rows }
        };
        let mut caption = format!(
            "Points{} and their density (brighter is denser): {} samples",
            if self.whole { "" } else { " in the first two coordinates" },
            thousands(samples.rows())
        );
        match real {
            Some(real) => {
                caption += &format!(
                    " beside {} {}.",
                    thousands(real.rows()),
                    if self.has_rows() { "rows of the data" } else { "draws from the target" }
                );
            }
            None => caption += ". No data are available for comparison.",
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

    /// Whether the data are a file's rows, not draws from a known distribution.
    fn has_rows(&self) -> bool {
        let known = self.subject.known.as_ref();
        known.is_some_and(|known| matches!(known.real, crate::coupling::dataset::Real::Rows { .. }))
    }
}

/// Counts the points of a set in the cells of `view`, by their first two columns.
fn count(set: &Matrix, view: &Rectangle, cells: usize) -> Vec<f64> {
    let points = (0..set.rows()).map(|row| [set.row(row)[0], set.row(row)[1]]);
    plane([view.x, view.y], [cells; 2], points)
}
