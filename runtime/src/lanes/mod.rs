//! Samples side by side: a vector holds the same coordinate of several.

mod affine;

pub(crate) use affine::{Start, affine};

/// How many samples lie side by side. Lanes are samples, so this number changes no bit.
pub const LANES: usize = 16;

/// `N` numbers of each of [`LANES`] samples side by side, the samples of one number next to each other.
pub type Lanes<const N: usize> = [[f32; LANES]; N];

/// The rows of `N` numbers, one row a lane. Lanes without a row are zero.
pub(crate) fn gather<const N: usize>(rows: &[[f32; N]]) -> Lanes<N> {
    let mut lanes = [[0.0; LANES]; N];
    for (l, row) in rows.iter().take(LANES).enumerate() {
        for (lanes, &x) in lanes.iter_mut().zip(row) {
            lanes[l] = x;
        }
    }
    lanes
}

/// Lane `l` of each number.
pub(crate) fn lane<const N: usize>(lanes: &Lanes<N>, l: usize) -> [f32; N] {
    lanes.map(|lanes| lanes[l])
}
