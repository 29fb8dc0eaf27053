//! The loss function.

use candle_core::{Result, Tensor};

/// Returns the mean squared error between `predicted` and `expected` (velocities or endpoints, `[B, D]`
/// each) over all elements: a scalar.
///
/// # Errors
///
/// Returns candle's error if the shapes do not match.
pub fn mean_squared_error(predicted: &Tensor, expected: &Tensor) -> Result<Tensor> {
    (predicted - expected)?.sqr()?.mean_all()
}
