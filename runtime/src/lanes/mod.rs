//! Samples side by side: a vector holds the same coordinate of several.

mod affine;

pub(crate) use affine::{Start, affine};

/// How many samples lie side by side. Lanes are samples, so this number changes no bit.
pub const LANES: usize = 16;

/// `N` numbers of each of [`LANES`] samples side by side, the samples of one number next to each other.
pub type Lanes<const N: usize> = [[f32; LANES]; N];

/// Rows of as many numbers as there are `lanes` into them, a row a lane. Lanes without a row are zero.
pub(crate) fn gather(lanes: &mut [[f32; LANES]], rows: &[f32]) {
    let width = lanes.len().max(1);
    for (k, lanes) in lanes.iter_mut().enumerate() {
        *lanes = [0.0; LANES];
        for (lane, row) in lanes.iter_mut().zip(rows.chunks_exact(width)) {
            *lane = row[k];
        }
    }
}

/// The same row in all lanes.
pub(crate) fn all<const N: usize>(row: [f32; N]) -> Lanes<N> {
    row.map(|x| [x; LANES])
}

/// Lane `l` of each number.
pub(crate) fn lane<const N: usize>(lanes: &Lanes<N>, l: usize) -> [f32; N] {
    lanes.map(|lanes| lanes[l])
}
