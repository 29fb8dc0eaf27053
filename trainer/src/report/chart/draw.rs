//! Draws a sheet as SVG with plotters.

use anyhow::{Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::element::DashedPathElement;
use plotters::prelude::{
    Cartesian2d, ChartBuilder, ChartContext, DrawingArea, IntoDrawingArea, LabelAreaPosition,
    PathElement, Polygon, RGBAColor, RGBColor, Rectangle, SVGBackend, ShapeStyle, Text, TextStyle,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, TRANSPARENT};

use super::clip::Bounds;
use super::text::{self, FAMILY};
use super::{Anchor, Axis, Key, Mark, Panel, Row, Sheet, Symbol, TEXT, number};
use crate::report::colour::{Colour, hex};

/// View box units for each pixel of the figure. plotters rounds positions to whole units.
const UNITS_PER_PIXEL: f64 = 4.0;

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
    fn bounds(&self) -> Bounds {
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

/// Pixels between panels, and around them.
const GAP: f64 = 14.0;
/// Pixels right of the last panel: half of a number may extend there.
const RIGHT: f64 = 10.0;
/// Pixels for a line of the legend or of a title.
const LINE: f64 = 20.0;
/// Pixels left of a panel whose y axis has numbers.
const LEFT: f64 = 46.0;
/// Pixels below a panel whose x axis has numbers.
const BELOW: f64 = 22.0;
/// Pixels for an axis' label.
const NAME: f64 = 18.0;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Plane<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// SVG elements that plotters does not have: images, dots and arrows. A placeholder keeps the place of each
/// one in the drawing order, until [`Self::fill_in`] replaces it.
#[derive(Default)]
struct Inserts(Vec<String>);

impl Inserts {
    /// Returns the colour of the placeholder of insert `k`, which no palette has.
    fn mark(k: usize) -> RGBColor {
        RGBColor(0x01, (k >> 8) as u8, k as u8)
    }

    /// Draws a placeholder for `svg`.
    fn put(&mut self, area: &Area<'_>, svg: String) -> Result<()> {
        let style = ShapeStyle::from(&Self::mark(self.0.len())).filled();
        area.draw(&Rectangle::new([(0, 0), (1, 1)], style)).map_err(failed)?;
        self.0.push(svg);
        Ok(())
    }

    /// Replaces the placeholders in `svg` by the inserts.
    fn fill_in(self, svg: &str) -> String {
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

/// Draws a sheet as SVG.
///
/// # Errors
///
/// Returns an error if plotters cannot draw it; not expected for finite ranges.
pub fn draw(sheet: &Sheet) -> Result<Drawing> {
    text::register();
    let keys = legend_rows(&sheet.legend, sheet.width);
    let mut height = keys.len() as f64 * LINE + GAP / 2.0;
    let tops: Vec<f64> = sheet
        .rows
        .iter()
        .map(|row| {
            let top = height;
            height += title_height(row) + row.height + below(row) + GAP;
            top
        })
        .collect();
    let size = [sheet.width, height.ceil()];
    let view_box = size.map(|pixels| (pixels * UNITS_PER_PIXEL) as u32);

    let mut svg = String::new();
    let mut frames = Vec::new();
    let mut inserts = Inserts::default();
    {
        let root =
            SVGBackend::with_string(&mut svg, (view_box[0], view_box[1])).into_drawing_area();
        draw_legend(&root, &keys, &mut inserts)?;
        for (row, top) in sheet.rows.iter().zip(tops) {
            frames.push(draw_row(&root, row, top, sheet.width, &mut inserts)?);
        }
        root.present().map_err(failed)?;
    }
    let [width, height] = size;
    let opened = format!("<svg width=\"{}\" height=\"{}\"", view_box[0], view_box[1]);
    let opens = format!("<svg width=\"{width}\" height=\"{height}\"");
    let svg = inserts.fill_in(&svg.replacen(&opened, &opens, 1));
    Ok(Drawing { svg, size, frames })
}

fn failed(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("cannot draw: {error}")
}

fn rgba(colour: Colour, opacity: f64) -> RGBAColor {
    let [r, g, b] = colour.light();
    RGBColor(r, g, b).mix(opacity)
}

fn stroke(colour: Colour, width: f64, opacity: f64) -> ShapeStyle {
    let stroke_width = (width * UNITS_PER_PIXEL).round().max(1.0) as u32;
    ShapeStyle { color: rgba(colour, opacity), filled: false, stroke_width }
}

fn lettering(pixels: f64, colour: Colour, anchor: Anchor, height: VPos) -> TextStyle<'static> {
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
fn units(pixels: f64) -> i32 {
    (pixels * UNITS_PER_PIXEL).round() as i32
}

fn title_height(row: &Row) -> f64 {
    let lines = row.panels.iter().map(|(_, panel)| panel.title.len()).max();
    lines.unwrap_or(0) as f64 * LINE
}

fn below(row: &Row) -> f64 {
    let of = |axis: &Axis| {
        f64::from(u8::from(axis.numbers)) * BELOW
            + f64::from(u8::from(!axis.label.is_empty())) * NAME
    };
    row.panels.iter().map(|(_, panel)| of(&panel.x)).fold(0.0, f64::max)
}

fn left(axis: &Axis) -> f64 {
    f64::from(u8::from(axis.numbers)) * LEFT + f64::from(u8::from(!axis.label.is_empty())) * NAME
}

/// Breaks the legend into lines of at most `width` pixels, and returns each key with its start in pixels.
fn legend_rows(keys: &[Key], width: f64) -> Vec<Vec<(f64, &Key)>> {
    let mut rows: Vec<Vec<(f64, &Key)>> = Vec::new();
    let mut x = GAP;
    for key in keys {
        let needed = 26.0 + text::width(&key.text, TEXT) + 12.0;
        if rows.is_empty() || x + needed > width {
            rows.push(Vec::new());
            x = GAP;
        }
        if let Some(row) = rows.last_mut() {
            row.push((x, key));
        }
        x += needed;
    }
    rows
}

fn draw_legend(root: &Area<'_>, rows: &[Vec<(f64, &Key)>], inserts: &mut Inserts) -> Result<()> {
    for (k, row) in rows.iter().enumerate() {
        let y = (k as f64 + 0.5) * LINE + GAP / 4.0;
        for &(x, Key { colour, symbol, text }) in row {
            let at = |dx: f64, dy: f64| (units(x + dx), units(y + dy));
            match symbol {
                Symbol::Patch => {
                    let style = ShapeStyle::from(&rgba(*colour, 0.7)).filled();
                    root.draw(&Rectangle::new([at(3.0, -6.0), at(17.0, 6.0)], style))
                        .map_err(failed)?;
                }
                Symbol::Line => {
                    let style = stroke(*colour, 2.2, 1.0);
                    root.draw(&PathElement::new([at(0.0, 0.0), at(20.0, 0.0)], style))
                        .map_err(failed)?;
                }
                Symbol::Dashes => {
                    let points = [at(0.0, 0.0), at(20.0, 0.0)];
                    let style = stroke(*colour, 1.6, 1.0);
                    let element = DashedPathElement::new(points, units(4.0), units(3.0), style);
                    root.draw(&element).map_err(failed)?;
                }
                Symbol::Dot => {
                    let (x, y) = at(10.0, 0.0);
                    let place = [f64::from(x), f64::from(y)];
                    inserts.put(root, dots(&[place], 4.0, *colour, 1.0))?;
                }
            }
            let style = lettering(TEXT, Colour::Ink, Anchor::Start, VPos::Center);
            root.draw(&Text::new(text.as_str(), at(26.0, 0.0), style)).map_err(failed)?;
        }
    }
    Ok(())
}

fn draw_row(
    root: &Area<'_>,
    row: &Row,
    top: f64,
    width: f64,
    inserts: &mut Inserts,
) -> Result<Vec<Frame>> {
    let missing = row.places.saturating_sub(row.panels.len()) as f64;
    let of_all = |of: &dyn Fn(&(f64, Panel)) -> f64| {
        row.panels.iter().map(of).sum::<f64>() + missing * row.panels.first().map_or(0.0, of)
    };
    let shares = of_all(&|(share, _)| *share);
    let labels = of_all(&|(_, panel)| left(&panel.y));
    let gaps = GAP * (row.places.max(row.panels.len()) + 1) as f64;
    let room = (width - labels - gaps - RIGHT).max(1.0);
    let mut frames = Vec::new();
    let mut x = GAP;
    for (share, panel) in &row.panels {
        let label_width = left(&panel.y);
        let plot = room * share / shares;
        let middle = x + label_width + plot / 2.0;
        for (line, title) in panel.title.iter().enumerate() {
            let y = top + (line as f64 + 0.45) * LINE;
            let style = lettering(TEXT, Colour::Ink, Anchor::Middle, VPos::Center);
            // Must not run into the next panel's title.
            let title = text::fit(title, TEXT, plot + label_width.min(GAP));
            root.draw(&Text::new(title, (units(middle), units(y)), style)).map_err(failed)?;
        }
        let corner = (units(x), units(top + title_height(row)));
        let extent = (units(label_width + plot) as u32, units(row.height + below(row)) as u32);
        let area = root.clone().shrink(corner, extent);
        let below = below(row);
        frames.push(draw_panel(
            root,
            &area,
            panel,
            [label_width, below],
            [plot, row.height],
            inserts,
        )?);
        x += label_width + plot + GAP;
    }
    Ok(frames)
}

/// Draws a panel. Its labels take `label_width` pixels at the left and `below` pixels at the bottom; its
/// plot is `across` × `down` pixels.
fn draw_panel(
    root: &Area<'_>,
    area: &Area<'_>,
    panel: &Panel,
    [label_width, below]: [f64; 2],
    [across, down]: [f64; 2],
    inserts: &mut Inserts,
) -> Result<Frame> {
    let (x, y) = (&panel.x, &panel.y);
    // plotters makes no ticks for a range that runs backwards, so x and its range are negated.
    let direction = if x.range[0] > x.range[1] { -1.0 } else { 1.0 };
    let mut chart = ChartBuilder::on(area)
        .set_label_area_size(LabelAreaPosition::Left, units(label_width))
        .set_label_area_size(LabelAreaPosition::Bottom, units(below))
        .build_cartesian_2d(direction * x.range[0]..direction * x.range[1], y.range[0]..y.range[1])
        .map_err(failed)?;
    let (horizontal, vertical) = chart.plotting_area().get_pixel_range();
    let frame = Frame {
        horizontal: [f64::from(horizontal.start), f64::from(horizontal.end)],
        vertical: [f64::from(vertical.end), f64::from(vertical.start)],
        x: x.range,
        y: y.range,
    };
    let ticks = |axis: &Axis, count: f64| if axis.numbers { count as usize } else { 0 };
    let lines = |count: f64| (count as usize).max(2);
    let (columns, rows) = ((across / 62.0).clamp(3.0, 12.0), (down / 40.0).clamp(2.0, 9.0));
    // Grid lines are drawn without numbers too: the neighbouring panel has those.
    chart
        .configure_mesh()
        .x_labels(lines(columns))
        .y_labels(lines(rows))
        .bold_line_style(stroke(Colour::Grid, 0.8, 1.0))
        .light_line_style(TRANSPARENT)
        .axis_style(TRANSPARENT)
        .set_all_tick_mark_size(0)
        .x_label_style(lettering(0.1, Colour::Paper, Anchor::Start, VPos::Top))
        .y_label_style(lettering(0.1, Colour::Paper, Anchor::Start, VPos::Top))
        .x_label_formatter(&|_| String::new())
        .y_label_formatter(&|_| String::new())
        .draw()
        .map_err(failed)?;
    let bounds = frame.bounds();
    for mark in &panel.marks {
        draw_mark(&mut chart, root, (&frame, direction), &bounds, mark, inserts)?;
    }
    // The axes come last, so that marks do not hide them.
    let style = lettering(TEXT - 1.0, Colour::Ink, Anchor::Middle, VPos::Top);
    // Rounding errors around 0 are shown as 0.
    let tick = |value: f64, [from, to]: [f64; 2]| {
        if value.abs() < 1e-9 * (to - from).abs() { number(0.0) } else { number(value) }
    };
    let sideways = |value: &f64| tick(direction * *value, x.range);
    let upwards = |value: &f64| tick(*value, y.range);
    let mut mesh = chart.configure_mesh();
    mesh.disable_mesh()
        .axis_style(stroke(Colour::Faint, 1.0, 1.0))
        .x_labels(ticks(x, columns))
        .y_labels(ticks(y, rows))
        .set_all_tick_mark_size(units(4.0))
        .x_label_formatter(&sideways)
        .y_label_formatter(&upwards)
        .label_style(style.clone())
        .axis_desc_style(lettering(TEXT, Colour::Ink, Anchor::Middle, VPos::Center))
        .x_desc(text::fit(&x.label, TEXT, across))
        .y_desc(text::fit(&y.label, TEXT, down));
    mesh.draw().map_err(failed)?;
    Ok(frame)
}

fn draw_mark(
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

/// Returns dots as one path of zero-length lines with round ends: a tenth of the bytes of circles.
fn dots(places: &[[f64; 2]], radius: f64, colour: Colour, opacity: f64) -> String {
    let points: String = places.iter().map(|[x, y]| format!("M{x:.0} {y:.0}h0")).collect();
    format!(
        "<path d=\"{points}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{:.0}\" \
         stroke-linecap=\"round\" stroke-opacity=\"{opacity}\"/>",
        hex(colour.light()),
        2.0 * radius * UNITS_PER_PIXEL
    )
}

/// Returns arrows as two paths, one of all shafts and one of all heads. Positions are in view box units.
fn arrow_paths(arrows: &[[[f64; 2]; 2]], colour: Colour, width: f64) -> String {
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
