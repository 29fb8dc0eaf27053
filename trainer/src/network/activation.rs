//! The activations, as candle operations.

use candle_core::{Result, Tensor};
use flowlet::ActivationKind;

/// Returns the activation of each number of `x`, computed by candle's own operations, for the golden outputs that
/// the runtime is compared with.
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
        ActivationKind::Elu => x.elu(1.0),
        ActivationKind::Mish => {
            // x·tanh(ln(1 + eˣ)) is x·n ÷ (n + 2), n = eˣ·(eˣ + 2). From 20 on the quotient is 1.
            let u = x.minimum(20.0)?.exp()?;
            let n = (&u * (&u + 2.0)?)?;
            x * (&n / (&n + 2.0)?)?
        }
        _ => candle_core::bail!("the trainer does not know the activation {kind}"),
    }
}
