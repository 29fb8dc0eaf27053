//! Where the parts of a drawn sheet are.

use super::clip::Bounds;
use super::pen::FINE;

/// A drawn sheet.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// A whole SVG, in the colours of the light.
    pub svg: String,
    /// In pixels.
    pub size: [f64; 2],
    /// Where the panels' plots are, in rows.
    pub frames: Vec<Vec<Frame>>,
}

/// Where a panel's plot is, in the units of the SVG's view box, and what it spans.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Left and right.
    pub horizontal: [f64; 2],
    /// Bottom and top: the first is the larger.
    pub vertical: [f64; 2],
    /// The values at left and right.
    pub x: [f64; 2],
    /// The values at bottom and top.
    pub y: [f64; 2],
}

impl Drawing {
    /// Units of the SVG's view box for a pixel.
    pub fn unit(&self) -> f64 {
        FINE
    }
}

impl Frame {
    pub(super) fn bounds(&self) -> Bounds {
        Bounds::new(self.x, self.y)
    }

    /// Whether a point is in view.
    pub fn contains(&self, point: [f64; 2]) -> bool {
        self.bounds().contains(point)
    }

    /// The point in view that is nearest.
    pub fn clamp(&self, point: [f64; 2]) -> [f64; 2] {
        self.bounds().clamp(point)
    }

    /// Where a point is.
    pub fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let between = |value: f64, [from, to]: [f64; 2], [first, last]: [f64; 2]| {
            first + (value - from) / (to - from) * (last - first)
        };
        [between(x, self.x, self.horizontal), between(y, self.y, self.vertical)]
    }
}
