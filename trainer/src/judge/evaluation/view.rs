//! Points as distances see them.

use crate::coupling::dataset::Units;
use crate::data::{Matrix, Points};
use crate::judge::sides::joint;

/// What distances are taken of.
pub(super) struct View<'a> {
    pub(super) units: &'a Units,
    pub(super) standardize: bool,
}

impl View<'_> {
    /// Data and conditions, or data alone if there are no conditions.
    pub(super) fn of(&self, points: &Points) -> Matrix {
        if self.standardize { joint(points, self.units) } else { points.x.clone() }
    }

    /// Data alone.
    pub(super) fn of_data(&self, points: &Points) -> Matrix {
        let mut x = points.x.clone();
        if self.standardize {
            self.units.data.forward(&mut x);
        }
        x
    }
}
