//! The rectified linear unit.

use super::activation;

/// x above 0, and 0 otherwise, −0 included. Exact.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

activation!(Relu, relu);

#[inline(always)]
fn relu(x: f32) -> f32 {
    // In this order NaN falls through.
    if x <= 0.0 { 0.0 } else { x }
}
