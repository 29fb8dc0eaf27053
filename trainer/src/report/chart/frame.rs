//! A drawn sheet, and the positions of its plots.

use super::clip::Bounds;
use super::pen::UNITS_PER_PIXEL;

/// A drawn sheet.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// A complete SVG, in the colours of the light theme.
    pub svg: String,
    /// Width and height in pixels.
    pub size: [f64; 2],
    /// The panels' plots, `[rows][panels]`.
    pub frames: Vec<Vec<Frame>>,
}

/// The position of a panel's plot, in the units of the SVG's view box, and the values it spans.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The positions of the left and right edges.
    pub horizontal: [f64; 2],
    /// The positions of the bottom and top edges; the first is larger.
    pub vertical: [f64; 2],
    /// The values at the left and right edges.
    pub x: [f64; 2],
    /// The values at the bottom and top edges.
    pub y: [f64; 2],
}

impl Drawing {
    /// Returns the units of the SVG's view box for each pixel.
    pub fn unit(&self) -> f64 {
        UNITS_PER_PIXEL
    }
}

impl Frame {
    pub(super) fn bounds(&self) -> Bounds {
        Bounds::new(self.x, self.y)
    }

    /// Whether a point lies within the plot.
    pub fn contains(&self, point: [f64; 2]) -> bool {
        self.bounds().contains(point)
    }

    /// Returns the nearest point within the plot.
    pub fn clamp(&self, point: [f64; 2]) -> [f64; 2] {
        self.bounds().clamp(point)
    }

    /// Returns the position of a point, in the units of the SVG's view box.
    pub fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let between = |value: f64, [from, to]: [f64; 2], [first, last]: [f64; 2]| {
            first + (value - from) / (to - from) * (last - first)
        };
        [between(x, self.x, self.horizontal), between(y, self.y, self.vertical)]
    }
}
