//! Heat maps: values on a grid as an indexed PNG.

use anyhow::Result;

use super::colour::Ramp;

/// A heat map: values on a grid of cells.
#[derive(Clone, Debug)]
pub struct Heat {
    /// Number of cells from left to right.
    pub columns: usize,
    /// Number of cells from bottom to top.
    pub rows: usize,
    /// The values, `[columns][rows]`, each column from the bottom up; NaN for an empty cell.
    pub values: Vec<f64>,
    /// The colours of the values.
    pub ramp: Ramp,
    /// The value at the ramp's end; a larger value has the colour of the end.
    pub most: f64,
}

/// Number of colours in the palette; one more index is transparent, for empty cells.
const COLOURS: usize = 255;

impl Heat {
    /// Makes a heat map whose ramp ends at the largest finite absolute value, or at 1 if that is 0.
    ///
    /// # Panics
    ///
    /// Panics if `values` has not `columns` · `rows` elements.
    pub fn new(ramp: Ramp, [columns, rows]: [usize; 2], values: Vec<f64>) -> Self {
        assert_eq!(values.len(), columns * rows, "expected {columns} columns of {rows}");
        let finite = values.iter().filter(|value| value.is_finite());
        let most = finite.fold(0.0, |most: f64, value| most.max(value.abs()));
        Self { columns, rows, values, ramp, most: if most > 0.0 { most } else { 1.0 } }
    }

    /// Makes a heat map of one row that shows the whole ramp, for a colour scale.
    pub fn scale(ramp: Ramp, most: f64) -> Self {
        let least = if ramp == Ramp::Signed { -most } else { 0.0 };
        let values = (0..COLOURS).map(|k| least + (most - least) * k as f64 / (COLOURS - 1) as f64);
        Self { columns: COLOURS, rows: 1, values: values.collect(), ramp, most }
    }

    /// Returns the values at the two ends of the ramp.
    pub fn range(&self) -> [f64; 2] {
        [if self.ramp == Ramp::Signed { -self.most } else { 0.0 }, self.most]
    }

    /// Encodes it as a PNG file, one pixel for each cell.
    ///
    /// # Errors
    ///
    /// Returns an error if it has no cells or more than a PNG can have.
    pub fn png(&self) -> Result<Vec<u8>> {
        let [least, most] = self.range();
        let index = |value: f64| {
            if value.is_nan() {
                return COLOURS as u8;
            }
            let share = ((value - least) / (most - least)).clamp(0.0, 1.0);
            (share * (COLOURS - 1) as f64).round() as u8
        };
        let mut pixels = Vec::with_capacity(self.values.len());
        for row in (0..self.rows).rev() {
            pixels.extend((0..self.columns).map(|k| index(self.values[k * self.rows + row])));
        }
        let colour = |k: usize| self.ramp.at(k as f64 / (COLOURS - 1) as f64);
        let palette: Vec<u8> = (0..COLOURS).flat_map(colour).chain([0; 3]).collect();
        let mut opacity = vec![255; COLOURS];
        opacity.push(0);

        let mut bytes = Vec::new();
        let mut encoder =
            png::Encoder::new(&mut bytes, self.columns.try_into()?, self.rows.try_into()?);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(palette);
        encoder.set_trns(opacity);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_the_colours_of_their_values_and_empty_cells_are_transparent() {
        // One column, from the bottom up.
        let heat = Heat::new(Ramp::Signed, [1, 3], vec![-2.0, 0.0, f64::NAN]);
        let bytes = heat.png().unwrap();
        let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        let [r, g, b] = Ramp::Signed.at(0.0);
        assert_eq!(pixels, [0, 0, 0, 0, 255, 255, 255, 255, r, g, b, 255]);
    }
}
