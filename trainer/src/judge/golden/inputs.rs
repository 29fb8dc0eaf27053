//! The inputs of golden outputs, for models of floats and of whole numbers.

use anyhow::{Result, ensure};

use crate::coupling::source::Source;
use crate::data::Matrix;
use crate::solve::sampling;

/// The number of paths in a golden file.
pub const PATHS: usize = 64;

/// The number of times in the velocity grid, evenly spaced from 0 to 1.
const TIMES: usize = 11;

/// The number of points in the velocity grid at each time.
const POINTS: usize = 16;

/// The number of steps of the paths in each method's digest.
pub const METHOD_STEPS: usize = 8;

/// The number of paths in each method's digest: few, so that a slow chip runs all methods in a short time.
pub const METHOD_PATHS: usize = 8;

/// Starting points of paths, a grid of times and points, and the conditions of both.
#[derive(Clone, Debug)]
pub struct Inputs {
    /// Starting points, `[P, D]` in flow units.
    pub x_0: Matrix,
    /// Conditions of the paths, `[P, C]` in the user's units.
    pub condition: Matrix,
    /// The velocity grid's times, `[G]`.
    pub grid_t: Vec<f32>,
    /// The velocity grid's points, `[G, D]`.
    pub grid_x: Matrix,
    /// The velocity grid's conditions, `[G, C]` in the user's units.
    pub grid_condition: Matrix,
}

impl Inputs {
    /// Draws starting points of `source` with `seed`, for a model of `(D, C)`. Conditions are the rows of `conditions`
    /// (`[any, C]`, user's units), repeated in turn.
    ///
    /// # Errors
    ///
    /// When `conditions` has no row or not C columns.
    pub fn new(
        source: &Source,
        conditions: &Matrix,
        (data_dim, condition_dim): (usize, usize),
        seed: u64,
    ) -> Result<Self> {
        ensure!(
            conditions.rows() > 0 && conditions.columns() == condition_dim,
            "expected at least one row of {condition_dim} conditions, found {} rows of {}",
            conditions.rows(),
            conditions.columns()
        );
        let cycle = |n: usize| {
            let rows: Vec<usize> = (0..n).map(|row| row % conditions.rows()).collect();
            conditions.select(&rows)
        };
        let points = sampling::noise(seed.wrapping_add(1), POINTS, data_dim);
        // 1.5 times as wide as the noise, to cover the region of samples and a little more.
        let wide: Vec<f32> = points.values().iter().map(|x| 1.5 * x).collect();
        Ok(Self {
            x_0: source.starts(seed, PATHS, data_dim),
            condition: cycle(PATHS),
            grid_t: (0..TIMES * POINTS).map(|g| (g / POINTS) as f32 / (TIMES - 1) as f32).collect(),
            grid_x: Matrix::new(wide.repeat(TIMES), TIMES * POINTS, data_dim),
            grid_condition: cycle(TIMES * POINTS),
        })
    }
}
