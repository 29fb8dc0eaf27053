//! The activations and their derivatives in 64-bit floats, by their definitions.

use flowlet::ActivationKind;

/// Returns an activation and its derivative at `x`. ReLU's derivative at 0 is 0.
pub fn activate_with_slope(kind: ActivationKind, x: f64) -> (f64, f64) {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};
    let value = activate(kind, x);
    let slope = match kind {
        ActivationKind::Gelu => {
            let density = (-0.5 * x * x).exp() / (2.0 * PI).sqrt();
            0.5 * libm::erfc(-x * FRAC_1_SQRT_2) + x * density
        }
        ActivationKind::GeluTanh => {
            let tanh = ((2.0 / PI).sqrt() * (x + 0.044715 * x * x * x)).tanh();
            let inner = (2.0 / PI).sqrt() * (1.0 + 3.0 * 0.044715 * x * x);
            0.5 * (1.0 + tanh) + 0.5 * x * (1.0 - tanh * tanh) * inner
        }
        ActivationKind::Silu => {
            let sigmoid = 1.0 / (1.0 + (-x).exp());
            sigmoid * (1.0 + x * (1.0 - sigmoid))
        }
        ActivationKind::Selu if x > 0.0 => SELU_SCALE,
        ActivationKind::Selu => SELU_SCALE * SELU_ALPHA * x.exp(),
        ActivationKind::Tanh => 1.0 - value * value,
        ActivationKind::Relu => f64::from(u8::from(x > 0.0)),
        ActivationKind::Elu if x > 0.0 => 1.0,
        ActivationKind::Elu => x.exp(),
        ActivationKind::Mish => {
            let (tanh, sigmoid) = (x.exp().ln_1p().tanh(), 1.0 / (1.0 + (-x).exp()));
            tanh + x * (1.0 - tanh * tanh) * sigmoid
        }
        _ => unreachable!("the trainer does not know the activation {kind}"),
    };
    (value, slope)
}

// Klambauer et al., "Self-Normalizing Neural Networks" (2017).
const SELU_ALPHA: f64 = 1.673_263_242_354_377_3;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

/// Returns an activation by its definition.
pub fn activate(kind: ActivationKind, x: f64) -> f64 {
    use std::f64::consts::{FRAC_1_SQRT_2, PI};
    match kind {
        // `erfc` keeps its relative precision in the far left tail, where 1 + erf would cancel.
        ActivationKind::Gelu => x * 0.5 * libm::erfc(-x * FRAC_1_SQRT_2),
        ActivationKind::GeluTanh => {
            let inner = (2.0 / PI).sqrt() * (x + 0.044715 * x * x * x);
            0.5 * x * (1.0 + inner.tanh())
        }
        ActivationKind::Silu => x / (1.0 + (-x).exp()),
        ActivationKind::Selu if x > 0.0 => SELU_SCALE * x,
        ActivationKind::Selu => SELU_SCALE * SELU_ALPHA * x.exp_m1(),
        ActivationKind::Tanh => x.tanh(),
        ActivationKind::Relu => {
            if x > 0.0 {
                x
            } else {
                0.0
            }
        }
        ActivationKind::Elu if x > 0.0 => x,
        ActivationKind::Elu => x.exp_m1(),
        ActivationKind::Mish => x * x.exp().ln_1p().tanh(),
        _ => unreachable!("the trainer does not know the activation {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_match_difference_quotients() {
        for &kind in ActivationKind::ALL {
            for x in [-6.0, -1.3, -0.2, 0.4, 2.0, 7.0] {
                let (value, slope) = activate_with_slope(kind, x);
                assert_eq!(value, activate(kind, x));
                let h = 1e-5;
                let quotient = (activate(kind, x + h) - activate(kind, x - h)) / (2.0 * h);
                assert!((slope - quotient).abs() < 1e-8, "{kind} at {x}: {slope} {quotient}");
            }
        }
    }
}
