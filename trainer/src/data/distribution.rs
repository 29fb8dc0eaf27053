//! Known distributions, from which any number of points can be drawn.

use std::f64::consts::PI;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;

use super::columns::default_names;
use super::matrix::{Matrix, Points};
use super::mixture::GaussianMixture;

/// A distribution from which points can be drawn.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// A mixture of Gaussians.
    Mixture(GaussianMixture),
    /// Two interlocking half circles.
    Moons,
    /// Every second square of a board of 4 × 4 squares on [−4, 4]².
    Checkerboard,
    /// A spiral of one and a half turns.
    SwissRoll,
}

/// The names of the preset distributions.
pub const PRESETS: [&str; 5] = ["mixture", "moons", "8gaussians", "checkerboard", "swissroll"];

/// Returns the preset distribution called `name`, if there is one.
pub fn preset(name: &str) -> Option<Distribution> {
    match name {
        "mixture" => Some(Distribution::Mixture(GaussianMixture::article())),
        "moons" => Some(Distribution::Moons),
        "8gaussians" => Some(Distribution::Mixture(GaussianMixture::eight_gaussians())),
        "checkerboard" => Some(Distribution::Checkerboard),
        "swissroll" => Some(Distribution::SwissRoll),
        _ => None,
    }
}

impl Distribution {
    /// Returns the number of coordinates, D.
    pub fn data_dim(&self) -> usize {
        match self {
            Self::Mixture(mixture) => mixture.data_dim(),
            Self::Moons | Self::Checkerboard | Self::SwissRoll => 2,
        }
    }

    /// Returns the number of classes of the points: Gaussians, moons or squares.
    pub fn classes(&self) -> usize {
        match self {
            Self::Mixture(mixture) => mixture.components().len(),
            Self::Moons => 2,
            Self::Checkerboard => 8,
            Self::SwissRoll => 1,
        }
    }

    /// Returns the names of the classes: their numbers from 0.
    pub fn class_names(&self) -> Vec<String> {
        (0..self.classes()).map(|class| class.to_string()).collect()
    }

    /// Returns the names of the coordinates.
    pub fn column_names(&self) -> Vec<String> {
        default_names(self.data_dim())
    }

    /// Draws `n` points, `[n][D]`. Their conditions are one-hot classes if `by_class`, otherwise empty.
    pub fn draw(&self, n: usize, by_class: bool, rng: &mut ChaCha8Rng) -> Points {
        let mut x = Vec::with_capacity(n * self.data_dim());
        let classes: Vec<usize> = (0..n).map(|_| self.draw_one(rng, &mut x)).collect();
        let width = if by_class { self.classes() } else { 0 };
        let mut c = vec![0.0; n * width];
        if by_class {
            c.chunks_exact_mut(width).zip(classes).for_each(|(c, class)| c[class] = 1.0);
        }
        Points { x: Matrix::new(x, n, self.data_dim()), c: Matrix::new(c, n, width) }
    }

    /// Draws a point, appends it to `x`, and returns its class.
    fn draw_one(&self, rng: &mut ChaCha8Rng, x: &mut Vec<f32>) -> usize {
        let (point, class) = match self {
            Self::Mixture(mixture) => return mixture.draw(rng, x),
            Self::Moons => moons(rng),
            Self::Checkerboard => checkerboard(rng),
            Self::SwissRoll => swiss_roll(rng),
        };
        x.extend(point.map(|value| value as f32));
        class
    }
}

/// A point on one of two half circles around (0, 0) and (1, ½). The same random number from 0 to 0.2 is
/// added to both coordinates, which are then multiplied by 3 and shifted by −1, as in the benchmarks of
/// flow matching.
fn moons(rng: &mut ChaCha8Rng) -> ([f64; 2], usize) {
    let class = usize::from(rng.random::<bool>());
    let (sin, cos) = (rng.random::<f64>() * PI).sin_cos();
    let point = if class == 0 { [cos, sin] } else { [1.0 - cos, 0.5 - sin] };
    let shift = 0.2 * rng.random::<f64>();
    (point.map(|value| 3.0 * (value + shift) - 1.0), class)
}

fn checkerboard(rng: &mut ChaCha8Rng) -> ([f64; 2], usize) {
    let class = rng.random_range(0..8_usize);
    let row = class / 2;
    let column = 2 * (class % 2) + row % 2;
    let corner = [column, row].map(|index| 2.0 * index as f64 - 4.0);
    (corner.map(|corner| corner + 2.0 * rng.random::<f64>()), class)
}

/// (u·cos u, u·sin u) ÷ 5 for u from 1.5π to 4.5π, with Gaussian noise of 0.1.
fn swiss_roll(rng: &mut ChaCha8Rng) -> ([f64; 2], usize) {
    let u = 1.5 * PI * (1.0 + 2.0 * rng.random::<f64>());
    let (sin, cos) = u.sin_cos();
    let point = [u * cos / 5.0, u * sin / 5.0];
    (point.map(|value| value + 0.1 * rng.sample::<f64, _>(StandardNormal)), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    const N: usize = 40_000;

    fn draw(name: &str) -> Points {
        preset(name).unwrap().draw(N, true, &mut ChaCha8Rng::seed_from_u64(1))
    }

    fn mean(values: impl Iterator<Item = f32>) -> f64 {
        let values: Vec<f64> = values.map(f64::from).collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn the_mixture_has_the_weights_means_and_deviations_of_the_article() {
        let Points { x, c } = draw("mixture");
        let share = mean((0..N).map(|row| c.row(row)[0]));
        assert!((share - 0.55).abs() < 0.01, "{share}");
        for (class, expected_mean, expected_std) in [(0, -0.85, 0.65), (1, 1.5, 0.25)] {
            let own = || (0..N).filter(|&row| c.row(row)[class] == 1.0).map(|row| x.row(row)[0]);
            let mean_ = mean(own());
            let std = mean(own().map(|x| (x - mean_ as f32).powi(2))).sqrt();
            assert!((mean_ - expected_mean).abs() < 0.02, "{mean_}");
            assert!((std - expected_std).abs() < 0.02, "{std}");
        }
    }

    #[test]
    fn eight_gaussians_are_on_a_circle() {
        let Points { x, c } = draw("8gaussians");
        for class in 0..8 {
            let own = || (0..N).filter(|&row| c.row(row)[class] == 1.0);
            let [a, b] = [0, 1].map(|k| mean(own().map(|row| x.row(row)[k])));
            assert!((a.hypot(b) - 5.0).abs() < 0.05, "{a} {b}");
            let variance = mean(own().map(|row| (x.row(row)[0] - a as f32).powi(2)));
            assert!((variance - 0.1_f64.sqrt()).abs() < 0.03, "{variance}");
        }
    }

    #[test]
    fn checkerboard_points_are_on_every_second_square() {
        let Points { x, .. } = draw("checkerboard");
        for row in 0..N {
            let [a, b] = [0, 1].map(|k| ((x.row(row)[k] + 4.0) / 2.0).floor() as i32);
            assert!((0..4).contains(&a) && (0..4).contains(&b) && (a + b) % 2 == 0, "{a} {b}");
        }
    }

    #[test]
    fn moons_and_roll_stay_within_their_bounds() {
        for name in ["moons", "swissroll"] {
            let Points { x, .. } = draw(name);
            assert!(x.values().iter().all(|x| x.abs() < 6.0), "{name}");
        }
        let Points { x, .. } = draw("moons");
        // The mean of both moons.
        let middle = mean((0..N).map(|row| x.row(row)[0]));
        assert!((middle - (3.0 * (0.5 + 0.1) - 1.0)).abs() < 0.05, "{middle}");
    }

    #[test]
    fn the_same_seed_gives_the_same_draws() {
        for name in PRESETS {
            assert_eq!(draw(name), draw(name));
        }
    }
}
