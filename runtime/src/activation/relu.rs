//! The rectified linear unit.

use super::activation;

/// x for x > 0, and +0 otherwise. Exact.
#[derive(Clone, Copy, Debug, Default)]
pub struct Relu;

activation!(Relu, relu);

#[inline(always)]
fn relu(x: f32) -> f32 {
    // NaN fails this comparison, so it is returned.
    if x <= 0.0 { 0.0 } else { x }
}
