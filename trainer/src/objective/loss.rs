//! The loss function.

/// Returns the mean squared error between `predicted` and `expected`, velocities or endpoints, over all numbers. The
/// sum is one of 64-bit floats.
///
/// # Panics
///
/// Panics if the lengths differ.
pub fn mean_squared_error(predicted: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(predicted.len(), expected.len(), "numbers");
    let squares = predicted.iter().zip(expected).map(|(a, b)| f64::from(a - b).powi(2));
    squares.sum::<f64>() / predicted.len() as f64
}

/// Returns the gradient of [`mean_squared_error`] with respect to `predicted`.
///
/// # Panics
///
/// Panics if the lengths differ.
pub fn mean_squared_error_gradient(predicted: &[f32], expected: &[f32]) -> Vec<f32> {
    assert_eq!(predicted.len(), expected.len(), "numbers");
    let part = (1.0 / predicted.len() as f64) as f32;
    predicted.iter().zip(expected).map(|(a, b)| 2.0 * ((a - b) * part)).collect()
}
