//! Draws a sheet as SVG with plotters.

use anyhow::Result;
use plotters::element::DashedPathElement;
use plotters::prelude::{
    ChartBuilder, IntoDrawingArea, LabelAreaPosition, PathElement, Rectangle, SVGBackend,
    ShapeStyle, Text,
};
use plotters::style::TRANSPARENT;
use plotters::style::text_anchor::VPos;

use super::frame::{Drawing, Frame};
use super::inserts::{Inserts, dots};
use super::marks::draw_mark;
use super::pen::{Area, UNITS_PER_PIXEL, failed, lettering, rgba, stroke, units};
use super::text;
use super::{Anchor, Axis, Key, Panel, Row, Sheet, Symbol, TEXT, number};
use crate::report::colour::Colour;

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
