//! SVG elements that plotters does not have.

use anyhow::Result;
use plotters::prelude::{RGBColor, Rectangle, ShapeStyle};

use super::pen::{Area, UNITS_PER_PIXEL, failed};
use crate::report::colour::{Colour, hex};

/// SVG elements that plotters does not have: images, dots and arrows. A placeholder keeps the place of each
/// one in the drawing order, until [`Self::fill_in`] replaces it.
#[derive(Default)]
pub(super) struct Inserts(Vec<String>);

impl Inserts {
    /// Returns the colour of the placeholder of insert `k`, which no palette has.
    fn mark(k: usize) -> RGBColor {
        RGBColor(0x01, (k >> 8) as u8, k as u8)
    }

    /// Draws a placeholder for `svg`.
    pub(super) fn put(&mut self, area: &Area<'_>, svg: String) -> Result<()> {
        let style = ShapeStyle::from(&Self::mark(self.0.len())).filled();
        area.draw(&Rectangle::new([(0, 0), (1, 1)], style)).map_err(failed)?;
        self.0.push(svg);
        Ok(())
    }

    /// Replaces the placeholders in `svg` by the inserts.
    pub(super) fn fill_in(self, svg: &str) -> String {
        let mut text = String::with_capacity(svg.len() * 2);
        for line in svg.lines() {
            let inserted = line.contains("<rect").then(|| {
                let (_, rest) = line.split_once("fill=\"#01")?;
                usize::from_str_radix(rest.get(..4)?, 16).ok()
            });
            match inserted.flatten().and_then(|k| self.0.get(k)) {
                Some(insert) => text.push_str(insert),
                None => text.push_str(line),
            }
            text.push('\n');
        }
        text
    }
}

/// Returns dots as one path of zero-length lines with round ends: a tenth of the bytes of circles.
pub(super) fn dots(places: &[[f64; 2]], radius: f64, colour: Colour, opacity: f64) -> String {
    let points: String = places.iter().map(|[x, y]| format!("M{x:.0} {y:.0}h0")).collect();
    format!(
        "<path d=\"{points}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{:.0}\" \
         stroke-linecap=\"round\" stroke-opacity=\"{opacity}\"/>",
        hex(colour.light()),
        2.0 * radius * UNITS_PER_PIXEL
    )
}

/// Returns arrows as two paths, one of all shafts and one of all heads. Positions are in view box units.
pub(super) fn arrow_paths(arrows: &[[[f64; 2]; 2]], colour: Colour, width: f64) -> String {
    use std::fmt::Write;
    let (mut shafts, mut heads) = (String::new(), String::new());
    for &[[x, y], [tip_x, tip_y]] in arrows {
        let (dx, dy) = (tip_x - x, tip_y - y);
        let length = dx.hypot(dy);
        if length < 1.0 {
            continue;
        }
        let head = (width * UNITS_PER_PIXEL * 3.2).min(0.6 * length);
        let (ux, uy) = (dx / length, dy / length);
        let (base_x, base_y) = (tip_x - head * ux, tip_y - head * uy);
        let (side_x, side_y) = (-0.42 * head * uy, 0.42 * head * ux);
        let _ = write!(shafts, "M{x:.0} {y:.0}L{base_x:.0} {base_y:.0}");
        let _ = write!(
            heads,
            "M{tip_x:.0} {tip_y:.0}L{:.0} {:.0}L{:.0} {:.0}Z",
            base_x + side_x,
            base_y + side_y,
            base_x - side_x,
            base_y - side_y
        );
    }
    let colour = hex(colour.light());
    format!(
        "<path d=\"{shafts}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{:.0}\"/>\
         <path d=\"{heads}\" fill=\"{colour}\"/>",
        width * UNITS_PER_PIXEL
    )
}
