//! A model in ONNX: its velocity field, and its whole sampler as one graph.
//!
//! ONNX adds in an order of its own, so the outputs are not the runtime's bits, but within rounding of them.

mod columns;
mod graph;
mod network;
mod protobuf;
#[cfg(test)]
mod tests;

use std::cell::RefCell;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use super::choice::{Exported, SolverChoice};
use crate::model::Model;
use crate::quantize::file::AnyModel;
use crate::solve::textbook::{Space, path};
use graph::Graph;
use network::Network;

/// The name of the file with the velocity field.
const VELOCITY: &str = "velocity.onnx";

/// The name of the file with the sampler.
const SAMPLER: &str = "sampler.onnx";

/// The name of the file with the sampler under guidance.
const GUIDED: &str = "sampler_guided.onnx";

const CONDITION: &str = "conditions, in the user's units";

/// Returns a model's velocity field, its sampler, and its sampler under guidance if it takes guidance, as files of ONNX.
///
/// # Errors
///
/// Returns an error for an integer model, or if the number of steps is not valid.
pub fn to_onnx(model: &AnyModel, solver: SolverChoice) -> Result<Vec<Exported>> {
    match model {
        AnyModel::Float(model) => {
            let mut files = vec![
                (PathBuf::from(VELOCITY), velocity(model)?),
                (PathBuf::from(SAMPLER), sampler(model, solver, false)?),
            ];
            if model.takes_guidance() {
                files.push((PathBuf::from(GUIDED), sampler(model, solver, true)?));
            }
            Ok(files)
        }
        AnyModel::Integer(_) => bail!(
            "an integer model, whose shifts and saturation ONNX has no operations for: export the float model that it \
             was made of, or this one with --to c or --to rust"
        ),
    }
}

/// Inputs `t` `[n, 1]`, `x` `[n, D]` in flow units, and `c` `[n, C]` in the user's units; output `v` `[n, D]` in flow units.
fn velocity(model: &Model) -> Result<Vec<u8>> {
    let (data, conditions) = (model.mlp.data_dim(), model.mlp.condition_dim());
    let mut graph = Graph::default();
    let mut columns = vec![
        graph.input("t", 1, "time: 0 is noise, 1 is data"),
        graph.input("x", data, "state, in flow units"),
    ];
    if conditions > 0 {
        columns.push(condition(model, &mut graph)?);
    }
    let network = Network::new(model, &mut graph)?;
    let inputs = 1 + data + conditions;
    let hidden = model.mlp.hidden_width();
    let weight =
        graph.constant("net.0.weight", &[hidden, inputs], &network.first_columns(0..inputs)?);
    let bias = graph.constant("net.0.bias", &[hidden], &network.first_bias()?);
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let joined = graph.apply_with("Concat", &columns, &[("axis", 1)]);
    let sums = graph.apply_with("Gemm", &[&joined, &weight, &bias], &[("transB", 1)]);
    let v = network.after_first(&mut graph, sums)?;
    graph.output(&v, "v", data, "velocity dx/dt, in flow units");
    let described = "The velocity field of a flow-matching model, in flow units: data units are x·data.scale + \
                     data.mean, which sampler.onnx computes.";
    Ok(graph.into_file("velocity", described, model.file.metadata.iter()))
}

/// Inputs `x_0` `[n, D]` in flow units, `c` `[n, C]` in the user's units and, if `guided`, `guidance` `[n, 1]`; output
/// `x_1` `[n, D]` in data units.
fn sampler(model: &Model, choice: SolverChoice, guided: bool) -> Result<Vec<u8>> {
    let (data, hidden) = (model.mlp.data_dim(), model.mlp.hidden_width());
    let conditions = model.mlp.condition_dim();
    let solver = model.solver(choice.kind, choice.steps)?;
    let times: Vec<f32> = solver.times().collect();
    let mut graph = Graph::default();
    let x_0 = graph.input("x_0", data, "starting points, in flow units: noise");
    let network = Network::new(model, &mut graph)?;
    let state_weight = network.first_columns(1..1 + data)?;
    let state_weight = graph.constant("first.state", &[hidden, data], &state_weight);
    let time_weight = graph.constant("first.time", &[hidden], &network.first_columns(0..1)?);
    let bias = graph.constant("first.bias", &[hidden], &network.first_bias()?);
    let mut base = bias.clone();
    if conditions > 0 {
        // The conditions' part of the first layer is the same in each step.
        let c = condition(model, &mut graph)?;
        let weight = network.first_columns(1 + data..1 + data + conditions)?;
        let weight = graph.constant("first.condition", &[hidden, conditions], &weight);
        base = graph.apply_with("Gemm", &[&c, &weight, &base], &[("transB", 1)]);
    }
    // The null condition is all zeros in flow units, so that only the bias is left.
    let guidance = guided.then(|| {
        (bias, graph.input("guidance", 1, "weight of guidance: 0 is without conditions, 1 plain"))
    });
    let parts = RefCell::new((graph, network));
    let space = Unrolled { parts, state_weight, time_weight, base, guidance };
    let last = path(&space, solver.kind(), &times, x_0)?.pop().context("a path has points")?;
    let (mut graph, _) = space.parts.into_inner();
    let units = model.data_units()?;
    let scale = graph.constant("data.scale", &[data], &units.scale);
    let mean = graph.constant("data.mean", &[data], &units.mean);
    let scaled = graph.apply("Mul", &[&last, &scale]);
    let x_1 = graph.apply("Add", &[&scaled, &mean]);
    let x_1 = columns::apply(model, &mut graph, x_1);
    graph.output(&x_1, "x_1", data, "samples, in data units");
    let described = format!(
        "The sampler of a flow-matching model{}: {} steps of {}, from noise to samples in data units.",
        if guided { " under classifier-free guidance" } else { "" },
        times.len() - 1,
        solver.kind()
    );
    Ok(graph.into_file("sampler", &described, model.file.metadata.iter()))
}

/// Adds the conditions as an input, and returns them in flow units.
fn condition(model: &Model, graph: &mut Graph) -> Result<String> {
    let conditions = model.mlp.condition_dim();
    let units = model.units()?.condition;
    let c = graph.input("c", conditions, CONDITION);
    if units.is_identity() {
        return Ok(c);
    }
    let mean = graph.constant("condition.mean", &[conditions], &units.mean);
    let scale = graph.constant("condition.scale", &[conditions], &units.scale);
    let centred = graph.apply("Sub", &[&c, &mean]);
    Ok(graph.apply("Div", &[&centred, &scale]))
}

/// The steps of a solver as operations: a point is the name of a tensor `[n, D]`.
struct Unrolled<'a> {
    parts: RefCell<(Graph, Network<'a>)>,
    state_weight: String,
    time_weight: String,
    /// What the bias and the conditions give to the first layer, `[H]` or `[n, H]`.
    base: String,
    /// `base` without conditions, and the weight of guidance.
    guidance: Option<(String, String)>,
}

impl Space for Unrolled<'_> {
    type Point = String;

    fn velocity(&self, t: f64, x: &String) -> Result<String> {
        let (graph, network) = &mut *self.parts.borrow_mut();
        let of_time = graph.apply_to_number("Mul", &self.time_weight, t);
        let mut from = |base: &str| {
            let rest = graph.apply("Add", &[base, &of_time]);
            let sums = graph.apply_with("Gemm", &[x, &self.state_weight, &rest], &[("transB", 1)]);
            network.after_first(graph, sums)
        };
        let v = from(&self.base)?;
        let Some((base, weight)) = &self.guidance else { return Ok(v) };
        // As `flowlet::Guided`: u + (v − u)·weight.
        let u = from(base)?;
        let difference = graph.apply("Sub", &[&v, &u]);
        let weighted = graph.apply("Mul", &[&difference, weight]);
        Ok(graph.apply("Add", &[&u, &weighted]))
    }

    fn moved(&self, x: &String, by: &[(f64, &String)]) -> Result<String> {
        let (graph, _) = &mut *self.parts.borrow_mut();
        Ok(by.iter().fold(x.clone(), |x, (factor, v)| {
            let step = graph.apply_to_number("Mul", v, *factor);
            graph.apply("Add", &[&x, &step])
        }))
    }
}
