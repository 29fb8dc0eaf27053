//! What the data's columns can hold, as operations of ONNX.

use std::collections::BTreeSet;

use super::graph::Graph;
use crate::model::Model;

/// The number that ONNX gives to floats, as the target of a conversion.
const FLOAT: u64 = 1;

/// Applies the kinds of the columns to samples `x` `[n, D]` in data units, as `flowlet::Columns` does.
pub(super) fn apply(model: &Model, graph: &mut Graph, x: String) -> String {
    if model.columns.is_empty() {
        return x;
    }
    let (kinds, [least, most]) = (model.columns.kinds(), model.columns.bounds());
    let columns = kinds.len();
    let categories: BTreeSet<u16> = kinds.iter().copied().filter(|&kind| kind > 1).collect();
    let kind: Vec<f32> = kinds.iter().map(|&kind| kind.into()).collect();
    let kind = graph.constant("columns.kind", &[columns], &kind);
    let mut x = x;
    let is_whole = graph.apply_to_number("Equal", &kind, 1.0);
    // Round takes the even one of two whole numbers that are equally near.
    let rounded = graph.apply("Round", &[&x]);
    x = graph.apply("Where", &[&is_whole, &rounded, &x]);
    let least = graph.constant("columns.least", &[columns], least);
    let most = graph.constant("columns.most", &[columns], most);
    x = graph.apply("Max", &[&x, &least]);
    x = graph.apply("Min", &[&x, &most]);
    if categories.is_empty() {
        return x;
    }
    let numbers: Vec<f32> = (0..columns).map(|column| column as f32).collect();
    let numbers = graph.constant("columns.number", &[columns], &numbers);
    let lowest = graph.number(f64::NEG_INFINITY);
    for category in categories {
        let is_own = graph.apply_to_number("Equal", &kind, f64::from(category));
        let own = graph.apply("Where", &[&is_own, &x, &lowest]);
        // The first of several.
        let chosen = graph.apply_with("ArgMax", &[&own], &[("axis", 1), ("keepdims", 1)]);
        let chosen = graph.apply_with("Cast", &[&chosen], &[("to", FLOAT)]);
        let is_chosen = graph.apply("Equal", &[&numbers, &chosen]);
        let one_hot = graph.apply_with("Cast", &[&is_chosen], &[("to", FLOAT)]);
        x = graph.apply("Where", &[&is_own, &one_hot, &x]);
    }
    x
}
