//! Hidden layers of unequal width, which the runtime does not have: the narrow ones get units that nothing depends on.

use anyhow::{Result, ensure};

use super::dense::Dense;
use super::refusal::WAY;

/// Pads the hidden layers to the widest. Returns a note about it, or `None` if they are equal.
///
/// An added unit has weights and a bias of 0, and the next layer multiplies it by 0. So it changes nothing, whatever the
/// activation gives for 0.
///
/// # Errors
///
/// Returns an error with the cost if the network would have more than one and a half times as many weights.
pub(super) fn equalize(layers: &mut [Dense]) -> Result<Option<String>> {
    let weights = |layers: &[Dense]| {
        layers.iter().map(|layer| (layer.inputs() + 1) * layer.outputs()).sum::<usize>()
    };
    let hidden = layers.len() - 1;
    let widths: Vec<usize> = layers[..hidden].iter().map(Dense::outputs).collect();
    let widest = widths.iter().copied().max().unwrap_or(0);
    if widths.iter().all(|&width| width == widest) {
        return Ok(None);
    }
    let shown = widths.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    let before = weights(layers);
    let inner = (widest + 1) * widest * (hidden - 1);
    let after = (layers[0].inputs() + 1) * widest + inner + (widest + 1) * layers[hidden].outputs();
    ensure!(
        2 * after <= 3 * before,
        "the hidden layers are {shown} units wide, and the runtime needs equal widths: padded to {widest} the network \
         would have {} weights instead of {}, more than half more. {WAY}",
        after,
        before
    );
    for (k, layer) in layers.iter_mut().enumerate() {
        if k > 0 {
            layer.rows.iter_mut().for_each(|row| row.resize(widest, 0.0));
        }
        if k < hidden {
            let inputs = layer.inputs();
            layer.rows.resize(widest, vec![0.0; inputs]);
            layer.bias.resize(widest, 0.0);
        }
    }
    Ok(Some(format!(
        "hidden layers of {shown} units padded to {widest}: {} weights instead of {}",
        after, before
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(widths: &[usize]) -> Vec<Dense> {
        let pairs = widths.windows(2).map(|pair| Dense {
            name: "a".into(),
            rows: vec![vec![1.0; pair[0]]; pair[1]],
            bias: vec![1.0; pair[1]],
        });
        pairs.collect()
    }

    #[test]
    fn narrow_layers_get_units_that_nothing_depends_on() {
        let mut layers = network(&[3, 64, 48, 2]);
        let note = equalize(&mut layers).unwrap().unwrap();
        assert!(note.contains("64, 48 units padded to 64: 4546 weights instead of 3474"), "{note}");
        assert!(
            layers[1].rows[48..].iter().flatten().chain(&layers[1].bias[48..]).all(|&w| w == 0.0)
        );
        assert!(layers[2].rows.iter().all(|row| row.len() == 64 && row[48..] == [0.0; 16]));
        assert_eq!(equalize(&mut network(&[3, 8, 8, 2])).unwrap(), None);
    }

    #[test]
    fn padding_that_costs_more_than_half_the_weights_is_refused() {
        let error = equalize(&mut network(&[3, 32, 512, 32, 2])).unwrap_err().to_string();
        assert!(error.contains("32, 512, 32 units wide"), "{error}");
        assert!(error.contains("528386 weights instead of 33506"), "{error}");
    }
}
