//! Figures of a flow in two or more dimensions. They show the first two coordinates; for more than two also
//! each coordinate, and coordinates in pairs.

mod cloud;
mod field;
mod marginals;
mod paths;
mod samples;

use anyhow::Result;

use super::chart::{Axis, Mark, Panel, Row, Width};
use super::colour::Colour;
use super::figure::Maker;
use super::subject::{Subject, repeat};
use super::trajectories::Trajectories;
use super::views::{Rectangle, plane_view};
use crate::data::{Matrix, Points};

/// Number of solver steps of the samples.
pub(super) const STEPS: usize = 50;

/// The most paths whose points are all kept.
const PATHS: usize = 2000;

/// The data that the figures share.
pub(super) struct Plane<'a> {
    subject: &'a Subject,
    /// Real data in the user's units, if available.
    real: Option<Points>,
    /// Samples in the user's units, with the conditions of the real data, or without data the shown condition.
    samples: Points,
    /// Paths with the shown condition, in flow units.
    paths: Trajectories,
    /// The view of figures with paths, in flow units.
    view: Rectangle,
    /// Whether there are only two dimensions.
    whole: bool,
}

impl<'a> Plane<'a> {
    pub fn new(subject: &'a Subject) -> Result<Self> {
        let n = subject.points(STEPS);
        let real = subject.real(n);
        let c = match &real {
            Some(real) => repeat(&real.c, n),
            None => subject.shown_rows(n),
        };
        let samples = subject.samples(STEPS, &c)?;
        let kept = n.min(PATHS);
        let solver = subject.solver(STEPS)?;
        let starts = subject.starts(kept);
        let paths = Trajectories::new(subject, &solver, &starts, &subject.shown_rows(kept));
        let view = plane_view(&[&starts, &paths.at(1.0)], [0, 1]);
        let whole = subject.model.mlp.data_dim() == 2;
        Ok(Self { subject, real, samples, paths, view, whole })
    }

    /// Returns the makers of the figures.
    pub fn figures(&self) -> Vec<Maker<'_>> {
        let mut makers: Vec<Maker<'_>> = vec![Box::new(|| Ok(vec![self.samples()]))];
        if !self.whole {
            makers.push(Box::new(|| Ok(vec![self.marginals()])));
            makers.push(Box::new(|| Ok(vec![self.pairs()])));
        }
        makers.push(Box::new(|| Ok(vec![self.paths()])));
        if self.whole {
            makers.push(Box::new(|| Ok(vec![self.field()])));
            makers.push(Box::new(|| Ok(Vec::from_iter(self.field_error()))));
        }
        makers.push(Box::new(|| Ok(vec![self.cloud()])));
        makers
    }

    /// Makes an empty panel over the view of paths.
    fn panel(&self, title: &str) -> Panel {
        let [x, y] = [0, 1].map(|column| self.subject.axis(column));
        Panel::new(title, Axis::new(self.view.x, x), Axis::new(self.view.y, y))
    }

    /// Returns a sentence for captions; empty in two dimensions.
    fn of_which(&self) -> &'static str {
        if self.whole { "" } else { " Only the first two coordinates are shown." }
    }

    /// Returns at most `n` points of real data with the shown categories, `[n, D]` in flow units, if there
    /// are any.
    fn ends(&self, n: usize) -> Option<Matrix> {
        let real = self.real.as_ref()?;
        let mut rows = self.subject.rows_shown(&real.c);
        rows.truncate(n);
        let mut points = real.select(&rows);
        self.subject.units.to_flow(&mut points);
        (!rows.is_empty()).then_some(points.x)
    }
}

/// Arranges two large panels, about square, side by side or, on a phone, one below the other.
fn side_by_side(width: Width, panels: Vec<Panel>) -> Vec<Row> {
    Row::grid(width.choose(380.0, 290.0), width.choose(2, 1), &panels)
}

/// Makes dots from the first two columns of the first `most` rows.
fn dots(matrix: &Matrix, most: usize, radius: f64, colour: Colour, opacity: f64) -> Mark {
    Mark::Dots { points: super::views::points(matrix, [0, 1], most), radius, colour, opacity }
}
