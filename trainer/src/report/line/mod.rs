//! Figures of a flow in one dimension: time runs from left to right, the coordinate upwards.

mod densities;
mod field;
mod reference;
mod samples;
mod trace;

use anyhow::Result;

use super::chart::{Axis, Mark, Panel, Row, Width};
use super::colour::Colour;
use super::figure::Maker;
use super::histogram::{Histogram, quantile};
use super::subject::{Known, Pairs, Subject};
use crate::coupling::source::Source;

/// Bins of a histogram beside a heat map, and of the samples: the article's number.
const BINS: usize = 100;

/// Number of solver steps of the samples: the article's number.
pub(super) const STEPS: usize = 50;

/// The share of the values at each end that the views `near`, `view` and `far` of [`Line`] leave out. For a
/// standard normal distribution the views are ±2.2, ±2.5 and ±3.2, as in the article.
const TAILS: [f64; 3] = [0.0139, 0.0062, 0.0007];

/// The data that the figures share, all in flow units.
pub(super) struct Line<'a> {
    subject: &'a Subject,
    /// The label of the coordinate's axis.
    name: String,
    /// The view of a velocity field.
    near: [f64; 2],
    /// The view of paths and densities.
    view: [f64; 2],
    /// The range in which the lines of paths start.
    far: [f64; 2],
    source: Shape,
    target: Option<Shape>,
    /// The target with the shown categories.
    target_shown: Option<Shape>,
    /// Pairs of noise and data as in training, if the data are available.
    pairs: Option<Pairs>,
    /// Samples with the shown condition.
    samples: Vec<f32>,
}

/// A distribution of the coordinate.
#[derive(Clone, Debug)]
enum Shape {
    /// Its density at equally spaced points, `[x, density]`.
    Known(Vec<[f64; 2]>),
    /// A histogram of draws from it.
    Counted(Histogram),
}

impl Shape {
    fn marks(&self, colour: Colour, upright: bool) -> Vec<Mark> {
        match self {
            Self::Known(points) => Mark::curve(points, colour, upright).into(),
            Self::Counted(histogram) => {
                vec![Mark::steps(&histogram.edges(), &histogram.densities(), colour, upright)]
            }
        }
    }

    fn most(&self) -> f64 {
        match self {
            Self::Known(points) => points.iter().map(|point| point[1]).fold(0.0, f64::max),
            Self::Counted(histogram) => histogram.most(),
        }
    }
}

impl<'a> Line<'a> {
    pub fn new(subject: &'a Subject) -> Result<Self> {
        let n = subject.points(1);
        let pairs = match &subject.known {
            Some(known) => Some(known.pairs(&subject.source, subject.seed, n)?),
            None => None,
        };
        let x_0 = match &pairs {
            Some(pairs) => pairs.x_0.clone(),
            None => subject.starts(n),
        };
        let samples = subject.shown_samples(STEPS)?.values().to_vec();
        let ends = pairs.as_ref().map_or(samples.as_slice(), |pairs| pairs.x_1.values());
        let [near, view, far] = TAILS.map(|tail| hull(x_0.values(), ends, tail));
        let places = || (0..400).map(|k| view[0] + (view[1] - view[0]) * f64::from(k) / 399.0);
        let source = match &subject.source {
            Source::Normal => Shape::Known(
                places()
                    .map(|x| [x, (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt()])
                    .collect(),
            ),
            _ => Shape::Counted(Histogram::of(BINS, x_0.values())),
        };
        let [mean, scale] = [&subject.units.data.mean, &subject.units.data.scale];
        let [mean, scale] = [f64::from(mean[0]), f64::from(scale[0])];
        let target = subject.known.as_ref().zip(pairs.as_ref()).map(|(known, pairs)| {
            match known.density() {
                Some(density) => {
                    Shape::Known(places().map(|x| [x, scale * density(x * scale + mean)]).collect())
                }
                None => Shape::Counted(Histogram::of(bins(known.rows()), pairs.x_1.values())),
            }
        });
        let target_shown = match &pairs {
            Some(pairs) if subject.is_conditional() => {
                let rows = subject.rows_shown(&pairs.c);
                let bins = bins(subject.known.as_ref().map_or(rows.len(), Known::rows));
                Some(Shape::Counted(Histogram::of(bins, pairs.x_1.select(&rows).values())))
                    .filter(|_| !rows.is_empty())
            }
            _ => target.clone(),
        };
        let name = subject.axis(0);
        Ok(Self { subject, name, near, view, far, source, target, target_shown, pairs, samples })
    }

    /// Returns the makers of the figures.
    pub fn figures(&self) -> Vec<Maker<'_>> {
        let mut makers: Vec<Maker<'_>> = vec![Box::new(|| Ok(vec![self.densities()]))];
        if self.pairs.is_some() {
            makers.push(Box::new(|| Ok(vec![self.reference_paths()])));
            makers.push(Box::new(|| Ok(vec![self.target_velocity()])));
            makers.push(Box::new(|| Ok(vec![self.average_field()])));
        }
        makers.push(Box::new(|| Ok(vec![self.learned_field()?])));
        makers.push(Box::new(|| Ok(Vec::from_iter(self.field_error()?))));
        makers.push(Box::new(|| Ok(self.trace()?.into())));
        makers.push(Box::new(|| Ok(vec![self.generated()?])));
        makers.push(Box::new(|| Ok(vec![self.path_density()?])));
        makers
    }

    /// Returns the shape, colour and name of the distribution at t = 1: the target, or the samples if the
    /// target is unknown.
    fn end(&self) -> (Shape, Colour, &'static str) {
        self.or_samples(self.target.as_ref())
    }

    /// The same as [`Self::end`], with the shown condition.
    fn end_shown(&self) -> (Shape, Colour, &'static str) {
        self.or_samples(self.target_shown.as_ref())
    }

    fn or_samples(&self, target: Option<&Shape>) -> (Shape, Colour, &'static str) {
        match target {
            Some(target) => (target.clone(), Colour::Target, "target π₁"),
            None => {
                (Shape::Counted(Histogram::of(BINS, &self.samples)), Colour::Samples, "samples")
            }
        }
    }

    /// Makes a row of three panels as in the article: the density at t = 0 at the left, `middle`, and the
    /// density at t = 1 at the right.
    fn between(
        &self,
        width: Width,
        height: f64,
        view: [f64; 2],
        left: (&Shape, &str),
        middle: Panel,
        right: (&Shape, Colour, &str),
    ) -> Row {
        let side = |(shape, colour): (&Shape, Colour), title: &str, left: bool| {
            let most = shape.most() * 1.08;
            let range = if left { [most, 0.0] } else { [0.0, most] };
            let mut x = Axis::new(range, width.choose("density", ""));
            x.numbers = width == Width::Wide;
            let y = if left { Axis::new(view, self.name.as_str()) } else { Axis::bare(view) };
            Panel::new(title, x, y).with_all(shape.marks(colour, false))
        };
        let panels = vec![
            (1.0, side((left.0, Colour::Source), left.1, true)),
            (width.choose(5.0, 3.4), middle),
            (1.0, side((right.0, right.1), right.2, false)),
        ];
        Row { height, places: panels.len(), panels }
    }
}

/// Returns the number of bins for draws from a data set of `rows` rows.
fn bins(rows: usize) -> usize {
    ((2.0 * (rows as f64).sqrt()) as usize).clamp(10, BINS)
}

/// Returns a range that contains both sets of values, without the share `tail` of each at each end. Its
/// ends are rounded to about two digits of its width.
fn hull(a: &[f32], b: &[f32], tail: f64) -> [f64; 2] {
    let of = |share: f64| [a, b].map(|values| quantile(&mut values.to_vec(), share));
    let low = of(tail).into_iter().fold(f64::INFINITY, f64::min);
    let high = of(1.0 - tail).into_iter().fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low).max(low.abs().max(high.abs()) * 1e-6).max(1e-12);
    let unit = 10.0_f64.powf(width.log10().floor()) / 10.0;
    let [low, high] = [(low / unit).round() * unit, (high / unit).round() * unit];
    if low < high { [low, high] } else { [low - unit, low + unit] }
}

/// Integrates from `x_0` in `steps` equal Euler steps; `velocity` gets the step's index and x. Returns
/// `[t, x]` before the first step and after each step.
fn path(x_0: f64, steps: usize, velocity: impl Fn(usize, f64) -> f64) -> Vec<[f64; 2]> {
    let mut x = x_0;
    let mut points = vec![[0.0, x]];
    for step in 0..steps {
        x += velocity(step, x) / steps as f64;
        points.push([(step + 1) as f64 / steps as f64, x]);
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_normal_distribution_has_the_views_of_the_article() {
        // Quantiles of N(0, 1), and a narrower set that does not matter.
        let n = 200_000_u32;
        let values: Vec<f32> = (0..n)
            .map(|k| flowlet::elementary::normal_quantile(u32::MAX / n * k + u32::MAX / n / 2))
            .collect();
        let narrow: Vec<f32> = values.iter().map(|x| 0.5 * x).collect();
        let views = TAILS.map(|tail| hull(&values, &narrow, tail));
        for ([low, high], expected) in views.into_iter().zip([2.2, 2.5, 3.2]) {
            assert!(
                (low + expected).abs() < 1e-9 && (high - expected).abs() < 1e-9,
                "{low} {high}"
            );
        }
    }

    #[test]
    fn equal_values_have_a_view() {
        let [low, high] = hull(&[3.0; 9], &[3.0; 9], 0.01);
        assert!(low < 3.0 && high > 3.0, "{low} {high}");
    }
}
