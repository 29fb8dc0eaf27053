//! What a tensor belongs to that the runtime does not compute, and what the user can do.

use crate::disk::quote::shortened;

/// What can be done with a network that the runtime does not compute.
pub(super) const WAY: &str =
    "Instead, `flowlet train --pairs FILE` trains one of flowlet's networks on samples of yours";

/// A kind of layer that the runtime does not have.
struct Kind {
    /// Parts of names by which it is known, in lower case.
    words: &'static [&'static str],
    what: &'static str,
    /// Why the runtime does not have it, or what makes linear layers of it.
    why: &'static str,
    /// Whether [`WAY`] is all that can be done.
    needs_another: bool,
}

const ONLY_CHAINS: &str = "the runtime has chains of linear layers only";

/// In the order of the search: the first that fits is named.
const KINDS: [Kind; 9] = [
    Kind {
        words: &["running_mean", "running_var", "batchnorm", "batch_norm", "bn"],
        what: "a batch normalisation",
        why: "the runtime has no normalisation layers; one right before or after a linear layer can be folded into it \
              in PyTorch, with torch.nn.utils.fusion.fuse_linear_bn_eval",
        needs_another: false,
    },
    Kind {
        words: &[
            "weight_g",
            "weight_v",
            "parametrizations",
            "original0",
            "original1",
            "weight_orig",
            "weight_u",
        ],
        what: "a weight in two parts (weight or spectral normalisation)",
        why: "the file does not hold the weight itself: call torch.nn.utils.parametrize.remove_parametrizations or \
              remove_weight_norm on each layer, and save again",
        needs_another: false,
    },
    Kind {
        words: &["film", "adaln", "modulation", "scale_shift"],
        what: "a modulation of hidden units (FiLM)",
        why: "the runtime multiplies no hidden unit by another",
        needs_another: true,
    },
    Kind {
        words: &[
            "attn",
            "attention",
            "in_proj",
            "q_proj",
            "k_proj",
            "v_proj",
            "qkv",
            "to_q",
            "to_k",
            "to_v",
        ],
        what: "an attention layer",
        why: ONLY_CHAINS,
        needs_another: true,
    },
    Kind {
        words: &["weight_ih", "weight_hh", "lstm", "gru", "rnn"],
        what: "a recurrent layer",
        why: ONLY_CHAINS,
        needs_another: true,
    },
    Kind {
        words: &["time", "temb", "t_emb", "embed", "emb", "freq", "fourier", "sinusoidal"],
        what: "an embedding, of the time or of a condition",
        why: "the runtime gives the time and the conditions to the first layer as they are; an embedding of a category \
              is the same as one-hot columns in front of a linear layer without a bias",
        needs_another: true,
    },
    Kind {
        words: &["norm", "ln", "gn"],
        what: "a normalisation (LayerNorm, GroupNorm)",
        why: "the runtime has no normalisation layers: they need the mean and the deviation of all units before any of \
              them goes on",
        needs_another: true,
    },
    Kind { words: &["conv"], what: "a convolution", why: ONLY_CHAINS, needs_another: true },
    Kind {
        words: &["skip", "shortcut", "residual", "res", "resnet", "block"],
        what: "a residual block",
        why: "in the runtime each layer takes the output of the layer before it, and of no other",
        needs_another: true,
    },
];

/// Returns why a network with this tensor is refused, and the way that there is.
pub(super) fn refusal(name: &str, shape: &[usize]) -> String {
    let shown = shortened(name);
    match find(name, shape) {
        Some(Kind { what, why, needs_another, .. }) => {
            let way = if *needs_another { format!(". {WAY}") } else { String::new() };
            format!("tensor {shown} {shape:?} belongs to {what}: {why}{way}")
        }
        None => format!(
            "tensor {shown} is not part of a Sequential of linear layers; the runtime supports nothing else. If the \
             velocity does not depend on it, choose the layers with --prefix, or leave it out of the file. If it is the \
             mean or the scale of the data, name it with --mean or --scale. {WAY}"
        ),
    }
}

/// Whether the kind of layer that a tensor belongs to is recognised.
pub(super) fn is_known(name: &str, shape: &[usize]) -> bool {
    find(name, shape).is_some()
}

/// Returns the kind of layer that a tensor belongs to. The mean and the deviation of the data belong to none, though they may
/// be called `normalizer.mean`; those of a layer are in one that is called so, as in Flax's `BatchNorm_0/mean`.
fn find(name: &str, shape: &[usize]) -> Option<&'static Kind> {
    let (of, last) = name.rsplit_once(['.', '/']).unwrap_or(("", name));
    let layer = of.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_').ends_with("Norm");
    let normalizer = of.to_lowercase().contains("normali");
    if !layer && (["mean", "std", "min", "max"].contains(&last) || normalizer && last == "scale") {
        return None;
    }
    kind(name).or_else(|| kind_of_shape(name, shape))
}

/// Returns why a network with a layer of this name is refused, if the name tells.
pub(super) fn refusal_by_name(layer: &str, shape: &[usize]) -> Option<String> {
    kind(layer).map(|_| refusal(layer, shape))
}

fn kind(name: &str) -> Option<&'static Kind> {
    let name = name.to_lowercase();
    let parts: Vec<&str> = name
        .split(['.', '/', '[', ']', '\'', ':'])
        .map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_'))
        .collect();
    // A word is a part of the name, or begins or ends it: `time_mlp`, `conv1d`, `LayerNorm_0`.
    let has = |word: &str| {
        parts.iter().any(|part| {
            *part == word
                || part.starts_with(&format!("{word}_"))
                || part.ends_with(&format!("_{word}"))
                || (word.len() >= 4 && part.contains(word))
        })
    };
    KINDS.iter().find(|kind| kind.words.iter().any(|word| has(word)))
}

fn kind_of_shape(name: &str, shape: &[usize]) -> Option<&'static Kind> {
    let last = name.rsplit(['.', '/']).next().unwrap_or(name);
    let of = |what: &str| KINDS.iter().find(|kind| kind.what.contains(what));
    match (last, shape.len()) {
        ("weight" | "scale" | "gamma", 1) => of("LayerNorm"),
        ("weight" | "kernel", 3..=5) => of("convolution"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_that_the_runtime_has_not_are_named_with_the_reason() {
        for (name, shape, expected) in [
            ("net.1.weight", &[64][..], "a normalisation (LayerNorm"),
            ("params/LayerNorm_0/scale", &[64], "a normalisation (LayerNorm"),
            ("batch_stats/BatchNorm_0/mean", &[16], "a batch normalisation"),
            ("normalizer/mean", &[2], "name it with --mean or --scale"),
            ("normalizer/scale", &[2], "name it with --mean or --scale"),
            ("net.1.running_mean", &[64], "a batch normalisation"),
            ("bn1.weight", &[64], "a batch normalisation"),
            ("down.0.weight", &[8, 4, 3], "a convolution"),
            ("conv1.weight", &[8, 4], "a convolution"),
            ("encoder.self_attn.in_proj_weight", &[12, 4], "an attention layer"),
            ("time_mlp.0.weight", &[12, 4], "an embedding"),
            ("film_0.weight", &[12, 4], "a modulation"),
            ("blocks.0.fc1.weight", &[12, 4], "a residual block"),
            ("net.0.weight_g", &[12, 1], "remove_weight_norm"),
            ("lstm.weight_ih_l0", &[12, 1], "a recurrent layer"),
            ("centre", &[2], "--mean or --scale"),
            ("obs_normalizer.std", &[2], "--mean or --scale"),
            ("normalizer/mean", &[2], "--mean or --scale"),
        ] {
            let found = refusal(name, shape);
            assert!(found.contains(expected), "{found}");
            let remedies = ["flowlet train --pairs FILE", "torch.nn.utils"];
            assert!(found.contains(name), "{found}");
            assert_eq!(
                remedies.map(|way| found.contains(way)).iter().filter(|has| **has).count(),
                1,
                "{found}"
            );
        }
    }
}
