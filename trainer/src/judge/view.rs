//! The columns and units in which distances are taken.

use crate::coupling::dataset::Units;
use crate::data::{Matrix, Points};
use crate::judge::sides::joint;

/// Prepares points for distances: in data units or in standard deviations.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Means and scales of the columns.
    pub units: &'a Units,
    /// Whether columns are divided by their scales. With conditions they always are.
    pub standardize: bool,
}

impl View<'_> {
    /// Returns the data, with the conditions beside them if there are any.
    pub fn of(&self, points: &Points) -> Matrix {
        if self.standardize { joint(points, self.units) } else { points.x.clone() }
    }

    /// Returns the data alone.
    pub fn of_data(&self, points: &Points) -> Matrix {
        let mut x = points.x.clone();
        if self.standardize {
            self.units.data.forward(&mut x);
        }
        x
    }
}
