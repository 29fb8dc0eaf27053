//! The figure of the model's paths from noise to samples.

use serde_json::json;

use super::{Plane, dots, side_by_side};
use crate::report::chart::{Key, Mark, Sheet, Symbol, Width};
use crate::report::colour::Colour;
use crate::report::figure::Figure;

/// The most paths that are drawn as lines.
const PATHS: usize = 150;

/// The most ends of paths that are drawn as dots.
const ENDS: usize = 2000;

impl Plane<'_> {
    pub(super) fn paths(&self) -> Figure {
        let [starts, ends] = [0.0, 1.0].map(|t| self.paths.at(t));
        let n = starts.rows().min(PATHS);
        let line = |row| Mark::Line {
            points: self.paths.path(row).map(|x| [x[0], x[1]].map(f64::from)).collect(),
            colour: Colour::Faint,
            width: 0.9,
            opacity: 0.7,
            dashed: false,
        };
        let sheet = |width: Width| {
            let lines = self
                .panel("paths")
                .with_all((0..n).map(line))
                .with(dots(&starts, n, 2.2, Colour::Source, 1.0))
                .with(dots(&ends, n, 2.2, Colour::Samples, 1.0));
            let all = dots(&ends, ENDS, 1.4, Colour::Samples, 0.7);
            let all = self.panel("ends of more paths").with(all);
            Sheet {
                width: width.pixels(),
                legend: vec![
                    Key::new(Colour::Source, Symbol::Dot, "noise x₀"),
                    Key::new(Colour::Faint, Symbol::Line, "path"),
                    Key::new(Colour::Samples, Symbol::Dot, "sample x̂₁"),
                ],
                rows: side_by_side(width, vec![lines, all]),
            }
        };
        let caption = format!(
            "{n} paths of the model from noise to samples{}.{}",
            self.subject.under(),
            if self.whole {
                " Where two paths cross, they pass at different times."
            } else {
                self.of_which()
            }
        );
        let numbers = json!({ "paths": n, "ends": ends.rows().min(ENDS) });
        Figure::new("trajectories", "Paths of the model", caption, numbers, sheet)
    }
}
