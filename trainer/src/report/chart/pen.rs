//! Converts colours, strokes, fonts and lengths to plotters' types.

use anyhow::anyhow;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{
    Cartesian2d, ChartContext, DrawingArea, RGBAColor, RGBColor, SVGBackend, ShapeStyle, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont};

use super::Anchor;
use super::text::{self, FAMILY};
use crate::report::colour::Colour;

/// View box units for each pixel of the figure. plotters rounds positions to whole units.
pub(super) const UNITS_PER_PIXEL: f64 = 4.0;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Plane<'a, 'b> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

pub(super) fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

pub(super) fn rgba(colour: Colour, opacity: f64) -> RGBAColor {
    let [r, g, b] = colour.light();
    RGBColor(r, g, b).mix(opacity)
}

pub(super) fn stroke(colour: Colour, width: f64, opacity: f64) -> ShapeStyle {
    let stroke_width = (width * UNITS_PER_PIXEL).round().max(1.0) as u32;
    ShapeStyle { color: rgba(colour, opacity), filled: false, stroke_width }
}

pub(super) fn lettering(
    pixels: f64,
    colour: Colour,
    anchor: Anchor,
    height: VPos,
) -> TextStyle<'static> {
    let across = match anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let font = (FAMILY, text::size(pixels * UNITS_PER_PIXEL)).into_font();
    let color = rgba(colour, 1.0).to_backend_color();
    TextStyle { font, color, pos: Pos::new(across, height) }
}

/// Converts pixels to whole units of the view box.
pub(super) fn units(pixels: f64) -> i32 {
    (pixels * UNITS_PER_PIXEL).round() as i32
}
