//! What a figure consists of, before it is drawn: rows of panels with marks in data units.
//!
//! [`draw()`] turns them into SVG. Only the files beside this one know the plotting crate.

mod clip;
mod draw;
mod frame;
mod inserts;
mod marks;
mod pen;
mod text;

pub use draw::draw;
pub use frame::{Drawing, Frame};
pub(super) use text::FONT;

use super::colour::Colour;
use super::heat::Heat;
use crate::report::numbers::thousands;

/// How wide a figure is: as on a desk, or as on a phone. Text has the same size in both, so that it can
/// be read in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// For a screen or paper.
    Wide,
    /// For a phone.
    Narrow,
}

impl Width {
    /// In pixels.
    pub fn pixels(self) -> f64 {
        match self {
            Self::Wide => 960.0,
            Self::Narrow => 400.0,
        }
    }

    /// The first on a desk, the second on a phone.
    pub fn choose<T>(self, wide: T, narrow: T) -> T {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }
}

/// A figure of one width.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// In pixels.
    pub width: f64,
    /// What colours mean, in a line above the panels.
    pub legend: Vec<Key>,
    /// From top to bottom.
    pub rows: Vec<Row>,
}

/// A line of the legend.
#[derive(Clone, Debug)]
pub struct Key {
    /// The colour.
    pub colour: Colour,
    /// How it is shown.
    pub sign: Sign,
    /// What it means.
    pub text: String,
}

/// How a legend shows a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A filled square.
    Patch,
    /// A line.
    Line,
    /// A broken line.
    Dashes,
    /// A dot.
    Dot,
}

impl Key {
    /// A line of the legend.
    pub fn new(colour: Colour, sign: Sign, text: impl Into<String>) -> Self {
        Self { colour, sign, text: text.into() }
    }
}

/// Panels side by side.
#[derive(Clone, Debug)]
pub struct Row {
    /// Of the plots, in pixels, without titles and labels.
    pub height: f64,
    /// Each with its share of the width.
    pub panels: Vec<(f64, Panel)>,
    /// For how many panels there is room; those that are missing are as wide as the first.
    pub places: usize,
}

impl Row {
    /// Panels of equal width.
    pub fn even(height: f64, panels: impl IntoIterator<Item = Panel>) -> Self {
        let panels: Vec<(f64, Panel)> = panels.into_iter().map(|panel| (1.0, panel)).collect();
        Self { height, places: panels.len(), panels }
    }

    /// A ramp and its numbers.
    pub fn scale(heat: &Heat, meaning: &str) -> Self {
        let range = heat.range();
        let panel = Panel::new("", Axis::new(range, meaning), Axis::bare([0.0, 1.0]));
        let scale = Heat::scale(heat.ramp, heat.most);
        Self::even(10.0, [panel.with(Mark::Picture { heat: scale, x: range, y: [0.0, 1.0] })])
    }

    /// Panels of equal width in rows of `places`.
    pub fn grid(height: f64, places: usize, panels: &[Panel]) -> Vec<Self> {
        let rows = panels.chunks(places).map(|panels| Self::even(height, panels.to_vec()));
        rows.map(|row| Self { places, ..row }).collect()
    }
}

/// A plot.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Above it; as many lines as are given.
    pub title: Vec<String>,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// One over the other.
    pub marks: Vec<Mark>,
}

/// An axis. Its range may run backwards.
#[derive(Clone, Debug)]
pub struct Axis {
    /// From where to where.
    pub range: [f64; 2],
    /// What it measures.
    pub label: String,
    /// Whether it has numbers.
    pub numbers: bool,
}

impl Axis {
    /// An axis with numbers.
    pub fn new(range: [f64; 2], label: impl Into<String>) -> Self {
        Self { range, label: label.into(), numbers: true }
    }

    /// An axis that its neighbour has the numbers of.
    pub fn bare(range: [f64; 2]) -> Self {
        Self { range, label: String::new(), numbers: false }
    }
}

impl Panel {
    /// A panel without marks.
    pub fn new(title: &str, x: Axis, y: Axis) -> Self {
        let title = if title.is_empty() { Vec::new() } else { vec![title.to_string()] };
        Self { title, x, y, marks: Vec::new() }
    }

    /// With a mark more, over the others.
    pub fn with(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// With marks more, over the others.
    pub fn with_all(mut self, marks: impl IntoIterator<Item = Mark>) -> Self {
        self.marks.extend(marks);
        self
    }
}

/// Something drawn, in the units of the axes. What lies outside is cut off.
#[derive(Clone, Debug)]
pub enum Mark {
    /// A line through points.
    Line {
        /// Its points.
        points: Vec<[f64; 2]>,
        /// Its colour.
        colour: Colour,
        /// In pixels.
        width: f64,
        /// From 0 to 1.
        opacity: f64,
        /// Whether it is broken.
        dashed: bool,
    },
    /// The area inside a line.
    Area {
        /// Its corners.
        points: Vec<[f64; 2]>,
        /// Its colour.
        colour: Colour,
        /// From 0 to 1.
        opacity: f64,
    },
    /// A picture.
    Picture {
        /// Its cells.
        heat: Heat,
        /// From where to where it lies.
        x: [f64; 2],
        /// From where to where it lies.
        y: [f64; 2],
    },
    /// Dots.
    Dots {
        /// Their centres.
        points: Vec<[f64; 2]>,
        /// In pixels.
        radius: f64,
        /// Their colour.
        colour: Colour,
        /// From 0 to 1.
        opacity: f64,
    },
    /// Arrows.
    Arrows {
        /// From where to where.
        arrows: Vec<[[f64; 2]; 2]>,
        /// Their colour.
        colour: Colour,
        /// In pixels.
        width: f64,
    },
    /// A text.
    Text {
        /// Where.
        at: [f64; 2],
        /// In pixels, from there to the right and down.
        offset: [f64; 2],
        /// The text.
        text: String,
        /// Its colour.
        colour: Colour,
        /// Which part of it is there.
        anchor: Anchor,
        /// In pixels.
        size: f64,
    },
}

/// Which part of a text is at its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// The size of small text, in pixels.
pub const TEXT: f64 = 12.5;

impl Mark {
    /// A line.
    pub fn line(points: Vec<[f64; 2]>, colour: Colour, width: f64) -> Self {
        Self::Line { points, colour, width, opacity: 1.0, dashed: false }
    }

    /// A broken line.
    pub fn dashes(points: Vec<[f64; 2]>, colour: Colour) -> Self {
        Self::Line { points, colour, width: 1.2, opacity: 1.0, dashed: true }
    }

    /// A text to the right of a point.
    pub fn text(at: [f64; 2], offset: [f64; 2], text: impl Into<String>, colour: Colour) -> Self {
        let (text, anchor) = (text.into(), Anchor::Start);
        Self::Text { at, offset, text, colour, anchor, size: TEXT }
    }

    /// The area under the steps of a histogram: `heights` between `edges`, one edge more than heights.
    /// `upright` has the bins on the x axis, otherwise they are on the y axis.
    pub fn steps(edges: &[f64], heights: &[f64], colour: Colour, upright: bool) -> Self {
        let mut points = vec![[edges[0], 0.0]];
        for (edge, &height) in edges.windows(2).zip(heights) {
            points.extend([[edge[0], height], [edge[1], height]]);
        }
        points.push([edges[edges.len() - 1], 0.0]);
        if !upright {
            points.iter_mut().for_each(|point| point.reverse());
        }
        Self::Area { points, colour, opacity: 0.55 }
    }

    /// A curve and the area under it, over equally distant places; `upright` as for [`Self::steps`].
    pub fn curve(points: &[[f64; 2]], colour: Colour, upright: bool) -> [Self; 2] {
        let (first, last) = (points[0], points[points.len() - 1]);
        let mut line = points.to_vec();
        let mut area = [vec![[first[0], 0.0]], line.clone(), vec![[last[0], 0.0]]].concat();
        if !upright {
            line.iter_mut().chain(&mut area).for_each(|point| point.reverse());
        }
        [Self::Area { points: area, colour, opacity: 0.3 }, Self::line(line, colour, 1.8)]
    }
}

/// A number on an axis or in a text: short, and without digits that say nothing.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e7).contains(&size) {
        let text = format!("{value:.2e}");
        let (digits, power) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = digits.trim_end_matches('0').trim_end_matches('.');
        return format!("{digits}e{power}").replace('-', "−");
    }
    if size >= 1000.0 {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", thousands(format!("{size:.0}")));
    }
    let text = { format!("{value:.3}") };
    let text = match text.split_once('.') {
        Some((whole, part)) => match part.trim_end_matches('0') {
            "" => whole.to_string(),
            part => format!("{whole}.{part}"),
        },
        None => text,
    };
    if text == "-0" { "0".to_string() } else { text.replace('-', "−") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.00001, "−1e−5"),
            (2.5, "2.5"),
            (-0.25, "−0.25"),
            (10_000.0, "10,000"),
            (2.5e9, "2.5e9"),
        ] {
            assert_eq!(number(value), expected);
        }
    }

    #[test]
    fn steps_go_along_the_bins() {
        let Mark::Area { points, .. } =
            Mark::steps(&[0.0, 1.0, 2.0], &[3.0, 4.0], Colour::Target, false)
        else {
            panic!("an area")
        };
        let expected = [[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [4.0, 1.0], [4.0, 2.0], [0.0, 2.0]];
        assert_eq!(points, expected);
    }
}
