//! The linear layers of a network, in order.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail, ensure};

use super::names::{Group, Part, TensorName, numbered};
use super::refusal::{is_known, refusal, refusal_by_name};
use crate::disk::quote::{listed, quoted, shortened};
use crate::model::state_dict::array::Array;

/// A linear layer as the file has it.
#[derive(Debug)]
pub(super) struct Layer<'a> {
    /// The name of the layer.
    pub(super) name: String,
    /// The weight, in one orientation or the other, and its name.
    pub(super) weight: (&'a str, &'a Array),
    /// Whether the weight's name tells that it is `[inputs][outputs]`.
    pub(super) is_kernel: bool,
    /// The bias, and its name.
    pub(super) bias: Option<(&'a str, &'a Array)>,
}

/// Which layers of a file are the network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a> {
    /// The part of the names before the layers' numbers.
    pub(super) prefix: Option<&'a str>,
    /// The layers by name, in order.
    pub(super) layers: &'a [String],
}

/// A tensor, what it is to its layer, and its numbers.
type Member<'a> = (&'a str, Option<Part>, &'a Array);

/// Returns the linear layers in order.
///
/// # Errors
///
/// Returns an error that names the tensor if the file holds something else, unless the choice leaves it out. Returns an
/// error that lists the choices if the layers have several prefixes.
pub(super) fn find<'a>(
    tensors: &'a [(String, Array)],
    choice: Choice<'_>,
) -> Result<Vec<Layer<'a>>> {
    let mut members: BTreeMap<String, Vec<Member<'a>>> = BTreeMap::new();
    for (name, array) in tensors {
        let TensorName { layer, part } = TensorName::parse(name);
        members.entry(layer).or_default().push((name, part, array));
    }
    let is_linear = |layer: &str| {
        let is_matrix = |(_, part, array): &Member<'_>| {
            matches!(part, Some(Part::Weight | Part::Kernel)) && array.shape.len() == 2
        };
        members.get(layer).is_some_and(|tensors| tensors.iter().any(is_matrix))
    };
    let linear: Vec<&String> = members.keys().filter(|layer| is_linear(layer)).collect();
    if !choice.layers.is_empty() {
        for layer in choice.layers {
            ensure!(
                is_linear(layer),
                "--layers: the file has no linear layer called {}: expected one of {}",
                quoted(layer),
                listed(&linear)
            );
        }
        return choice.layers.iter().map(|layer| linear_layer(layer, &members[layer])).collect();
    }
    let mut groups: BTreeMap<Group, Vec<(Option<u64>, &String)>> = BTreeMap::new();
    for layer in linear {
        let (group, number) = numbered(layer);
        groups.entry(group).or_default().push((number, layer));
    }
    let is_inside = |name: &str| choice.prefix.is_none_or(|prefix| is_under(name, prefix));
    let chosen = choose(&groups, choice.prefix, &is_inside, &members)?;
    let mut chosen: Vec<(Option<u64>, &String)> = groups[chosen].clone();
    chosen.sort();
    let mut layers = Vec::new();
    let mut used = BTreeSet::new();
    for (_, name) in chosen {
        let layer = linear_layer(name, &members[name])?;
        used.insert(layer.weight.0);
        used.extend(layer.bias.map(|(name, _)| name));
        layers.push(layer);
    }
    let rest =
        tensors.iter().filter(|(name, array)| !used.contains(name.as_str()) && !array.is_counter());
    // Of a normalisation's tensors, its weight tells more than its bias.
    let order = |(name, array): &&(String, Array)| (!is_known(name, &array.shape), name.clone());
    if let Some((name, array)) = rest.filter(|(name, _)| is_inside(name)).min_by_key(order) {
        bail!("{}", refusal(name, &array.shape));
    }
    Ok(layers)
}

/// Returns the group of layers that are the network.
fn choose<'g>(
    groups: &'g BTreeMap<Group, Vec<(Option<u64>, &String)>>,
    prefix: Option<&str>,
    is_inside: &dyn Fn(&str) -> bool,
    members: &BTreeMap<String, Vec<Member<'_>>>,
) -> Result<&'g Group> {
    let prefixes: BTreeSet<&str> = groups.keys().map(|group| group.before.as_str()).collect();
    let all = || listed(&prefixes.iter().copied().collect::<Vec<_>>());
    let inside: Vec<&Group> = groups
        .iter()
        .filter(|(_, layers)| layers.iter().all(|(_, name)| is_inside(name)))
        .map(|(g, _)| g)
        .collect();
    match (prefix, &inside[..]) {
        (_, [only]) => Ok(only),
        (Some(given), []) if !prefixes.is_empty() => {
            bail!("found no layers with the prefix {given:?}: expected one of {}", all())
        }
        (_, []) => {
            // Without a linear layer, any tensor tells what kind of network it is.
            for (name, _, array) in members
                .values()
                .flatten()
                .filter(|(name, _, array)| is_inside(name) && !array.is_counter())
            {
                ensure!(array.shape.len() < 2, "{}", refusal(name, &array.shape));
            }
            bail!(
                "found no tensor called PREFIX.NUMBER.weight (PyTorch, Equinox) or PREFIX_NUMBER/kernel (Flax, Keras): \
                 expected a Sequential of linear layers"
            )
        }
        _ => {
            let layers = inside.iter().flat_map(|group| &groups[*group]);
            let named = layers.filter_map(|(_, layer)| {
                let shape =
                    &members[*layer].iter().find(|(_, part, _)| *part != Some(Part::Bias))?.2.shape;
                refusal_by_name(layer, shape)
            });
            if let Some(refused) = named.min_by_key(|text| text.contains("residual")) {
                bail!(
                    "{refused}. If it belongs to another network in the file, choose the layers with --prefix: {}",
                    all()
                );
            }
            let layers: Vec<&String> =
                inside.iter().flat_map(|group| &groups[*group]).map(|(_, name)| *name).collect();
            let layers = listed(&layers);
            // A prefix that was given does not tell them apart.
            match prefix {
                Some(prefix) => bail!(
                    "found several groups of layers with the prefix {prefix:?}: name all layers of the network in their \
                     order with --layers: {layers}"
                ),
                None => bail!(
                    "found layers with several prefixes: choose one with --prefix: {}; or name all layers of the \
                     network in their order with --layers: {layers}",
                    all()
                ),
            }
        }
    }
}

/// Whether a name begins with the parts of `prefix`.
fn is_under(name: &str, prefix: &str) -> bool {
    let layer = TensorName::parse(name).layer;
    [name, layer.as_str()].iter().any(|name| {
        name.strip_prefix(prefix).is_some_and(|rest| {
            prefix.is_empty()
                || rest.is_empty()
                || rest.starts_with(|c: char| "./_[".contains(c) || c.is_ascii_digit())
        })
    })
}

/// Returns a layer from its tensors.
fn linear_layer<'a>(name: &str, members: &[Member<'a>]) -> Result<Layer<'a>> {
    let with = |wanted: fn(Part) -> bool| -> Result<Option<Member<'a>>> {
        let mut found = members.iter().filter(|(_, part, _)| part.is_some_and(wanted));
        let first = found.next().copied();
        ensure!(
            found.next().is_none(),
            "the layer {} has several weights or biases",
            shortened(name)
        );
        Ok(first)
    };
    let (weight_name, part, weight) = with(|part| part != Part::Bias)?.context("a weight")?;
    let bias = with(|part| part == Part::Bias)?.map(|(name, _, bias)| (name, bias));
    if let Some((name, bias)) = bias {
        ensure!(
            bias.shape.len() == 1,
            "tensor {name} has shape {:?}: expected 1 dimension, a bias for each output",
            bias.shape
        );
    }
    Ok(Layer {
        name: name.to_string(),
        weight: (weight_name, weight),
        is_kernel: part == Some(Part::Kernel),
        bias,
    })
}
