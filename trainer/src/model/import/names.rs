//! The names of tensors in PyTorch, Flax, Equinox and Keras.
//!
//! | framework | weight | bias |
//! |---|---|---|
//! | PyTorch | `net.0.weight` | `net.0.bias` |
//! | Flax | `params/Dense_0/kernel`, or `['params']['Dense_0']['kernel']` | `params/Dense_0/bias` |
//! | Equinox | `layers/0/weight`, or `.layers[0].weight` | `layers/0/bias` |
//! | Keras | `dense/kernel:0`, `dense_1/kernel:0` | `dense/bias:0` |
//! | Haiku | `mlp/~/linear_0/w` | `mlp/~/linear_0/b` |

/// What a tensor is to its layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A weight whose orientation the name does not tell.
    Weight,
    /// A weight `[inputs][outputs]`, by its name.
    Kernel,
    /// A bias.
    Bias,
}

/// The name of a tensor, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TensorName {
    /// The name of the layer: `net.0`, `params/Dense_0`.
    pub(super) layer: String,
    /// What the tensor is to the layer. `None` if it is neither a weight nor a bias.
    pub(super) part: Option<Part>,
}

impl TensorName {
    /// Takes a name apart. The separators are `.`, `/`, and the brackets of a path in a tree of JAX.
    pub(super) fn parse(name: &str) -> Self {
        let plain = without_brackets(name);
        let plain = plain.strip_suffix(":0").unwrap_or(&plain);
        let (layer, last) = plain.rsplit_once(['.', '/']).unwrap_or(("", plain));
        let part = match last {
            "weight" | "w" | "W" => Some(Part::Weight),
            "kernel" => Some(Part::Kernel),
            "bias" | "b" => Some(Part::Bias),
            _ => None,
        };
        let layer = if part.is_some() { layer } else { plain };
        Self { layer: layer.to_string(), part }
    }
}

/// Returns `params.Dense_0.kernel` for `['params']['Dense_0']['kernel']`, and `layers.0.weight` for `.layers[0].weight`.
fn without_brackets(name: &str) -> String {
    if !name.contains('[') {
        return name.to_string();
    }
    let parts = name.split(['[', ']', '\'', '"', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(".")
}

/// A layer's name without its last number: what the layers of a chain have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    /// The part before the number, without separators at its end: `net`, `params/Dense`.
    pub(super) before: String,
    /// The part after the number, with its separator: `.linear` in `layers.0.linear`.
    pub(super) after: String,
}

/// Splits a layer's name at its last number. A name without one comes before the numbers: `dense`, `dense_1`.
pub(super) fn numbered(layer: &str) -> (Group, Option<u64>) {
    let group = |before: &str, after: &str| Group {
        before: before.trim_end_matches(['.', '/', '_']).to_string(),
        after: after.to_string(),
    };
    // The number is a whole part of the name or stands at the end of one: not the 2 of `conv2d`.
    let mut end = layer.len();
    for part in layer.rsplit(['.', '/']) {
        let start = end - part.len();
        let digits = part.len() - part.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0
            && let Ok(number) = layer[end - digits..end].parse()
        {
            return (group(&layer[..end - digits], &layer[end..]), Some(number));
        }
        end = start.saturating_sub(1);
    }
    (group(layer, ""), None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_every_framework_are_taken_apart() {
        for (name, layer, part) in [
            ("net.0.weight", "net.0", Some(Part::Weight)),
            ("0.bias", "0", Some(Part::Bias)),
            ("params/Dense_0/kernel", "params/Dense_0", Some(Part::Kernel)),
            ("['params']['Dense_1']['bias']", "params.Dense_1", Some(Part::Bias)),
            (".layers[2].weight", "layers.2", Some(Part::Weight)),
            ("dense_1/kernel:0", "dense_1", Some(Part::Kernel)),
            ("mlp/~/linear_0/w", "mlp/~/linear_0", Some(Part::Weight)),
            ("n_averaged", "n_averaged", None),
            ("norm.running_mean", "norm.running_mean", None),
        ] {
            let expected = TensorName { layer: layer.to_string(), part };
            assert_eq!(TensorName::parse(name), expected, "{name}");
        }
    }

    #[test]
    fn layers_are_numbered_by_the_last_number_of_their_names() {
        for (layer, before, after, number) in [
            ("net.10", "net", "", Some(10)),
            ("0", "", "", Some(0)),
            ("params/Dense_3", "params/Dense", "", Some(3)),
            ("dense", "dense", "", None),
            ("dense_1", "dense", "", Some(1)),
            ("fc2", "fc", "", Some(2)),
            ("layers.4.linear", "layers", ".linear", Some(4)),
            ("params/conv2d", "params/conv2d", "", None),
        ] {
            let group = Group { before: before.to_string(), after: after.to_string() };
            assert_eq!(numbered(layer), (group, number), "{layer}");
        }
    }
}
