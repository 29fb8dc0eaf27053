//! Whether the digits of a column's numbers fit 32-bit floats.

/// What is known of the numbers of a column. Costs next to nothing once two of them differ clearly.
#[derive(Clone, Debug, Default)]
pub(super) struct Digits {
    /// The first number, as it is stored and as it was read.
    first: Option<(f32, f64)>,
    /// Whether the numbers lie so far apart that 32-bit floats tell them apart.
    spread: bool,
    count: f64,
    /// The sums of the differences from the first number, and of their squares.
    differences: [f64; 2],
    /// The sums of what the storage as 32-bit floats changed, and of its squares.
    losses: [f64; 2],
}

/// A column whose numbers differ only by digits that do not fit 32-bit floats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lost {
    pub(super) mean: f64,
    pub(super) deviation: f64,
}

/// Numbers that differ by more than this part of the first one are spread: 32-bit floats have a thousand steps between
/// them.
const SPREAD: f32 = 1.0 / 16384.0;

/// A standard deviation below this part of the mean is an error of rounding in 64-bit floats: the column is constant.
const ROUNDING: f64 = 1e-13;

impl Digits {
    /// Adds a number, which is stored as `narrow`. `wide` returns it as it was read.
    #[inline]
    pub(super) fn see(&mut self, narrow: f32, wide: impl FnOnce() -> f64) {
        if self.spread || !narrow.is_finite() {
            return;
        }
        let first = self.first.map_or(narrow, |(first, _)| first);
        if (narrow - first).abs() > first.abs() * SPREAD {
            self.spread = true;
            return;
        }
        let wide = wide();
        let (_, base) = *self.first.get_or_insert((narrow, wide));
        self.count += 1.0;
        for (sums, x) in
            [(&mut self.differences, wide - base), (&mut self.losses, f64::from(narrow) - wide)]
        {
            sums[0] += x;
            sums[1] += x * x;
        }
    }

    /// Returns the mean and the standard deviation if half of the deviation is lost.
    pub(super) fn lost(&self) -> Option<Lost> {
        let (_, base) = self.first.filter(|_| !self.spread)?;
        let moments = |[sum, squares]: [f64; 2]| {
            let mean = sum / self.count;
            (mean, (squares / self.count - mean * mean).max(0.0).sqrt())
        };
        let (mean, deviation) = moments(self.differences);
        let (_, lost) = moments(self.losses);
        let mean = base + mean;
        let said = deviation > ROUNDING * mean.abs() && 2.0 * lost > deviation;
        said.then_some(Lost { mean, deviation })
    }
}

/// Returns the distance between two neighbouring 32-bit floats at `x`.
pub(super) fn step(x: f64) -> f64 {
    let narrow = x.abs() as f32;
    f64::from(f32::from_bits(narrow.to_bits() + 1)) - f64::from(narrow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(values: impl IntoIterator<Item = f64>) -> Option<Lost> {
        let mut digits = Digits::default();
        values.into_iter().for_each(|wide| digits.see(wide as f32, || wide));
        digits.lost()
    }

    #[test]
    fn only_a_deviation_that_floats_do_not_hold_is_lost() {
        let wave =
            |offset: f64, size: f64| (0..100).map(move |k| offset + size * f64::from(k).sin());
        for (offset, size) in [(1e8, 1.0), (-1e8, 1.0), (1.7e9, 60.0), (1.0, 1e-8)] {
            let Lost { mean, deviation } = lost(wave(offset, size)).unwrap();
            assert!((mean - offset).abs() < size && (deviation / size - 0.7).abs() < 0.05);
        }
        for (offset, size) in [(1e8, 100.0), (0.0, 1e-30), (1.0, 1e-5), (0.3, 0.0), (0.3, 1e-16)] {
            assert_eq!(lost(wave(offset, size)), None, "{offset} {size}");
        }
        // Numbers that are 32-bit floats lose nothing.
        assert_eq!(lost(wave(1e8, 30.0).map(|x| f64::from(x as f32))), None);
        assert_eq!(step(1e8), 8.0);
    }
}
