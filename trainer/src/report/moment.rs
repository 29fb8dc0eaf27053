//! A figure at one moment of its animation, as SVG.

use std::fmt::Write;

use super::chart::Drawing;
use super::colour::{Colour, hex};
use super::figure::Animation;

/// The figure as it is at one frame.
pub fn at_moment(drawing: &Drawing, animation: &Animation, frame: usize) -> String {
    let [row, place] = animation.panel;
    let panel = &drawing.frames[row][place];
    let unit = drawing.unit();
    let colour = hex(Colour::Samples.light());
    let mut over = String::new();
    if animation.trail {
        let points: String = animation.frames[..=frame]
            .iter()
            .filter_map(|dots| dots.first())
            .map(|&point| panel.place(panel.clamp(point)))
            .map(|[x, y]| format!("{x:.0},{y:.0} "))
            .collect();
        let _ = write!(
            over,
            "<polyline class=\"trail\" points=\"{}\" fill=\"none\" stroke=\"{colour}\" \
             stroke-width=\"{:.0}\" stroke-dasharray=\"{:.0} {:.0}\"/>",
            points.trim_end(),
            2.0 * unit,
            2.0 * unit,
            4.0 * unit
        );
    }
    let dots: String = animation.frames[frame]
        .iter()
        .filter(|&&point| panel.contains(point))
        .map(|&point| panel.place(point))
        .map(|[x, y]| format!("M{x:.0} {y:.0}h0"))
        .collect();
    let _ = write!(
        over,
        "<path class=\"dots\" d=\"{dots}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{:.0}\" \
         stroke-linecap=\"round\"/>",
        2.0 * animation.radius * unit
    );
    // Where a title would be: over the panel, at its left.
    let [x, y] = [panel.horizontal[0], panel.vertical[1] - 6.0 * unit];
    let _ = write!(
        over,
        "<text class=\"moment\" x=\"{x:.0}\" y=\"{y:.0}\" font-family=\"sans-serif\" \
         font-size=\"{:.0}\" fill=\"{}\" xml:space=\"preserve\">{}</text>",
        13.0 * unit,
        hex(Colour::Ink.light()),
        animation.texts[frame]
    );
    drawing.svg.replacen("</svg>", &format!("{over}</svg>"), 1)
}
