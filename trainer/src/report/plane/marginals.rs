//! Figures for more than two dimensions: single coordinates, and pairs of coordinates.

use serde_json::json;

use super::Plane;
use crate::report::chart::{Axis, Key, Mark, Panel, Row, Sheet, Symbol, Width};
use crate::report::colour::Colour;
use crate::report::figure::Figure;
use crate::report::histogram::Histogram;
use crate::report::numbers::thousands;
use crate::report::views::{column_of, marginal_view, plane_view, points};

/// The most columns that are shown one by one.
const COLUMNS: usize = 12;

/// The most columns that are shown in pairs.
const PAIRED: usize = 4;

/// The most bins; few rows have fewer.
const BINS: usize = 50;

/// The most dots of each set in a panel of a pair.
const DOTS: usize = 500;

impl Plane<'_> {
    pub(super) fn marginals(&self) -> Figure {
        let names = self.subject.model.data_columns();
        let shown = names.len().min(COLUMNS);
        let real = self.real.as_ref().map(|real| &real.x);
        let rows = real.map_or(self.samples.x.rows(), |real| real.rows());
        let bins = ((rows as f64).sqrt() as usize).clamp(8, BINS);
        let columns: Vec<(Histogram, Option<Histogram>)> = (0..shown)
            .map(|column| {
                let samples = column_of(&self.samples.x, column);
                let real = real.map(|real| column_of(real, column));
                let view = marginal_view(real.as_ref().unwrap_or(&samples));
                let count = |values: &[f32]| Histogram::over(view, bins, values.iter().copied());
                (count(&samples), real.as_deref().map(count))
            })
            .collect();
        let panels: Vec<Panel> =
            columns
                .iter()
                .zip(&names)
                .map(|((samples, real), name)| {
                    let most =
                        real.as_ref().map_or(0.0, Histogram::most).max(samples.most()).max(1e-9);
                    let x = Axis::new(samples.range, name.as_str());
                    let mut panel = Panel::new("", x, Axis::bare([0.0, 1.1 * most])).with(
                        Mark::steps(&samples.edges(), &samples.densities(), Colour::Samples, true),
                    );
                    if let Some(real) = real {
                        panel = panel.with(Mark::line(real.outline(), Colour::Target, 1.5));
                    }
                    panel
                })
                .collect();
        let sheet = |width: Width| {
            let rows = Row::grid(120.0, width.choose(4, 2), &panels);
            Sheet { width: width.pixels(), legend: self.legend(Symbol::Line), rows }
        };
        let caption = format!(
            "The density of each coordinate: {} samples{}.{}",
            thousands(self.samples.x.rows()),
            if real.is_some() { " and the data" } else { "; no data are available for comparison" },
            left_out(shown, names.len())
        );
        let numbers = json!({
            "samples": columns.iter().map(|(samples, _)| samples.to_json()).collect::<Vec<_>>(),
            "target": columns
                .iter()
                .map(|(_, real)| real.as_ref().map(Histogram::to_json))
                .collect::<Vec<_>>(),
        });
        Figure::new("marginals", "Each coordinate", caption, numbers, sheet)
    }

    pub(super) fn pairs(&self) -> Figure {
        let names = self.subject.model.data_columns();
        let shown = names.len().min(PAIRED);
        let real = self.real.as_ref().map(|real| &real.x);
        let samples = &self.samples.x;
        let pairs: Vec<[usize; 2]> =
            (1..shown).flat_map(|second| (0..second).map(move |first| [first, second])).collect();
        let panels: Vec<Panel> = pairs
            .iter()
            .map(|&pair| {
                let view = plane_view(&[real.unwrap_or(samples)], pair);
                let [x, y] = pair.map(|column| names[column].as_str());
                let mut panel = Panel::new("", Axis::new(view.x, x), Axis::new(view.y, y));
                for (set, colour, opacity) in
                    [(real, Colour::Target, 0.5), (Some(samples), Colour::Samples, 0.6)]
                {
                    let Some(set) = set else { continue };
                    let points = points(set, pair, DOTS);
                    panel = panel.with(Mark::Dots { points, radius: 1.3, colour, opacity });
                }
                panel
            })
            .collect();
        let sheet = |width: Width| {
            let rows = Row::grid(width.choose(230.0, 125.0), width.choose(3, 2), &panels);
            Sheet { width: width.pixels(), legend: self.legend(Symbol::Dot), rows }
        };
        let caption = format!(
            "Pairs of coordinates: {} samples{}.{}",
            samples.rows().min(DOTS),
            if real.is_some() { " over points of the data" } else { "" },
            left_out(shown, names.len())
        );
        let numbers = json!({ "pairs": pairs });
        Figure::new("pairs", "Pairs of coordinates", caption, numbers, sheet)
    }

    fn legend(&self, target: Symbol) -> Vec<Key> {
        let samples = if target == Symbol::Dot { Symbol::Dot } else { Symbol::Patch };
        let mut legend = vec![Key::new(Colour::Samples, samples, "samples x̂₁")];
        if self.real.is_some() {
            legend.push(Key::new(Colour::Target, target, "target π₁"));
        }
        legend
    }
}

/// Returns a sentence for captions on how many columns are shown; empty if all are.
fn left_out(shown: usize, all: usize) -> String {
    if shown < all { format!(" The first {shown} of {all} are shown.") } else { String::new() }
}
