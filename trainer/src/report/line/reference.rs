//! Figures of what the network learns from: straight paths from noise to data, and their velocities.

use rayon::prelude::*;
use serde_json::json;

use super::{BINS, Line, Shape, path};
use crate::report::chart::{Anchor, Axis, Key, Mark, Panel, Sheet, Symbol, Width};
use crate::report::colour::{Colour, Ramp};
use crate::report::figure::Figure;
use crate::report::heat::Heat;
use crate::report::histogram::{Histogram, bin, plane};
use crate::report::numbers::thousands;
use crate::report::subject::Pairs;

/// Number of paths that are drawn one by one.
const DRAWN: usize = 7;

/// Number of times at which paths are counted: 0, 0.01, …, 1.
const TIMES: usize = 101;

/// Bins of the coordinate in a heat map of densities.
pub(super) const FINE_BINS: usize = 480;

/// Number of times of the average velocity field: 0, 0.05, …, 1.
const FIELD_TIMES: usize = 21;

/// Bins of the coordinate in a velocity field.
pub(super) const FIELD_BINS: usize = 200;

/// Number of lines of paths over a field.
pub(super) const LINES: usize = 9;

impl Line<'_> {
    /// Returns the pairs.
    ///
    /// # Panics
    ///
    /// Panics without pairs; [`Line::figures`] makes figures of pairs only if there are pairs.
    fn pairs(&self) -> &Pairs {
        match &self.pairs {
            Some(pairs) => pairs,
            None => unreachable!("a figure of pairs needs pairs"),
        }
    }

    fn how_paired(&self) -> &'static str {
        let known = self.subject.known.as_ref();
        if known.is_some_and(|known| known.coupling.transports()) {
            "paired as in training, at the least total squared distance within a batch"
        } else {
            "paired at random"
        }
    }

    pub(super) fn reference_paths(&self) -> Figure {
        let Pairs { x_0, x_1, .. } = self.pairs();
        let n = x_0.rows();
        let columns: Vec<Vec<f64>> = (0..TIMES)
            .into_par_iter()
            .map(|time| {
                let t = time as f32 / (TIMES - 1) as f32;
                let ends = x_0.values().iter().zip(x_1.values());
                let points = ends.map(|(x_0, x_1)| [0.0, (1.0 - t) * x_0 + t * x_1]);
                plane([[-1.0, 1.0], self.view], [1, FINE_BINS], points)
            })
            .collect();
        let heat = Heat::new(Ramp::Amount, [TIMES, FINE_BINS], columns.concat());
        let counts: Vec<f64> = columns.iter().map(|column| column.iter().sum()).collect();
        let noise = Histogram::of(BINS, x_0.values());
        let data = Histogram::of(BINS, x_1.values());
        let numbers = json!({
            "noise": noise.to_json(),
            "data": data.to_json(),
            "paths": n,
            "view": self.view,
            "paths_in_view": counts,
        });
        let (noise, data) = (Shape::Counted(noise), Shape::Counted(data));
        let (end, _, _) = self.end();
        let lines = || {
            (0..DRAWN.min(n)).flat_map(|row| {
                let ends = [[0.0, f64::from(x_0.row(row)[0])], [1.0, f64::from(x_1.row(row)[0])]];
                let dot = |point, colour| Mark::Dots {
                    points: vec![point],
                    radius: 3.5,
                    colour,
                    opacity: 1.0,
                };
                [
                    Mark::line(ends.to_vec(), Colour::Path, 1.4),
                    dot(ends[0], Colour::Source),
                    dot(ends[1], Colour::Target),
                ]
            })
        };
        let sheet = |width: Width| {
            let time = |label: &str| Axis::new([0.0, 1.0], label);
            let few = Panel::new("a few paths", time(""), Axis::bare(self.view)).with_all(lines());
            let many = Panel::new(
                "the density of all paths",
                time("t: time of the flow"),
                Axis::bare(self.view),
            )
            .with(Mark::Picture { heat: heat.clone(), x: [0.0, 1.0], y: self.view });
            let [left, right] = width.choose(["source π₀", "target π₁"], ["π₀", "π₁"]);
            Sheet {
                width: width.pixels(),
                legend: vec![
                    Key::new(Colour::Source, Symbol::Patch, "source π₀"),
                    Key::new(Colour::Target, Symbol::Patch, "target π₁"),
                    Key::new(Colour::Path, Symbol::Line, "straight path from x₀ to x₁"),
                ],
                rows: vec![
                    self.between(
                        width,
                        220.0,
                        self.view,
                        (&self.source, left),
                        few,
                        (&end, Colour::Target, right),
                    ),
                    self.between(
                        width,
                        220.0,
                        self.view,
                        (&noise, width.choose("noise x₀", "x₀")),
                        many,
                        (&data, Colour::Target, width.choose("data x₁", "x₁")),
                    ),
                ],
            }
        };
        let caption = format!(
            "Top: {DRAWN} reference paths, which are straight lines from noise x₀ to data x₁, {}. Bottom: \
             the density of {} such paths at each time (brighter is denser), between the histograms of \
             their ends.",
            self.how_paired(),
            thousands(n)
        );
        Figure::new("reference-paths", "Reference paths", caption, numbers, sheet)
    }

    /// Makes the figure of one path and its velocity: the article's example, scaled to this view.
    pub(super) fn target_velocity(&self) -> Figure {
        let scaled = |x: f64| {
            let [low, high] = self.view;
            (low + high) / 2.0 + x / 5.0 * (high - low)
        };
        let (x_0, x_1, t) = (scaled(1.32), scaled(-1.92), 0.67);
        let x_t = (1.0 - t) * x_0 + t * x_1;
        let (end, colour, name) = self.end();
        let numbers = json!({ "x_0": x_0, "x_1": x_1, "t": t, "x_t": x_t, "velocity": x_1 - x_0 });
        let sheet = |width: Width| {
            let dots = |points: Vec<[f64; 2]>, colour| Mark::Dots {
                points,
                radius: 4.0,
                colour,
                opacity: 1.0,
            };
            let text = |at, offset, text: &str, colour, anchor| Mark::Text {
                at,
                offset,
                text: text.to_string(),
                colour,
                anchor,
                size: 15.0,
            };
            // Room at the right for labels.
            let room = width.choose(0.12, 0.45);
            let x = Axis::new([-0.06, 1.0 + room], "t: time of the flow");
            let low = self.view[0];
            let middle = Panel::new("", x, Axis::bare(self.view))
                .with(Mark::dashes(vec![[0.0, x_0], [1.0, x_0]], Colour::Path))
                .with(Mark::dashes(vec![[0.0, x_t], [t, x_t]], Colour::Faint))
                .with(Mark::dashes(vec![[t, low], [t, x_t]], Colour::Faint))
                .with(Mark::line(vec![[0.0, x_0], [1.0, x_1]], Colour::Path, 2.0))
                .with(Mark::Arrows {
                    // Ends before the dot.
                    arrows: vec![[[1.0, x_0], [1.0, x_1 + 0.03 * (x_0 - x_1)]]],
                    colour: Colour::Velocity,
                    width: 2.2,
                })
                .with(dots(vec![[0.0, x_0]], Colour::Source))
                .with(dots(vec![[1.0, x_1]], Colour::Target))
                .with(dots(vec![[t, x_t]], Colour::Velocity))
                .with(text([0.0, x_0], [8.0, -14.0], "x₀", Colour::Source, Anchor::Start))
                .with(text([1.0, x_1], [8.0, 10.0], "x₁", Colour::Target, Anchor::Start))
                .with(text([1.0, x_0], [8.0, 0.0], "x₀", Colour::Faint, Anchor::Start))
                .with(text(
                    [1.0, (x_0 + x_1) / 2.0],
                    [8.0, 0.0],
                    "x₁ − x₀",
                    Colour::Velocity,
                    Anchor::Start,
                ))
                .with(text([0.0, x_t], [8.0, 12.0], "xₜ", Colour::Faint, Anchor::Start))
                .with(text([t, low], [8.0, -12.0], "t", Colour::Faint, Anchor::Start))
                .with(text([t, x_t], [-10.0, 16.0], "v(xₜ, t)", Colour::Velocity, Anchor::End));
            let [left, right] = width.choose(["source π₀", name], ["π₀", "π₁"]);
            Sheet {
                width: width.pixels(),
                legend: vec![
                    Key::new(Colour::Path, Symbol::Line, "path from x₀ to x₁"),
                    Key::new(Colour::Velocity, Symbol::Line, "velocity v = x₁ − x₀"),
                ],
                rows: vec![self.between(
                    width,
                    260.0,
                    self.view,
                    (&self.source, left),
                    middle,
                    (&end, colour, right),
                )],
            }
        };
        let caption = "One path. At time t it is at xₜ = (1 − t)·x₀ + t·x₁. Its velocity is x₁ − x₀ \
                       everywhere on the path. Training compares the network's velocity at xₜ with it.";
        Figure::new("target-velocity", "What the network learns", caption, numbers, sheet)
    }

    /// Makes the figure of the field without a network: the mean velocity of the paths in each bin.
    pub(super) fn average_field(&self) -> Figure {
        let Pairs { x_0, x_1, c } = self.pairs();
        let rows = self.subject.rows_shown(c);
        // The heat map shows the near view. The lines of paths need the far one, to stay inside.
        let averages = |view: [f64; 2], empty: f64| -> Vec<f64> {
            let columns: Vec<Vec<f64>> = (0..FIELD_TIMES)
                .into_par_iter()
                .map(|time| {
                    let t = time as f32 / (FIELD_TIMES - 1) as f32;
                    let (mut sums, mut counts) = ([0.0; FIELD_BINS], [0.0; FIELD_BINS]);
                    for &row in &rows {
                        let (x_0, x_1) = (x_0.row(row)[0], x_1.row(row)[0]);
                        let x_t = f64::from((1.0 - t) * x_0 + t * x_1);
                        if let Some(bin) = bin(x_t, view, FIELD_BINS) {
                            sums[bin] += f64::from(x_1 - x_0);
                            counts[bin] += 1.0;
                        }
                    }
                    let means = sums.iter().zip(&counts);
                    means
                        .map(|(sum, count)| if *count > 0.0 { sum / count } else { empty })
                        .collect()
                })
                .collect();
            columns.concat()
        };
        let heat =
            Heat::new(Ramp::Signed, [FIELD_TIMES, FIELD_BINS], averages(self.near, f64::NAN));
        let far = averages(self.far, 0.0);
        let velocity = |step: usize, x: f64| {
            bin(x, self.far, FIELD_BINS).map_or(0.0, |bin| far[step * FIELD_BINS + bin])
        };
        let lines: Vec<Vec<[f64; 2]>> = (0..LINES)
            .map(|k| {
                let [low, high] = self.far;
                let start = low + (high - low) * k as f64 / (LINES - 1) as f64;
                path(start, FIELD_TIMES - 1, velocity)
            })
            .collect();
        let sides = [x_0, x_1].map(|x| Histogram::of(BINS, x.select(&rows).values()));
        let numbers = json!({
            "noise": sides[0].to_json(),
            "data": sides[1].to_json(),
            "most": heat.most,
            "paths": lines,
        });
        let [noise, data] = sides.map(Shape::Counted);
        let caption = format!(
            "The velocity field without a network: in each cell, the mean velocity of those of {} reference \
             paths that pass there. Red is upward, blue is downward, white is zero; cells without paths are \
             empty. Lines: paths along this field, in {} steps.{}",
            thousands(rows.len()),
            FIELD_TIMES - 1,
            self.condition_note()
        );
        let sheet = |width: Width| {
            let (left, right) = ((&noise, "x₀"), (&data, Colour::Target, "x₁"));
            self.field_sheet(width, &heat, &lines, left, right, "velocity: red up, blue down")
        };
        Figure::new(
            "average-field",
            "The average velocity of reference paths",
            caption,
            numbers,
            sheet,
        )
    }

    /// Returns a sentence for captions on the shown condition; empty without conditions.
    pub(super) fn condition_note(&self) -> String {
        let name = self.subject.shown.name(None);
        if name.is_empty() {
            return name;
        }
        format!(" Shown under {name}: only reference paths with these categories count.")
    }
}
