//! Whether the weights of a network are `[outputs][inputs]`, as PyTorch and Equinox have them, or `[inputs][outputs]`, as
//! Flax and Keras have them.

use anyhow::{Result, bail, ensure};

use super::layers::Layer;

/// Whether the weights are `[inputs][outputs]`. `given` is the user's word. Otherwise the names tell, then the lengths of
/// the biases, then how the shapes of neighbours fit.
///
/// # Errors
///
/// Returns an error that asks for `--transposed` if all of that fits both, or if two layers contradict each other.
pub(super) fn transposed(
    layers: &[Layer<'_>],
    given: Option<bool>,
    by_pytorch: bool,
) -> Result<bool> {
    if let Some(given) = given {
        return Ok(given);
    }
    if by_pytorch {
        return Ok(false);
    }
    if layers.iter().all(|layer| layer.is_kernel) {
        return Ok(true);
    }
    let mut told: Option<(bool, &str)> = None;
    for layer in layers {
        let (name, weight) = layer.weight;
        let [first, second] = weight.shape[..] else { continue };
        let outputs = layer.bias.map(|(_, bias)| bias.shape[0]);
        let here = match (outputs == Some(first), outputs == Some(second)) {
            (true, false) => false,
            (false, true) => true,
            _ => continue,
        };
        if let Some((other, of)) = told {
            ensure!(
                here == other,
                "the weights {of} and {name} have different orientations by the lengths of their biases: give \
                 --transposed yes if they are [inputs, outputs], no if they are [outputs, inputs]"
            );
        }
        told = Some((here, name));
    }
    if let Some((transposed, _)) = told {
        return Ok(transposed);
    }
    let fits = |transposed: bool| {
        layers.windows(2).all(|pair| {
            let [before, after] = [&pair[0], &pair[1]].map(|layer| &layer.weight.1.shape);
            if transposed { before[1] == after[0] } else { before[0] == after[1] }
        })
    };
    match (fits(false), fits(true)) {
        (true, false) => Ok(false),
        (false, true) => Ok(true),
        // The chain itself is wrong, which its own error says.
        (false, false) => Ok(false),
        (true, true) => bail!(
            "all weights are square, so their shapes do not tell their orientation: give --transposed yes if they are \
             [inputs, outputs] (Flax, Keras), no if they are [outputs, inputs] (PyTorch, Equinox)"
        ),
    }
}
