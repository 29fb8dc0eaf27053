//! A network whose output is a sample, as one whose output is a velocity.
//!
//! Such a network maps noise to a sample in one step: x₁ = f(x₀, c). One step of Euler's method gives x₁ = x₀ + v, so the
//! velocity is f(x₀, c) − x₀. The first layers carry x₀ to the last in 2·D more units: with GELU, SiLU and ReLU,
//! a(x) − a(−x) = x.

use anyhow::{Result, ensure};
use flowlet::ActivationKind;

use super::dense::Dense;
use super::refusal::WAY;

/// The activations with a(x) − a(−x) = x.
const EXACT: [ActivationKind; 4] =
    [ActivationKind::Gelu, ActivationKind::GeluTanh, ActivationKind::Silu, ActivationKind::Relu];

/// Subtracts the state from the output. The first layer's columns are `t`, `x` and `c`.
///
/// # Errors
///
/// Returns an error if the activation cannot carry the state.
pub(super) fn subtract(
    layers: &mut [Dense],
    data_dim: usize,
    activation: ActivationKind,
) -> Result<()> {
    ensure!(
        EXACT.contains(&activation),
        "--output sample: expected the activation {}, found {activation}: only these carry the starting point through \
         the layers without an error. {WAY}",
        EXACT.map(|kind| kind.name()).join(", ")
    );
    let last = layers.len() - 1;
    for (k, layer) in layers.iter_mut().enumerate() {
        let old = layer.inputs();
        // The columns of the added units of the layer before.
        let more = if k > 0 { 2 * data_dim } else { 0 };
        layer.rows.iter_mut().for_each(|row| row.resize(old + more, 0.0));
        for column in 0..data_dim {
            let (plus, minus) = (old + column, old + data_dim + column);
            if k == last {
                (layer.rows[column][plus], layer.rows[column][minus]) = (-1.0, 1.0);
            }
        }
        if k == last {
            continue;
        }
        for sign in [1.0, -1.0] {
            for column in 0..data_dim {
                let mut row = vec![0.0; old + more];
                if k == 0 {
                    row[1 + column] = sign;
                } else {
                    (row[old + column], row[old + data_dim + column]) = (sign, -sign);
                }
                layer.rows.push(row);
                layer.bias.push(0.0);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_carried_to_the_last_layer() {
        let layer = |inputs: usize, outputs: usize| Dense {
            name: "a".into(),
            rows: (0..outputs)
                .map(|o| (0..inputs).map(|i| ((o * 7 + i * 3) % 5) as f64 / 4.0 - 0.5).collect())
                .collect(),
            bias: (0..outputs).map(|o| o as f64 / 8.0).collect(),
        };
        let relu = |layers: &[Dense], x: &[f64]| {
            let mut units = x.to_vec();
            for (k, layer) in layers.iter().enumerate() {
                let sum = |(row, bias): (&Vec<f64>, &f64)| {
                    row.iter().zip(&units).map(|(w, u)| w * u).sum::<f64>() + bias
                };
                let next: Vec<f64> = layer.rows.iter().zip(&layer.bias).map(sum).collect();
                units = if k + 1 == layers.len() {
                    next
                } else {
                    next.iter().map(|u| u.max(0.0)).collect()
                };
            }
            units
        };
        let input = [0.0, 1.5, -0.75, 2.0];
        let mut layers = [layer(4, 6), layer(6, 6), layer(6, 2)];
        let sample = relu(&layers, &input);
        subtract(&mut layers, 2, ActivationKind::Relu).unwrap();
        let velocity = relu(&layers, &input);
        for k in 0..2 {
            assert!(
                (velocity[k] - (sample[k] - input[1 + k])).abs() < 1e-12,
                "{velocity:?}, {sample:?}"
            );
        }
        let error = subtract(&mut layers, 2, ActivationKind::Tanh).unwrap_err().to_string();
        assert!(error.contains("expected the activation gelu"), "{error}");
    }
}
