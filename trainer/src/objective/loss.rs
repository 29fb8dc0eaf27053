//! What training makes small.

use candle_core::{Result, Tensor};

/// The mean squared error between predicted and wanted velocities (`[B, D]` each), over all
/// elements: a scalar.
///
/// # Errors
///
/// candle's, on shapes that do not match.
pub fn mean_squared_error(predicted: &Tensor, wanted: &Tensor) -> Result<Tensor> {
    (predicted - wanted)?.sqr()?.mean_all()
}
