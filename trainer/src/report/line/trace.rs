//! Figures of one path: as a table, and as an animation.

use anyhow::Result;
use serde_json::json;

use super::Line;
use crate::coupling::source::Source;
use crate::report::chart::{Anchor, Axis, Key, Mark, Panel, Row, Sheet, Symbol, TEXT, Width};
use crate::report::colour::Colour;
use crate::report::figure::{Animation, Figure, Table};

/// The starting point of the article's path.
const X_0: f32 = 0.85;

/// Number of steps of the article's path.
const STEPS: usize = 15;

impl Line<'_> {
    /// Makes the table of the path, and its animation. With a source other than noise the path starts at its
    /// first starting point.
    pub(super) fn trace(&self) -> Result<[Figure; 2]> {
        let x_0 = match self.subject.source {
            Source::Normal => X_0,
            _ => self.subject.starts(1).row(0)[0],
        };
        let solver = self.subject.solver(STEPS)?;
        let points = self.trajectory(&solver, x_0);
        let numbers = json!({ "t": points.iter().map(|p| p[0]).collect::<Vec<_>>(),
                              "x": points.iter().map(|p| p[1]).collect::<Vec<_>>() });
        let steps = solver.steps();
        let how = format!(
            "{steps} {} of {}{}",
            if steps == 1 { "step" } else { "steps" },
            solver.kind(),
            self.subject.under()
        );
        Ok([
            self.table(&points, x_0, &how, numbers.clone()),
            self.animation(&points, &how, numbers),
        ])
    }

    fn table(
        &self,
        points: &[[f64; 2]],
        x_0: f32,
        how: &str,
        numbers: serde_json::Value,
    ) -> Figure {
        let cells: Vec<[String; 3]> = points
            .iter()
            .enumerate()
            .map(|(step, [t, x])| [step.to_string(), format!("{t:.3}"), format!("{x:.3}")])
            .collect();
        let sheet = |width: Width| {
            // As many columns as are legible.
            let across = width.choose(8, 4);
            let blocks = cells.len().div_ceil(across);
            let lines = blocks * 4;
            let y = |line: usize| (lines - line) as f64 - 0.5;
            let text = |column: f64, line: usize, text: &str, colour| Mark::Text {
                at: [column, y(line)],
                offset: [0.0, 0.0],
                text: text.to_string(),
                colour,
                anchor: Anchor::Middle,
                size: TEXT,
            };
            let range = [0.0, across as f64 + 1.0];
            let mut panel = Panel::new("", Axis::bare(range), Axis::bare([0.0, lines as f64]));
            for (block, cells) in cells.chunks(across).enumerate() {
                for (line, name) in ["step", "t", "x"].into_iter().enumerate() {
                    panel = panel.with(text(0.5, block * 4 + line, name, Colour::Faint));
                    for (column, cell) in cells.iter().enumerate() {
                        let column = column as f64 + 1.5;
                        panel =
                            panel.with(text(column, block * 4 + line, &cell[line], Colour::Ink));
                    }
                }
            }
            let rows = vec![Row::even(lines as f64 * 20.0, [panel])];
            Sheet { width: width.pixels(), legend: Vec::new(), rows }
        };
        let caption = format!(
            "One path from x = {x_0} in {how}, as `flowlet trace` prints it: time t and position x before \
             the first step and after each step."
        );
        let mut figure = Figure::new("trace", "One path, step by step", caption, numbers, sheet);
        figure.table = Some(Table {
            header: ["step", "t", "x"].map(String::from).to_vec(),
            rows: cells.iter().map(|row| row.to_vec()).collect(),
        });
        figure
    }

    fn animation(&self, points: &[[f64; 2]], how: &str, numbers: serde_json::Value) -> Figure {
        let heat = self.field(self.near);
        let (end, colour, name) = self.end_shown();
        let sheet = |width: Width| {
            let left = (&self.source, width.choose("source π₀", "π₀"));
            let short = if colour == Colour::Samples { "x̂₁" } else { "π₁" };
            let right = (&end, colour, width.choose(name, short));
            let mut sheet =
                self.field_sheet(width, &heat, &[], left, right, "velocity: red up, blue down");
            sheet.legend.push(Key::new(
                Colour::Samples,
                Symbol::Dot,
                "the path and its current point",
            ));
            sheet
        };
        let caption = format!(
            "The path in the table, drawn over the velocity field, in {how}. Each step moves the point by a \
             velocity times the step's length. In Euler's method it is the velocity at the point."
        );
        let title = "One path, animated";
        let texts = points
            .iter()
            .enumerate()
            .map(|(step, [t, x])| format!("t = {t:.2}   step {step}   x = {x:.2}"))
            .collect();
        Figure::new("path", title, caption, numbers, sheet).moving(Animation {
            panel: [0, 1],
            frames: points.iter().map(|&point| vec![point]).collect(),
            texts,
            trail: true,
            radius: 5.0,
            pace: 350,
        })
    }
}
