//! The font that text is measured and rasterised by.

use std::sync::Once;

use plotters::style::{FontStyle, IntoFont, register_font};

/// DejaVu Sans, as far as figures need it.
pub(in crate::report) const FONT: &[u8] = include_bytes!("../../../fonts/DejaVuSans-subset.ttf");

/// The name that figures ask for: a reader's own font where there is one.
pub(super) const FAMILY: &str = "sans-serif";

/// plotters writes a font's size over this.
const SIZE: f64 = 1.24;

/// Makes the font known to plotters.
pub(super) fn register() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        if register_font(FAMILY, FontStyle::Normal, FONT).is_err() {
            unreachable!("the font in this program is a font");
        }
    });
}

/// What plotters calls a size of so many pixels.
pub(super) fn size(pixels: f64) -> f64 {
    pixels * SIZE
}

/// The beginning of a text that is so many pixels wide at most, with a sign that there is more.
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

/// How wide a text is, in pixels.
pub(super) fn width(text: &str, pixels: f64) -> f64 {
    register();
    // At a larger size: plotters measures in whole pixels.
    let measured = (FAMILY, 100.0).into_font().box_size(text);
    measured.map_or(0.6 * text.chars().count() as f64, |(width, _)| f64::from(width) / 100.0)
        * pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_to_its_room() {
        assert_eq!(fit("class = 0", 12.0, 200.0), "class = 0");
        let cut = fit("a name that is much too long for its panel", 12.0, 100.0);
        assert!(cut.starts_with("a name") && cut.ends_with('…'), "{cut}");
        assert!(width(&cut, 12.0) <= 100.0 && width(&cut, 12.0) > 80.0, "{cut}");
    }
}
