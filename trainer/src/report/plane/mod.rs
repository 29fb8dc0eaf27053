//! Figures of a flow in two dimensions and more: the first two coordinates, and for more than two all of
//! them one by one and in pairs.

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
use super::views::{Flat, flat_view};
use crate::data::{Matrix, Points};

/// Steps in which samples are taken.
pub(super) const STEPS: usize = 50;

/// Paths that are kept whole.
const PATHS: usize = 2000;

/// What the figures share.
pub(super) struct Plane<'a> {
    subject: &'a Subject,
    /// In the user's units; none if none are at hand.
    real: Option<Points>,
    /// In the user's units, under the conditions that the data have, or that is shown.
    samples: Points,
    /// Under the condition that is shown, in flow units.
    paths: Trajectories,
    /// What paths are seen in, in flow units.
    view: Flat,
    /// Whether the plane is all that there is.
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
        let view = flat_view(&[&starts, &paths.at(1.0)], [0, 1]);
        let whole = subject.model.mlp.data_dim() == 2;
        Ok(Self { subject, real, samples, paths, view, whole })
    }

    /// The figures, each made when it is asked for.
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

    /// An empty panel over the view of paths.
    fn panel(&self, title: &str) -> Panel {
        let [x, y] = [0, 1].map(|column| self.subject.axis(column));
        Panel::new(title, Axis::new(self.view.x, x), Axis::new(self.view.y, y))
    }

    /// `, of the first two coordinates`, or nothing.
    fn of_which(&self) -> &'static str {
        if self.whole { "" } else { " Seen in the first two coordinates." }
    }

    /// Real data in flow units under the condition that is shown, at most `n`; none if none are at hand.
    fn ends(&self, n: usize) -> Option<Matrix> {
        let real = self.real.as_ref()?;
        let mut rows = self.subject.rows_shown(&real.c);
        rows.truncate(n);
        let mut points = real.select(&rows);
        self.subject.units.to_flow(&mut points);
        (!rows.is_empty()).then_some(points.x)
    }
}

/// Two large panels, about square.
fn side_by_side(width: Width, panels: Vec<Panel>) -> Vec<Row> {
    Row::grid(width.choose(380.0, 290.0), width.choose(2, 1), &panels)
}

/// Dots of the first two columns.
fn dots(matrix: &Matrix, most: usize, radius: f64, colour: Colour, opacity: f64) -> Mark {
    Mark::Dots { points: super::views::points(matrix, [0, 1], most), radius, colour, opacity }
}
