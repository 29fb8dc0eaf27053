//! The activations, as candle operations.

use candle_core::{Result, Tensor};
use flowlet::ActivationKind;

/// Returns the activation of each number of `x`, computed by candle's own operations. Used for training on
/// a GPU, and for the golden outputs that the runtime is compared with.
///
/// # Errors
///
/// When candle's operation fails.
pub fn apply(kind: ActivationKind, x: &Tensor) -> Result<Tensor> {
    // Klambauer et al., "Self-Normalizing Neural Networks" (2017).
    const SELU_ALPHA: f64 = 1.673_263_242_354_377_3;
    const SELU_SCALE: f64 = 1.050_700_987_355_480_5;
    match kind {
        ActivationKind::Gelu => x.gelu_erf(),
        ActivationKind::GeluTanh => x.gelu(),
        ActivationKind::Silu => x.silu(),
        ActivationKind::Selu => x.elu(SELU_ALPHA)? * SELU_SCALE,
        ActivationKind::Tanh => x.tanh(),
        ActivationKind::Relu => x.relu(),
    }
}
