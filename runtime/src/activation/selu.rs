//! The scaled exponential linear unit.

use super::activation;
use super::elu::elu;

/// 1.0507·x for x > 0 and 1.0507·1.67326·(eˣ − 1) for x ≤ 0, as PyTorch's `SELU()` (Klambauer et al. 2017).
///
/// Worst relative error 1.6e-7 over all inputs. ±0 gives ±0, −∞ gives −1.7580993, ∞ gives ∞.
#[derive(Clone, Copy, Debug, Default)]
pub struct Selu;

activation!(Selu, selu);

const SCALE: f32 = 1.050_701;
const SCALE_ALPHA: f32 = 1.758_099_3;

#[inline(always)]
fn selu(x: f32) -> f32 {
    if x > 0.0 { SCALE * x } else { SCALE_ALPHA * elu(x) }
}
