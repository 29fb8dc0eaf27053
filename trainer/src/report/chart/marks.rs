//! Draws the marks of a panel.

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plotters::element::DashedPathElement;
use plotters::prelude::{PathElement, Polygon, Text};
use plotters::style::text_anchor::VPos;

use super::Mark;
use super::clip::Bounds;
use super::frame::Frame;
use super::inserts::{Inserts, arrow_paths, dots};
use super::pen::{Area, Plane, failed, lettering, rgba, stroke, units};

/// Draws a mark. `direction` is −1 if the x axis runs backwards, else 1.
pub(super) fn draw_mark(
    chart: &mut Plane<'_, '_>,
    root: &Area<'_>,
    (frame, direction): (&Frame, f64),
    bounds: &Bounds,
    mark: &Mark,
    inserts: &mut Inserts,
) -> Result<()> {
    let pair = |point: &[f64; 2]| (direction * point[0], point[1]);
    match mark {
        Mark::Line { points, colour, width, opacity, dashed } => {
            let style = stroke(*colour, *width, *opacity);
            for part in bounds.line(points) {
                let points: Vec<(f64, f64)> = part.iter().map(pair).collect();
                if *dashed {
                    let dashes = DashedPathElement::new(points, units(5.0), units(4.0), style);
                    chart.draw_series([dashes]).map_err(failed)?;
                } else {
                    chart.draw_series([PathElement::new(points, style)]).map_err(failed)?;
                }
            }
        }
        Mark::Area { points, colour, opacity } => {
            let corners: Vec<(f64, f64)> =
                points.iter().map(|&point| pair(&bounds.clamp(point))).collect();
            let polygon = Polygon::new(corners, rgba(*colour, *opacity));
            chart.draw_series([polygon]).map_err(failed)?;
        }
        Mark::Picture { heat, x, y } => {
            let [left, bottom] = frame.place([x[0], y[0]]);
            let [right, top] = frame.place([x[1], y[1]]);
            let image = format!(
                "<image x=\"{left:.0}\" y=\"{top:.0}\" width=\"{:.0}\" height=\"{:.0}\" \
                 preserveAspectRatio=\"none\" href=\"data:image/png;base64,{}\"/>",
                right - left,
                bottom - top,
                STANDARD.encode(heat.png()?)
            );
            inserts.put(root, image)?;
        }
        Mark::Dots { points, radius, colour, opacity } => {
            let inside = points.iter().filter(|&&point| bounds.contains(point));
            let places: Vec<[f64; 2]> = inside.map(|&point| frame.place(point)).collect();
            inserts.put(root, dots(&places, *radius, *colour, *opacity))?;
        }
        Mark::Arrows { arrows, colour, width } => {
            let inside =
                arrows.iter().filter(|arrow| arrow.iter().all(|&end| bounds.contains(end)));
            let places: Vec<[[f64; 2]; 2]> =
                inside.map(|arrow| arrow.map(|end| frame.place(end))).collect();
            inserts.put(root, arrow_paths(&places, *colour, *width))?;
        }
        Mark::Text { at, offset, text, colour, anchor, size } => {
            let [x, y] = frame.place(*at);
            let place = (x as i32 + units(offset[0]), y as i32 + units(offset[1]));
            let style = lettering(*size, *colour, *anchor, VPos::Center);
            root.draw(&Text::new(text.as_str(), place, style)).map_err(failed)?;
        }
    }
    Ok(())
}
