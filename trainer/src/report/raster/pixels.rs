//! Renders SVG as PNG files, and animations as GIF files.

use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use rayon::prelude::*;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

use crate::report::chart::{Drawing, FONT};
use crate::report::colour::Colour;
use crate::report::figure::Animation;
use crate::report::moment::at_moment;

/// How coarse the search for a GIF's palette is, from 1 to 30. Figures have few colours.
const SPEED: i32 = 20;

/// Pixels of a PNG for each pixel of the figure.
const SCALE: f32 = 2.0;

fn options() -> Options<'static> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let fonts = FONTS.get_or_init(|| {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(FONT.to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    });
    Options { fontdb: fonts.clone(), ..Options::default() }
}

fn rasterize(svg: &str, scale: f32) -> Result<Pixmap> {
    let tree = Tree::from_str(svg, &options()).context("a figure's SVG")?;
    let size = tree.size();
    let pixels = |length: f32| (length * scale).ceil() as u32;
    let mut pixmap =
        Pixmap::new(pixels(size.width()), pixels(size.height())).context("an empty figure")?;
    let [r, g, b] = Colour::Paper.light();
    pixmap.fill(resvg::tiny_skia::Color::from_rgba8(r, g, b, 255));
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    Ok(pixmap)
}

/// Renders a figure as a PNG file with a white background.
///
/// # Errors
///
/// Returns an error if `svg` is not a valid SVG.
pub fn png(svg: &str) -> Result<Vec<u8>> {
    rasterize(svg, SCALE)?.encode_png().context("a figure's PNG")
}

/// Renders a figure with its animation as a GIF file that repeats without end.
///
/// # Errors
///
/// Returns an error if the drawing is not a valid SVG, or the animation has no frames.
pub fn gif(drawing: &Drawing, animation: &Animation) -> Result<Vec<u8>> {
    let pictures = (0..animation.frames.len())
        .into_par_iter()
        .map(|frame| rasterize(&at_moment(drawing, animation, frame), 1.0))
        .collect::<Result<Vec<_>>>()?;
    let frames = (0..pictures.len())
        .into_par_iter()
        .map(|k| {
            let picture = &pictures[k];
            let [width, height] = [picture.width(), picture.height()].map(u16::try_from);
            let mut pixels = picture.data().to_vec();
            if k > 0 {
                // Unchanged pixels are transparent and show the frame before: a tenth of the bytes.
                let before = pictures[k - 1].data().chunks_exact(4);
                for (pixel, before) in pixels.chunks_exact_mut(4).zip(before) {
                    if pixel == before {
                        pixel.fill(0);
                    }
                }
            }
            let mut image = gif::Frame::from_rgba_speed(width?, height?, &mut pixels, SPEED);
            image.delay = u16::try_from(animation.pace / 10)?;
            image.dispose = gif::DisposalMethod::Keep;
            Ok(image)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut bytes = Vec::new();
    let first = frames.first().context("an animation without frames")?;
    let mut encoder = gif::Encoder::new(&mut bytes, first.width, first.height, &[])?;
    encoder.set_repeat(gif::Repeat::Infinite)?;
    for frame in &frames {
        encoder.write_frame(frame)?;
    }
    drop(encoder);
    Ok(bytes)
}
