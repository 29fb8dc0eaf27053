//! The weights of the lowest held-out loss.

/// The weights that were kept: those of the lowest held-out loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chosen {
    /// Their iteration.
    pub iteration: usize,
    /// Their held-out loss.
    pub loss: f64,
    /// The held-out loss of the last iteration at which it was measured.
    pub last: f64,
}

/// The weights of the lowest held-out loss so far.
#[derive(Clone, Debug)]
pub struct Best {
    /// Which they are.
    pub chosen: Chosen,
    /// The weights, in the network's order.
    pub weights: Vec<f32>,
}
