//! The contents of a figure before it is drawn: rows of panels, with marks in data units.
//!
//! [`draw()`] turns them into SVG. Only this folder's other files use the plotting crate.

mod clip;
mod draw;
mod frame;
mod inserts;
mod marks;
mod pen;
mod text;

pub use draw::draw;
pub use frame::{Drawing, Frame};
#[cfg(feature = "figures")]
pub(super) use text::FONT;

use super::colour::Colour;
use super::heat::Heat;
use crate::report::numbers::thousands;

/// The width of a figure. Text has the same size in pixels at both widths, so that both are legible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 960 pixels, for a computer's screen or paper.
    Wide,
    /// 400 pixels, for a phone.
    Narrow,
}

impl Width {
    /// Returns the width in pixels.
    pub fn pixels(self) -> f64 {
        match self {
            Self::Wide => 960.0,
            Self::Narrow => 400.0,
        }
    }

    /// Returns `wide` or `narrow`, whichever belongs to this width.
    pub fn choose<T>(self, wide: T, narrow: T) -> T {
        match self {
            Self::Wide => wide,
            Self::Narrow => narrow,
        }
    }
}

/// A figure at one width.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// The width in pixels.
    pub width: f64,
    /// The legend, above the panels.
    pub legend: Vec<Key>,
    /// The rows of panels, from top to bottom.
    pub rows: Vec<Row>,
}

/// An entry of the legend.
#[derive(Clone, Debug)]
pub struct Key {
    /// The colour.
    pub colour: Colour,
    /// The shape that shows it.
    pub symbol: Symbol,
    /// What the colour means.
    pub text: String,
}

/// The shape that shows a colour in the legend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symbol {
    /// A filled square.
    Patch,
    /// A line.
    Line,
    /// A dashed line.
    Dashes,
    /// A dot.
    Dot,
}

impl Key {
    /// Makes an entry of the legend.
    pub fn new(colour: Colour, symbol: Symbol, text: impl Into<String>) -> Self {
        Self { colour, symbol, text: text.into() }
    }
}

/// Panels side by side.
#[derive(Clone, Debug)]
pub struct Row {
    /// The height of the plots in pixels, without titles and labels.
    pub height: f64,
    /// The panels from left to right, each with its share of the width.
    pub panels: Vec<(f64, Panel)>,
    /// The number of panels that there is room for. A missing panel leaves as much space as the first one.
    pub places: usize,
}

impl Row {
    /// Makes a row of panels of equal width.
    pub fn even(height: f64, panels: impl IntoIterator<Item = Panel>) -> Self {
        let panels: Vec<(f64, Panel)> = panels.into_iter().map(|panel| (1.0, panel)).collect();
        Self { height, places: panels.len(), panels }
    }

    /// Makes a row that shows the colour scale of `heat`, labelled with its `meaning`.
    pub fn scale(heat: &Heat, meaning: &str) -> Self {
        let range = heat.range();
        let panel = Panel::new("", Axis::new(range, meaning), Axis::bare([0.0, 1.0]));
        let scale = Heat::scale(heat.ramp, heat.most);
        Self::even(10.0, [panel.with(Mark::Picture { heat: scale, x: range, y: [0.0, 1.0] })])
    }

    /// Makes rows of `places` panels of equal width.
    pub fn grid(height: f64, places: usize, panels: &[Panel]) -> Vec<Self> {
        let rows = panels.chunks(places).map(|panels| Self::even(height, panels.to_vec()));
        rows.map(|row| Self { places, ..row }).collect()
    }
}

/// A plot.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Lines of text above the plot.
    pub title: Vec<String>,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// What is drawn; later marks cover earlier ones.
    pub marks: Vec<Mark>,
}

/// An axis. Its range may run backwards.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The values at its start and end: left and right, or bottom and top.
    pub range: [f64; 2],
    /// What it measures.
    pub label: String,
    /// Whether it has ticks with numbers.
    pub numbers: bool,
}

impl Axis {
    /// Makes an axis with numbers.
    pub fn new(range: [f64; 2], label: impl Into<String>) -> Self {
        Self { range, label: label.into(), numbers: true }
    }

    /// Makes an axis without numbers and label, for a panel whose neighbour has them.
    pub fn bare(range: [f64; 2]) -> Self {
        Self { range, label: String::new(), numbers: false }
    }
}

impl Panel {
    /// Makes a panel without marks. An empty `title` takes no space.
    pub fn new(title: &str, x: Axis, y: Axis) -> Self {
        let title = if title.is_empty() { Vec::new() } else { vec![title.to_string()] };
        Self { title, x, y, marks: Vec::new() }
    }

    /// Adds a mark over the others.
    pub fn with(mut self, mark: Mark) -> Self {
        self.marks.push(mark);
        self
    }

    /// Adds marks over the others.
    pub fn with_all(mut self, marks: impl IntoIterator<Item = Mark>) -> Self {
        self.marks.extend(marks);
        self
    }
}

/// Something drawn, in the units of the axes. Lines and areas are cut at the panel's edge; dots and arrows
/// that are not inside it are left out. Pictures and texts are not cut.
#[derive(Clone, Debug)]
pub enum Mark {
    /// A line through points.
    Line {
        /// Its points.
        points: Vec<[f64; 2]>,
        /// Its colour.
        colour: Colour,
        /// Its width in pixels.
        width: f64,
        /// From 0 (invisible) to 1.
        opacity: f64,
        /// Whether it is dashed.
        dashed: bool,
    },
    /// The area inside a closed line.
    Area {
        /// Its corners.
        points: Vec<[f64; 2]>,
        /// Its colour.
        colour: Colour,
        /// From 0 (invisible) to 1.
        opacity: f64,
    },
    /// A heat map.
    Picture {
        /// Its cells.
        heat: Heat,
        /// Its left and right edges.
        x: [f64; 2],
        /// Its bottom and top edges.
        y: [f64; 2],
    },
    /// Dots.
    Dots {
        /// Their centres.
        points: Vec<[f64; 2]>,
        /// Their radius in pixels.
        radius: f64,
        /// Their colour.
        colour: Colour,
        /// From 0 (invisible) to 1.
        opacity: f64,
    },
    /// Arrows.
    Arrows {
        /// The tail and the tip of each.
        arrows: Vec<[[f64; 2]; 2]>,
        /// Their colour.
        colour: Colour,
        /// The width of their shafts in pixels.
        width: f64,
    },
    /// A text.
    Text {
        /// The point that it belongs to.
        at: [f64; 2],
        /// Offset from that point in pixels, to the right and down.
        offset: [f64; 2],
        /// The text.
        text: String,
        /// Its colour.
        colour: Colour,
        /// Which part of the text is placed there.
        anchor: Anchor,
        /// The font size in pixels.
        size: f64,
    },
}

/// The part of a text that is placed at its point, horizontally.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its beginning.
    Start,
    /// Its middle.
    Middle,
    /// Its end.
    End,
}

/// The font size of small text, in pixels.
pub const TEXT: f64 = 12.5;

impl Mark {
    /// Makes a solid line. `width` is in pixels.
    pub fn line(points: Vec<[f64; 2]>, colour: Colour, width: f64) -> Self {
        Self::Line { points, colour, width, opacity: 1.0, dashed: false }
    }

    /// Makes a dashed line.
    pub fn dashes(points: Vec<[f64; 2]>, colour: Colour) -> Self {
        Self::Line { points, colour, width: 1.2, opacity: 1.0, dashed: true }
    }

    /// Makes a small text that starts at a point, moved by `offset` pixels to the right and down.
    pub fn text(at: [f64; 2], offset: [f64; 2], text: impl Into<String>, colour: Colour) -> Self {
        let (text, anchor) = (text.into(), Anchor::Start);
        Self::Text { at, offset, text, colour, anchor, size: TEXT }
    }

    /// Makes the area under a histogram with `heights` between `edges`, of which there is one more. The
    /// bins are on the x axis if `upright`, else on the y axis.
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

    /// Makes a curve through `points` and the area under it; `upright` as for [`Self::steps`].
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

/// Formats a number for an axis or a text: at most three decimals, no trailing zeros, thousands
/// separated. From 10⁷ on and below 10⁻³ it is in scientific notation.
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
    fn steps_follow_the_edges_of_the_bins() {
        let Mark::Area { points, .. } =
            Mark::steps(&[0.0, 1.0, 2.0], &[3.0, 4.0], Colour::Target, false)
        else {
            panic!("expected an area")
        };
        let expected = [[0.0, 0.0], [3.0, 0.0], [3.0, 1.0], [4.0, 1.0], [4.0, 2.0], [0.0, 2.0]];
        assert_eq!(points, expected);
    }
}
