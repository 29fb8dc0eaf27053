//! The hyperbolic tangent as an activation.

use super::activation;
use crate::elementary::tanh_with_any_nan;

/// tanh x. Worst error and special values are those of [`elementary::tanh`](crate::elementary::tanh).
#[derive(Clone, Copy, Debug, Default)]
pub struct Tanh;

activation!(Tanh, tanh_with_any_nan);
