//! Runs the graphs by a small interpreter, and compares with the runtime.

use std::collections::HashMap;
use std::path::Path;

use flowlet::{ActivationKind, SolverKind};

use super::*;
use crate::coupling::dataset::Units;
use crate::data::random::{Stream, generator};
use crate::data::{Matrix, Standardization};
use crate::disk::tensor_file::Block;
use crate::model::description::Description;
use crate::model::export;
use crate::network::Shape;
use crate::solve::sampling;

/// A field of a message: its number, an integer, and its bytes.
type Field<'a> = (u64, u64, &'a [u8]);

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

fn fields(mut bytes: &[u8]) -> Vec<Field<'_>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let (field, number) = (key >> 3, varint(&mut bytes));
        let length = match key & 7 {
            0 => 0,
            2 => number as usize,
            kind => panic!("a field of kind {kind}"),
        };
        let (own, rest) = bytes.split_at(length);
        found.push((field, number, own));
        bytes = rest;
    }
    found
}

fn texts(message: &[Field<'_>], field: u64) -> Vec<String> {
    let found = message.iter().filter(|(number, ..)| *number == field);
    found.map(|(_, _, bytes)| String::from_utf8(bytes.to_vec()).unwrap()).collect()
}

/// A tensor of one or two axes, `[rows][columns]`; one row if it has one axis.
#[derive(Clone, Debug)]
struct Tensor {
    columns: usize,
    values: Vec<f64>,
}

impl Tensor {
    fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// Combines two tensors, of which one may be a row or a number.
    fn with(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        let (rows, columns) = (self.rows().max(other.rows()), self.columns.max(other.columns));
        let at = |tensor: &Self, row: usize, column: usize| {
            tensor.values[(row % tensor.rows()) * tensor.columns + column % tensor.columns]
        };
        let values = (0..rows * columns).map(|k| (k / columns, k % columns));
        let values = values.map(|(row, column)| f(at(self, row, column), at(other, row, column)));
        Self { columns, values: values.collect() }
    }

    fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self { columns: self.columns, values: self.values.iter().copied().map(f).collect() }
    }
}

/// Runs the graph in a file. Returns its only output.
fn run(file: &[u8], inputs: &[(&str, Tensor)]) -> Vec<f64> {
    let model = fields(file);
    let graph = model.iter().find(|(field, ..)| *field == 7).unwrap().2;
    let graph = fields(graph);
    let of = |field: u64| {
        graph.iter().filter(move |(number, ..)| *number == field).map(|(_, _, bytes)| fields(bytes))
    };
    let mut tensors: HashMap<String, Tensor> = HashMap::new();
    for constant in of(5) {
        let raw = constant.iter().find(|(field, ..)| *field == 9).unwrap().2;
        let values: Vec<f64> =
            raw.as_chunks().0.iter().map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect();
        let shape: Vec<u64> =
            constant.iter().filter(|(field, ..)| *field == 1).map(|field| field.1).collect();
        assert_eq!(shape.iter().product::<u64>(), values.len() as u64);
        let columns = shape.last().map_or(1, |&size| size as usize);
        let name = texts(&constant, 8).remove(0);
        assert!(tensors.insert(name, Tensor { columns, values }).is_none(), "a name is used twice");
    }
    let named: Vec<String> = of(11).map(|input| texts(&input, 1).remove(0)).collect();
    assert_eq!(named, inputs.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    tensors.extend(inputs.iter().map(|(name, tensor)| (name.to_string(), tensor.clone())));
    for node in of(1) {
        let names = texts(&node, 1);
        let own: Vec<&Tensor> = names.iter().map(|name| &tensors[name]).collect();
        let result = match (&texts(&node, 4)[0][..], &own[..]) {
            ("Identity", [x]) => (*x).clone(),
            ("Add", [x, y]) => x.with(y, |x, y| x + y),
            ("Sub", [x, y]) => x.with(y, |x, y| x - y),
            ("Mul", [x, y]) => x.with(y, |x, y| x * y),
            ("Div", [x, y]) => x.with(y, |x, y| x / y),
            ("Max", [x, y]) => x.with(y, f64::max),
            ("Min", [x, y]) => x.with(y, f64::min),
            ("Equal", [x, y]) => x.with(y, |x, y| f64::from(u8::from(x == y))),
            ("Round", [x]) => x.map(f64::round_ties_even),
            ("Cast", [x]) => (*x).clone(),
            ("Where", [condition, x, y]) => {
                let whole = x.with(y, |x, _| x);
                let other = x.with(y, |_, y| y);
                let chosen =
                    condition.with(&whole, |condition, x| if condition > 0.0 { x } else { 0.0 });
                let rest =
                    condition.with(&other, |condition, y| if condition > 0.0 { 0.0 } else { y });
                chosen.with(&rest, |x, y| x + y)
            }
            ("ArgMax", [x]) => {
                let first = |row: &[f64]| {
                    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                    row.iter().position(|&x| x == largest).unwrap() as f64
                };
                Tensor { columns: 1, values: x.values.chunks(x.columns).map(first).collect() }
            }
            ("Tanh", [x]) => x.map(f64::tanh),
            ("Erf", [x]) => x.map(libm::erf),
            ("Relu", [x]) => x.map(|x| x.max(0.0)),
            ("Sigmoid", [x]) => x.map(|x| 1.0 / (1.0 + (-x).exp())),
            ("Softplus", [x]) => x.map(|x| x.exp().ln_1p()),
            ("Elu", [x]) => x.map(|x| if x > 0.0 { x } else { x.exp_m1() }),
            ("Selu", [x]) => x.map(|x| {
                1.050_700_987_355_480_5
                    * if x > 0.0 { x } else { 1.673_263_242_354_377_2 * x.exp_m1() }
            }),
            ("Concat", all) => {
                let rows = (0..all[0].rows()).flat_map(|row| {
                    all.iter().flat_map(move |x| x.values[row * x.columns..][..x.columns].to_vec())
                });
                let values = rows.collect();
                Tensor { columns: all.iter().map(|x| x.columns).sum(), values }
            }
            ("Gemm", [x, weight, rest]) => {
                assert_eq!(x.columns, weight.columns);
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let values = x.values.chunks(x.columns).flat_map(|x| {
                    weight
                        .values
                        .chunks(weight.columns)
                        .map(move |row| dot(x, row))
                        .collect::<Vec<_>>()
                });
                let product = Tensor { columns: weight.rows(), values: values.collect() };
                product.with(rest, |x, y| x + y)
            }
            (other, _) => panic!("the operation {other}"),
        };
        let output = texts(&node, 2).remove(0);
        assert!(tensors.insert(output, result).is_none(), "a name is used twice");
    }
    let output: Vec<String> = of(12).map(|output| texts(&output, 1).remove(0)).collect();
    tensors[&output[0]].values.clone()
}

fn model(activation: ActivationKind, condition_dim: usize) -> Model {
    let shape =
        Shape { data_dim: 2, condition_dim, hidden_width: 12, hidden_layers: 1, activation };
    let network = crate::network::Network::initialize(shape, &mut generator(1, Stream::Weights));
    let units = Units {
        data: Standardization { mean: vec![10.0, -3.0], scale: vec![2.0, 0.5] },
        condition: Standardization {
            mean: vec![1.0; condition_dim],
            scale: vec![4.0; condition_dim],
        },
    };
    let description =
        Description { solver: Some(SolverKind::Heun), steps: Some(3), ..Description::default() };
    let file = export(&network, &units, &description).unwrap();
    Model::parse(&file.to_bytes().unwrap(), "test".into()).unwrap()
}

fn matrix(rows: usize, columns: usize, seed: usize) -> Matrix {
    let values = (0..rows * columns).map(|k| ((seed * 31 + k * 7) as f32 * 0.37).sin() * 2.0);
    Matrix::new(values.collect(), rows, columns)
}

fn tensor(matrix: &Matrix) -> Tensor {
    Tensor {
        columns: matrix.columns(),
        values: matrix.values().iter().map(|&value| f64::from(value)).collect(),
    }
}

fn check(found: &[f64], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let expected = f64::from(*expected);
        assert!((found - expected).abs() <= 4e-6 * (1.0 + expected.abs()), "{found}, {expected}");
    }
}

#[test]
fn the_velocity_field_is_the_runtimes() {
    for &activation in ActivationKind::ALL {
        for conditions in [0, 3] {
            let model = model(activation, conditions);
            let (t, x, c) = (matrix(5, 1, 1), matrix(5, 2, 2), matrix(5, conditions, 3));
            let mut inputs = vec![("t", tensor(&t)), ("x", tensor(&x))];
            if conditions > 0 {
                inputs.push(("c", tensor(&c)));
            }
            let mut scratch = model.mlp.scratch();
            let expected: Vec<f32> = (0..5)
                .flat_map(|k| {
                    model.mlp.velocity(t.row(k)[0], x.row(k), c.row(k), &mut scratch).to_vec()
                })
                .collect();
            check(&run(&velocity(&model).unwrap(), &inputs), &expected);
        }
    }
}

#[test]
fn the_sampler_takes_the_models_steps_and_every_solvers() {
    let model = model(ActivationKind::Gelu, 3);
    let (x_0, c) = (matrix(5, 2, 2), matrix(5, 3, 3));
    let inputs = [("x_0", tensor(&x_0)), ("c", tensor(&c))];
    let choices = SolverKind::ALL.iter().map(|&kind| (Some(kind), Some(4)));
    for (kind, steps) in choices.chain([(None, None)]) {
        let solver = model.solver(kind, steps).unwrap();
        let mut expected = sampling::integrate(&model.mlp, &solver, &x_0, &c);
        model.data_units().unwrap().backward(&mut expected);
        let found = run(&sampler(&model, SolverChoice { kind, steps }, false).unwrap(), &inputs);
        check(&found, expected.values());
    }
}

#[test]
fn the_guided_sampler_takes_a_weight_for_each_sample() {
    let model = model(ActivationKind::Gelu, 3);
    let (x_0, c) = (matrix(3, 2, 2), matrix(3, 3, 3));
    let weights = [0.0, 1.0, 2.5];
    let guidance = Tensor { columns: 1, values: weights.map(f64::from).to_vec() };
    let inputs = [("x_0", tensor(&x_0)), ("c", tensor(&c)), ("guidance", guidance)];
    let found = run(&sampler(&model, SolverChoice::default(), true).unwrap(), &inputs);
    for (k, weight) in weights.into_iter().enumerate() {
        let solver = model.solver(None, None).unwrap();
        let solver = solver.guided(weight, model.mlp.null_condition().to_vec());
        let row = |of: &Matrix| Matrix::new(of.row(k).to_vec(), 1, of.columns());
        let expected = model.sample(&solver, &row(&x_0), &row(&c));
        check(&found[2 * k..2 * k + 2], expected.values());
    }
}

#[test]
fn the_sampler_keeps_to_what_the_columns_can_hold() {
    let kinds = [
        ([1.0, 0.0], [9.0, -3.25], [12.0, f32::MAX]),
        ([0.0, 1.0], [f32::MIN, f32::MIN], [10.5, f32::MAX]),
        ([2.0, 2.0], [f32::MIN; 2], [f32::MAX; 2]),
    ];
    let x_0 = matrix(9, 2, 2);
    for (kind, least, most) in kinds {
        let mut file = model(ActivationKind::Gelu, 0).file;
        for (name, values) in
            [("columns.kind", kind), ("columns.least", least), ("columns.most", most)]
        {
            file.tensors.insert(name.to_string(), Block::f32(&[2], &values));
        }
        if kind[0] > 1.0 {
            // So that each category is the largest of some samples.
            file.tensors.insert("data.mean".to_string(), Block::f32(&[2], &[0.0, 0.0]));
        }
        let model = Model::parse(&file.to_bytes().unwrap(), "test".into()).unwrap();
        let solver = model.solver(None, None).unwrap();
        let expected = model.sample(&solver, &x_0, &matrix(9, 0, 0));
        let file = sampler(&model, SolverChoice::default(), false).unwrap();
        check(&run(&file, &[("x_0", tensor(&x_0))]), expected.values());
        if kind[0] > 1.0 {
            assert!(expected.values().chunks(2).any(|row| row == [1.0, 0.0]));
            assert!(expected.values().chunks(2).any(|row| row == [0.0, 1.0]));
        }
    }
}

#[test]
fn a_model_without_conditions_has_no_input_for_them() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../weights/moons");
    let model = Model::open(Path::new(path)).unwrap();
    let x_0 = matrix(3, 2, 5);
    let solver = model.solver(None, None).unwrap();
    let mut expected = sampling::integrate(&model.mlp, &solver, &x_0, &matrix(3, 0, 0));
    model.data_units().unwrap().backward(&mut expected);
    let file = sampler(&model, SolverChoice::default(), false).unwrap();
    check(&run(&file, &[("x_0", tensor(&x_0))]), expected.values());
}
