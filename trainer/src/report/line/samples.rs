//! Figures of samples and the target density, and of the density of the model's paths.

use anyhow::Result;
use serde_json::json;

use super::reference::FINE_BINS;
use super::{BINS, Line, STEPS, Shape, bins};
use crate::coupling::dataset::Real;
use crate::data::Matrix;
use crate::report::chart::{Axis, Key, Mark, Panel, Row, Sheet, Symbol, Width};
use crate::report::colour::{Colour, Ramp};
use crate::report::figure::Figure;
use crate::report::heat::Heat;
use crate::report::histogram::{Histogram, plane};
use crate::report::numbers::{count, thousands};
use crate::report::subject::repeat;
use crate::report::trajectories::Trajectories;
use rayon::prelude::*;

/// Number of times at which the model's paths are counted: 200 steps, as in the article.
const TIMES: usize = 201;

impl Line<'_> {
    /// Makes the figure of samples in the user's units, with the conditions of the data.
    pub(super) fn generated(&self) -> Result<Figure> {
        let subject = self.subject;
        let n = subject.points(STEPS);
        let solver = subject.solver(STEPS)?;
        let real = subject.real(n);
        let c = match &real {
            Some(real) => repeat(&real.c, n),
            None => subject.shown_rows(n),
        };
        let samples = subject.samples(STEPS, &c)?.x;
        let view = {
            let mut ends = Matrix::new(self.view.map(|x| x as f32).to_vec(), 2, 1);
            subject.units.data.backward(&mut ends);
            [f64::from(ends.row(0)[0]), f64::from(ends.row(1)[0])]
        };
        let histogram = Histogram::of(BINS, samples.values());
        let target =
            subject.known.as_ref().zip(real.as_ref()).map(|(known, real)| match known.density() {
                Some(density) => Shape::Known(
                    (0..400)
                        .map(|k| view[0] + (view[1] - view[0]) * f64::from(k) / 399.0)
                        .map(|x| [x, density(x)])
                        .collect(),
                ),
                None => Shape::Counted(Histogram::of(bins(known.rows()), real.x.values())),
            });
        let inside =
            samples.values().iter().filter(|&&x| (view[0]..=view[1]).contains(&f64::from(x)));
        let numbers = json!({
            "samples": histogram.to_json(),
            "target": target.as_ref().map(Shape::to_json),
            "samples_in_view": inside.count(),
        });
        let shape = Shape::Counted(histogram);
        let most = 1.08 * target.as_ref().map_or(0.0, Shape::most).max(shape.most());
        let name = &subject.model.data_columns()[0];
        let sheet = |width: Width| {
            let x = Axis::new(view, name.as_str());
            let mut panel = Panel::new("", x, Axis::new([0.0, most], "density"))
                .with_all(shape.marks(Colour::Samples, true));
            let mut legend = vec![Key::new(Colour::Samples, Symbol::Patch, "samples x̂₁")];
            if let Some(target) = &target {
                panel = panel.with_all(target.outline(Colour::Target));
                legend.push(Key::new(Colour::Target, Symbol::Line, "target π₁"));
            }
            let rows = vec![Row::even(260.0, [panel])];
            Sheet { width: width.pixels(), legend, rows }
        };
        let n = thousands(n);
        let mut caption = format!("{n} samples in {} steps of {}", solver.steps(), solver.kind());
        match (&target, subject.known.as_ref().map(|known| &known.real)) {
            (Some(Shape::Known(_)), _) => {
                caption += ", in 100 bins, compared with the density of the target."
            }
            (Some(_), Some(Real::Rows { .. })) => {
                caption += ", in 100 bins, compared with the rows of the data (in fewer bins if they are few).";
            }
            (Some(_), _) => {
                caption += ", in 100 bins, compared with as many draws from the target."
            }
            (None, _) => caption += ", in 100 bins. No data are available for comparison.",
        }
        if subject.is_conditional() && real.is_some() {
            caption += " The samples have the conditions of the data.";
        } else if subject.is_conditional() {
            caption += &format!(" All samples have {}.", subject.shown.name(None));
        }
        let title = if target.is_some() { "Samples against the target" } else { "Samples" };
        Ok(Figure::new("samples", title, caption, numbers, sheet))
    }

    /// Makes the figure of the density of the model's paths at each time.
    pub(super) fn path_density(&self) -> Result<Figure> {
        let subject = self.subject;
        let n = subject.points(TIMES - 1);
        let solver = subject.solver(TIMES - 1)?;
        let paths = Trajectories::new(subject, &solver, &subject.starts(n), &subject.shown_rows(n));
        let columns: Vec<Vec<f64>> = (0..TIMES)
            .into_par_iter()
            .map(|time| {
                let points = paths.at(time as f64 / (TIMES - 1) as f64);
                let points = points.values().iter().map(|&x| [0.0, x]);
                plane([[-1.0, 1.0], self.view], [1, FINE_BINS], points)
            })
            .collect();
        let heat = Heat::new(Ramp::Amount, [TIMES, FINE_BINS], columns.concat());
        let [noise, samples] = [0.0, 1.0].map(|t| Histogram::of(BINS, paths.at(t).values()));
        let steps = solver.steps();
        let counts: Vec<f64> = columns.iter().map(|column| column.iter().sum()).collect();
        let numbers = json!({
            "noise": noise.to_json(),
            "samples": samples.to_json(),
            "paths": n,
            "view": self.view,
            "paths_in_view": counts,
        });
        let (noise, samples) = (Shape::Counted(noise), Shape::Counted(samples));
        let sheet = |width: Width| {
            let time = Axis::new([0.0, 1.0], "t: time of the flow");
            let title = width.choose("the density of the model's paths", "density of paths");
            let middle = Panel::new(title, time, Axis::bare(self.view)).with(Mark::Picture {
                heat: heat.clone(),
                x: [0.0, 1.0],
                y: self.view,
            });
            let left = (&noise, width.choose("noise x₀", "x₀"));
            let right = (&samples, Colour::Samples, width.choose("samples x̂₁", "x̂₁"));
            let legend = vec![
                Key::new(Colour::Source, Symbol::Patch, "source π₀"),
                Key::new(Colour::Samples, Symbol::Patch, "samples x̂₁"),
            ];
            let rows = vec![self.between(width, 260.0, self.view, left, middle, right)];
            Sheet { width: width.pixels(), legend, rows }
        };
        let n = thousands(n);
        let caption = format!(
            "The density of {n} paths of the model at each time, in {}{} (brighter is denser). \
             Unlike reference paths, paths of a flow never cross.",
            count(steps, "step"),
            self.subject.under()
        );
        Ok(Figure::new("path-density", "The density of the model's paths", caption, numbers, sheet))
    }
}

impl Shape {
    /// Returns its outline, to be drawn over a filled shape.
    fn outline(&self, colour: Colour) -> Vec<Mark> {
        match self {
            Self::Known(points) => vec![Mark::line(points.clone(), colour, 2.2)],
            Self::Counted(histogram) => vec![Mark::line(histogram.outline(), colour, 1.6)],
        }
    }
}
