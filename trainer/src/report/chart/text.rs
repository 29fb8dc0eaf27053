//! The font of figures, and the width of text in it.

use std::sync::Once;

use plotters::style::{FontStyle, IntoFont, register_font};

/// DejaVu Sans, reduced to the glyphs that figures need.
pub(in crate::report) const FONT: &[u8] = include_bytes!("../../../fonts/DejaVuSans-subset.ttf");

/// The font family that SVGs name: a viewer uses its own sans-serif font.
pub(super) const FAMILY: &str = "sans-serif";

/// plotters divides a font's size by this when it writes SVG.
const SIZE: f64 = 1.24;

/// Registers the font with plotters, once.
pub(super) fn register() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        if register_font(FAMILY, FontStyle::Normal, FONT).is_err() {
            unreachable!("the embedded font is valid");
        }
    });
}

/// Converts a font size in pixels to plotters' size.
pub(super) fn size(pixels: f64) -> f64 {
    pixels * SIZE
}

/// Cuts `text`, in font size `pixels`, to a width of `room` pixels. A cut text ends with "…".
pub(super) fn fit(text: &str, pixels: f64, room: f64) -> String {
    if width(text, pixels) <= room {
        return text.to_string();
    }
    let mut shorter = String::new();
    for letter in text.chars() {
        if width(&format!("{shorter}{letter}…"), pixels) > room {
            break;
        }
        shorter.push(letter);
    }
    shorter + "…"
}

/// Returns the width in pixels of `text` in font size `pixels`.
pub(super) fn width(text: &str, pixels: f64) -> f64 {
    register();
    // Measured at size 100, because plotters rounds to whole pixels.
    let measured = (FAMILY, 100.0).into_font().box_size(text);
    measured.map_or(0.6 * text.chars().count() as f64, |(width, _)| f64::from(width) / 100.0)
        * pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_to_the_width() {
        assert_eq!(fit("class = 0", 12.0, 200.0), "class = 0");
        let cut = fit("a name that is much too long for its panel", 12.0, 100.0);
        assert!(cut.starts_with("a name") && cut.ends_with('…'), "{cut}");
        assert!(width(&cut, 12.0) <= 100.0 && width(&cut, 12.0) > 80.0, "{cut}");
    }
}
