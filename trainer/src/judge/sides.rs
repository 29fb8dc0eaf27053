//! The real data that samples are compared with: two sets of equal size. The distance between the two is
//! the floor, the distance that a perfect model gets.

use rand_chacha::ChaCha8Rng;

use crate::coupling::dataset::{Real, Units};
use crate::data::{Matrix, Points, random};

/// Two sets of real data of equal size, in the user's units.
#[derive(Clone, Debug)]
pub struct Sides {
    /// The set that samples are compared with.
    pub first: Points,
    /// The set that is compared with the first for the floor. Samples are drawn under its conditions: under
    /// the first set's, they would be nearer to the first set than other real data are.
    pub second: Points,
    /// What the first set is, in words.
    pub judged_on: &'static str,
}

impl Sides {
    /// Chooses two sets of at most `limit` points each. The first holds points that training did not see, if
    /// there are any. The second holds such points, too, for a known distribution and for rows with conditions.
    /// For other rows it holds training rows, if there are any.
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

    /// Two disjoint sets of the same points, each of at most half of them.
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

/// Returns `n` of the rows, chosen at random, in random order.
pub fn choose(points: &Points, n: usize, rng: &mut ChaCha8Rng) -> Points {
    points.select(&random::choose(points.x.rows(), n, rng))
}

/// Returns data and conditions side by side, `[n, D + C]`, each column standardised.
pub fn joint(points: &Points, units: &Units) -> Matrix {
    let mut points = points.clone();
    units.to_flow(&mut points);
    let Points { x, c } = points;
    let columns = x.columns() + c.columns();
    let values = (0..x.rows()).flat_map(|row| [x.row(row), c.row(row)].concat()).collect();
    Matrix::new(values, x.rows(), columns)
}
