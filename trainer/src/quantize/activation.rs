//! The activations of the integer contract, in 64-bit integers.

use flowlet::ActivationKind;

use super::tables::{ELU, GELU, GELU_TANH, Line, MISH_NEGATIVE, MISH_POSITIVE, SELU, SILU, TANH};

/// The fraction bits of an activation's argument and of its value.
pub(super) const UNIT_BITS: i32 = 11;

/// SELU's slope for positive arguments, λ, with 30 fraction bits.
const LAMBDA: i64 = 1_128_181_595;

/// Returns the activation at `z`.
pub(super) fn activation(kind: ActivationKind, z: i64) -> i64 {
    let positive = z.max(0);
    match kind {
        ActivationKind::Relu => positive,
        ActivationKind::Gelu => positive - remainder(&GELU, 128, z),
        ActivationKind::GeluTanh => positive - remainder(&GELU_TANH, 128, z),
        ActivationKind::Silu => positive - remainder(&SILU, 128, z),
        ActivationKind::Tanh => remainder(&TANH, 128, z) * z.signum(),
        ActivationKind::Elu if z < 0 => -remainder(&ELU, 64, z),
        ActivationKind::Elu => z,
        ActivationKind::Selu if z < 0 => -remainder(&SELU, 64, z),
        ActivationKind::Selu => (z * LAMBDA + (1 << 29)) >> 30,
        ActivationKind::Mish if z < 0 => -remainder(&MISH_NEGATIVE, 128, z),
        ActivationKind::Mish => z - remainder(&MISH_POSITIVE, 128, z),
        _ => unreachable!("the trainer does not know the activation {kind}"),
    }
}

/// Returns what a table of segments of `length` arguments describes at `z`: a function of |z|, constant behind the
/// table's end.
fn remainder(table: &[Line], length: i64, z: i64) -> i64 {
    let u = z.abs().min(length * table.len() as i64 - 1);
    let (value, slope) = table[(u / length) as usize];
    (i64::from(value) * 2048 + i64::from(slope) * (u % length)) >> 14
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::activation_f64::activate;

    /// The contract: at most 1 unit, at most 0.05 in the mean, over all arguments of the table.
    #[test]
    fn every_activation_is_within_a_unit_of_the_exact_one() {
        for &kind in ActivationKind::ALL {
            let end = match kind {
                ActivationKind::Gelu | ActivationKind::GeluTanh => 4 << UNIT_BITS,
                ActivationKind::Tanh => 5 << UNIT_BITS,
                ActivationKind::Elu | ActivationKind::Selu => 9 << UNIT_BITS,
                _ => 12 << UNIT_BITS,
            };
            let errors = (-end..=end)
                .map(|z| activation(kind, z) as f64 - activate(kind, z as f64 / 2048.0) * 2048.0);
            let (mut worst, mut sum) = (0.0_f64, 0.0);
            for error in errors {
                (worst, sum) = (worst.max(error.abs()), sum + error);
            }
            let mean = sum / (2 * end + 1) as f64;
            assert!(worst <= 1.0 && mean.abs() <= 0.05, "{kind}: worst {worst}, mean {mean}");
        }
    }

    #[test]
    fn far_arguments_are_on_the_straight_lines() {
        for &kind in ActivationKind::ALL {
            for z in [1_i64 << 20, (1 << 30) - 1] {
                let error = |z: i64| {
                    activation(kind, z) as f64 - activate(kind, z as f64 / 2048.0) * 2048.0
                };
                assert!(error(z).abs() <= 1.0 && error(-z).abs() <= 1.0, "{kind} at {z}");
            }
        }
    }
}
