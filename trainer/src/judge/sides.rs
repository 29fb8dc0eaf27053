//! What samples are compared with: two sets of real data of one size, so that there is a floor.

use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::coupling::dataset::{Real, Units};
use crate::data::{Matrix, Points};

/// Two sets of real data, of one size, in the user's units.
#[derive(Clone, Debug)]
pub struct Sides {
    /// What samples are held against.
    pub first: Points,
    /// What is held against it for the floor, and whose conditions samples are drawn under: under
    /// the first set's they would be nearer to it than other real data are.
    pub second: Points,
    /// What the first set is.
    pub judged_on: &'static str,
}

impl Sides {
    /// Of at most `limit` points each, none of which training saw, as far as there are such.
    pub fn of(real: &Real, limit: usize, rng: &mut ChaCha8Rng) -> Self {
        match real {
            Real::Distribution { distribution, by_class } => Self {
                first: distribution.draw(limit, *by_class, rng),
                second: distribution.draw(limit, *by_class, rng),
                judged_on: "fresh draws",
            },
            Real::Rows { held_out, train } if train.x.rows() == 0 => {
                Self::halves(held_out, limit, "the file's rows", rng)
            }
            Real::Rows { held_out, .. } if held_out.c.columns() > 0 && held_out.x.rows() > 1 => {
                Self::halves(held_out, limit, "held-out rows", rng)
            }
            Real::Rows { train, held_out } if held_out.x.rows() > 0 => {
                let n = limit.min(held_out.x.rows()).min(train.x.rows());
                let (first, second) = (choose(held_out, n, rng), choose(train, n, rng));
                Self { first, second, judged_on: "held-out rows" }
            }
            Real::Rows { train, .. } => Self::halves(train, limit, "training rows", rng),
        }
    }

    fn halves(
        points: &Points,
        limit: usize,
        judged_on: &'static str,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let n = limit.min(points.x.rows() / 2);
        let both = choose(points, 2 * n, rng);
        let half = |from: usize| both.select(&(from..from + n).collect::<Vec<_>>());
        Self { first: half(0), second: half(n), judged_on }
    }
}

/// `n` of the rows, in random order.
pub fn choose(points: &Points, n: usize, rng: &mut ChaCha8Rng) -> Points {
    let mut rows: Vec<usize> = (0..points.x.rows()).collect();
    rows.shuffle(rng);
    rows.truncate(n);
    points.select(&rows)
}

/// Data and conditions side by side, each column in standard deviations.
pub fn joint(points: &Points, units: &Units) -> Matrix {
    let mut points = points.clone();
    units.to_flow(&mut points);
    let Points { x, c } = points;
    let columns = x.columns() + c.columns();
    let values = (0..x.rows()).flat_map(|row| [x.row(row), c.row(row)].concat()).collect();
    Matrix::new(values, x.rows(), columns)
}
