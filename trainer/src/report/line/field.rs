//! Figures of the learned velocity field, and of its difference from the exact one.

use anyhow::Result;
use flowlet::HeapSolver;
use rayon::prelude::*;
use serde_json::json;

use super::reference::{FIELD_BINS, LINES};
use super::{BINS, Line, STEPS, Shape};
use crate::report::chart::{Axis, Key, Mark, Panel, Row, Sheet, Symbol, Width};
use crate::report::colour::{Colour, Ramp};
use crate::report::exact::ExactField;
use crate::report::figure::Figure;
use crate::report::heat::Heat;
use crate::report::histogram::Histogram;
use crate::report::numbers::thousands;
use crate::report::trajectories::Trajectories;

/// Number of times in the field's grid: 0, 0.01, …, 1.
const TIMES: usize = 101;

impl Line<'_> {
    /// Evaluates the model's velocity on a grid over `view`: `[TIMES][FIELD_BINS]`, at the midpoint of each
    /// bin.
    pub(super) fn field(&self, view: [f64; 2]) -> Heat {
        let mlp = &self.subject.model.mlp;
        let c = &self.subject.shown.c;
        let columns: Vec<Vec<f64>> = (0..TIMES)
            .into_par_iter()
            .map_init(
                || mlp.scratch(),
                |scratch, time| {
                    let t = time as f32 / (TIMES - 1) as f32;
                    let velocity = |x: f64| f64::from(mlp.velocity(t, &[x as f32], c, scratch)[0]);
                    middles(view).map(velocity).collect()
                },
            )
            .collect();
        Heat::new(Ramp::Signed, [TIMES, FIELD_BINS], columns.concat())
    }

    pub(super) fn learned_field(&self) -> Result<Figure> {
        let heat = self.field(self.near);
        let lines = self.path_lines()?;
        let n = self.samples.len();
        let noise = Histogram::of(BINS, self.subject.starts(n).values());
        let samples = Histogram::of(BINS, &self.samples);
        let numbers = json!({
            "noise": noise.to_json(),
            "samples": samples.to_json(),
            "most": heat.most,
            "paths": lines,
        });
        let (noise, samples) = (Shape::Counted(noise), Shape::Counted(samples));
        let caption = format!(
            "The network's velocity at each time and position, computed by the runtime{}. Red is upward, \
             blue is downward, white is zero. Lines: paths along the field. Left: the histogram of noise; \
             right: that of {} samples.",
            self.subject.under(),
            thousands(n)
        );
        let sheet = |width: Width| {
            let (left, right) =
                ((&noise, "x₀"), (&samples, Colour::Samples, width.choose("samples", "x̂₁")));
            self.field_sheet(width, &heat, &lines, left, right, "velocity: red up, blue down")
        };
        Ok(Figure::new("learned-field", "The learned velocity field", caption, numbers, sheet))
    }

    /// Makes the figure of learned minus exact velocity, if the exact one is known.
    pub(super) fn field_error(&self) -> Result<Option<Figure>> {
        let Some(exact) = ExactField::of(self.subject) else { return Ok(None) };
        let learned = self.field(self.near);
        let truth: Vec<f64> = (0..TIMES)
            .flat_map(|time| {
                let t = time as f64 / (TIMES - 1) as f64;
                middles(self.near).map(move |x| (t, x))
            })
            .map(|(t, x)| exact.velocity(t, &[x])[0])
            .collect();
        let values: Vec<f64> = learned.values.iter().zip(&truth).map(|(a, b)| a - b).collect();
        let heat = Heat::new(Ramp::Signed, [TIMES, FIELD_BINS], values);
        let root = self.error_on_paths(&exact)?;
        let numbers = json!({ "most": heat.most, "root_mean_square": root });
        let caption = format!(
            "Learned minus exact velocity{}. The exact field between noise and a mixture of Gaussians has \
             a closed form (Lipman et al. 2023, theorem 1). On the model's paths the root mean square is \
             {root:.3}. The largest difference in the picture is {:.2}; large differences are usual where \
             few paths pass, because the network had little training data there.",
            self.subject.under(),
            heat.most
        );
        let sheet = |width: Width| {
            let (end, colour, _) = self.end_shown();
            let right = (&end, colour, width.choose("target π₁", "π₁"));
            let left = (&self.source, width.choose("source π₀", "π₀"));
            self.field_sheet(width, &heat, &[], left, right, "learned − exact velocity")
        };
        let title = "Learned minus exact velocity";
        Ok(Some(Figure::new("field-error", title, caption, numbers, sheet)))
    }

    /// Returns the root mean square of learned minus exact velocity on 1,000 paths of the model.
    fn error_on_paths(&self, exact: &ExactField) -> Result<f64> {
        const PATHS: usize = 1000;
        let (subject, solver) = (self.subject, self.subject.solver(STEPS)?);
        let c = &subject.shown.c;
        let (starts, rows) = (subject.starts(PATHS), subject.shown_rows(PATHS));
        let paths = Trajectories::new(subject, &solver, &starts, &rows);
        let mlp = &subject.model.mlp;
        let mut scratch = mlp.scratch();
        let (mut squares, mut count) = (0.0, 0.0);
        for k in 0..=10 {
            let t = f64::from(k) / 10.0;
            for &x in paths.at(t).values() {
                let learned = f64::from(mlp.velocity(t as f32, &[x], c, &mut scratch)[0]);
                squares += (learned - exact.velocity(t, &[x.into()])[0]).powi(2);
                count += 1.0;
            }
        }
        Ok(f64::sqrt(squares / count))
    }

    /// Returns paths of the model from equally spaced starting points, with points at each step.
    fn path_lines(&self) -> Result<Vec<Vec<[f64; 2]>>> {
        let solver = self.subject.solver(TIMES - 1)?;
        let [low, high] = self.far;
        let starts = (0..LINES).map(|k| low + (high - low) * k as f64 / (LINES - 1) as f64);
        Ok(starts.map(|x_0| self.trajectory(&solver, x_0 as f32)).collect())
    }

    /// Returns one path with the shown condition: `[t, x]` before the first step and after each step.
    pub(super) fn trajectory(&self, solver: &HeapSolver, x_0: f32) -> Vec<[f64; 2]> {
        let mlp = &self.subject.model.mlp;
        let points = solver.trajectory(mlp, &[x_0], &self.subject.shown.c, &mut mlp.scratch());
        solver.times().zip(points).map(|(t, x)| [f64::from(t), f64::from(x)]).collect()
    }

    /// Makes a sheet with a field and lines of paths, between the densities at t = 0 and t = 1; below it the
    /// colour scale with its `meaning`.
    pub(super) fn field_sheet(
        &self,
        width: Width,
        heat: &Heat,
        lines: &[Vec<[f64; 2]>],
        left: (&Shape, &str),
        right: (&Shape, Colour, &str),
        meaning: &str,
    ) -> Sheet {
        let time = Axis::new([0.0, 1.0], "t: time of the flow");
        let mut middle = Panel::new("", time, Axis::bare(self.near)).with(Mark::Picture {
            heat: heat.clone(),
            x: [0.0, 1.0],
            y: self.near,
        });
        for line in lines {
            middle = middle.with(Mark::Line {
                points: line.clone(),
                colour: Colour::OnPicture,
                width: 1.1,
                opacity: 0.8,
                dashed: false,
            });
        }
        let arrows = lines.iter().flat_map(|line| arrows_along(line)).collect();
        middle = middle.with(Mark::Arrows { arrows, colour: Colour::OnPicture, width: 2.0 });
        let mut legend = vec![
            Key::new(Colour::Source, Symbol::Patch, "source"),
            Key::new(
                right.1,
                Symbol::Patch,
                if right.1 == Colour::Samples { "samples" } else { "target" },
            ),
        ];
        if !lines.is_empty() {
            legend.push(Key::new(Colour::Ink, Symbol::Line, "paths along the field"));
        }
        Sheet {
            width: width.pixels(),
            legend,
            rows: vec![
                self.between(width, width.choose(320.0, 280.0), self.near, left, middle, right),
                Row::scale(heat, meaning),
            ],
        }
    }
}

/// Returns the midpoints of the field's bins.
fn middles([low, high]: [f64; 2]) -> impl Iterator<Item = f64> {
    (0..FIELD_BINS).map(move |bin| low + (high - low) * (bin as f64 + 0.5) / FIELD_BINS as f64)
}

/// Returns four short arrows that show the direction of a path.
fn arrows_along(line: &[[f64; 2]]) -> impl Iterator<Item = [[f64; 2]; 2]> {
    let last = line.len() - 1;
    [0.12, 0.37, 0.62, 0.87].into_iter().map(move |share: f64| {
        let from = ((share * last as f64) as usize).min(last.saturating_sub(1));
        let to = (from + (last / 40).max(1)).min(last);
        [line[from], line[to]]
    })
}
