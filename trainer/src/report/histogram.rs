//! Histograms in one and two dimensions.

/// A histogram with bins of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The lower edge of the first bin and the upper edge of the last.
    pub range: [f64; 2],
    /// The number of values in each bin.
    pub counts: Vec<u64>,
    /// The number of all values, inside and outside the range.
    pub total: u64,
}

/// Returns the bin of `value` among `bins` of equal width over a range, or `None` outside the range. The end
/// of the range belongs to the last bin.
pub fn bin(value: f64, [from, to]: [f64; 2], bins: usize) -> Option<usize> {
    if !(from..=to).contains(&value) {
        return None;
    }
    let place = (value - from) / (to - from) * bins as f64;
    Some((place as usize).min(bins - 1))
}

impl Histogram {
    /// Counts `values` in `bins` over `range`.
    pub fn over(range: [f64; 2], bins: usize, values: impl IntoIterator<Item = f32>) -> Self {
        let mut histogram = Self { range, counts: vec![0; bins], total: 0 };
        for value in values {
            histogram.total += 1;
            if let Some(bin) = bin(f64::from(value), range, bins) {
                histogram.counts[bin] += 1;
            }
        }
        histogram
    }

    /// Counts `values` in `bins` from the smallest to the largest value, so that every finite value is in a
    /// bin.
    pub fn of(bins: usize, values: &[f32]) -> Self {
        let (least, most) = values
            .iter()
            .fold((f32::INFINITY, f32::NEG_INFINITY), |(a, b), &x| (a.min(x), b.max(x)));
        let [least, most] = [least, most].map(f64::from);
        let range = if least < most { [least, most] } else { [least - 0.5, least + 0.5] };
        Self::over(range, bins, values.iter().copied())
    }

    /// Returns the edges of the bins, `[bins + 1]`.
    pub fn edges(&self) -> Vec<f64> {
        let [from, to] = self.range;
        let n = self.counts.len();
        (0..=n).map(|k| from + (to - from) * k as f64 / n as f64).collect()
    }

    /// Returns the density in each bin: the bin's share of all values ÷ the bin's width.
    pub fn densities(&self) -> Vec<f64> {
        let width = (self.range[1] - self.range[0]) / self.counts.len() as f64;
        let total = self.total.max(1) as f64;
        self.counts.iter().map(|&count| count as f64 / total / width).collect()
    }

    /// Returns the highest density.
    pub fn most(&self) -> f64 {
        self.densities().into_iter().fold(0.0, f64::max)
    }

    /// Returns the line along the tops of the bins, in densities.
    pub fn outline(&self) -> Vec<[f64; 2]> {
        let (edges, densities) = (self.edges(), self.densities());
        let tops = edges.windows(2).zip(densities);
        tops.flat_map(|(edge, height)| [[edge[0], height], [edge[1], height]]).collect()
    }

    /// Returns its numbers as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({ "range": self.range, "counts": self.counts, "total": self.total })
    }
}

/// Counts points in the cells of a grid over a plane, `[columns][rows]`. Ignores points outside `ranges`
/// (x, y).
pub fn plane(
    ranges: [[f64; 2]; 2],
    [columns, rows]: [usize; 2],
    points: impl IntoIterator<Item = [f32; 2]>,
) -> Vec<f64> {
    let mut counts = vec![0.0; columns * rows];
    for [x, y] in points {
        if let (Some(column), Some(row)) =
            (bin(f64::from(x), ranges[0], columns), bin(f64::from(y), ranges[1], rows))
        {
            counts[column * rows + row] += 1.0;
        }
    }
    counts
}

/// Returns the quantile of `values` at `share`, from 0 to 1: the value of nearest rank. Reorders `values`.
///
/// # Panics
///
/// Panics if `values` is empty.
pub fn quantile(values: &mut [f32], share: f64) -> f64 {
    let rank = (share * (values.len() - 1) as f64).round() as usize;
    f64::from(*values.select_nth_unstable_by(rank, f32::total_cmp).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_and_the_density_has_area_one() {
        let values: Vec<f32> = (0..1000_u16).map(|k| f32::from(k) * 0.37 % 1.0).collect();
        let histogram = Histogram::of(100, &values);
        assert_eq!(histogram.counts.iter().sum::<u64>(), 1000);
        let width = (histogram.range[1] - histogram.range[0]) / 100.0;
        let area: f64 = histogram.densities().iter().map(|density| density * width).sum();
        assert!((area - 1.0).abs() < 1e-12, "{area}");
        assert_eq!(histogram.edges().len(), 101);
    }

    #[test]
    fn equal_values_are_in_one_bin() {
        assert_eq!(Histogram::of(3, &[2.0; 5]).counts, [0, 5, 0]);
    }

    #[test]
    fn values_outside_the_range_count_only_in_the_total() {
        let histogram = Histogram::over([0.0, 1.0], 2, [-1.0, 0.0, 0.5, 1.0, 2.0, f32::NAN]);
        assert_eq!((histogram.counts, histogram.total), (vec![1, 2], 6));
    }
}
