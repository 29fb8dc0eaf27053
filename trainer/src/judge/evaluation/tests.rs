use flowlet::SolverKind;

use super::*;
use crate::coupling::dataset::{Real, Units};
use crate::coupling::source::Source;
use crate::data::{Matrix, Points};
use crate::disk::tensor_file::{Block, TensorFile};
use crate::model::Model;
use crate::solve::sampling;

/// A model whose velocity is (1, 2) everywhere, with means and scales of its data.
fn constant() -> Model {
    let mut file = TensorFile::default();
    let mut add = |name: &str, shape: &[usize], values: &[f32]| {
        file.tensors.insert(name.to_string(), Block::f32(shape, values));
    };
    add("net.0.weight", &[4, 3], &[0.0; 12]);
    add("net.0.bias", &[4], &[0.0; 4]);
    add("net.2.weight", &[4, 4], &[0.0; 16]);
    add("net.2.bias", &[4], &[0.0; 4]);
    add("net.4.weight", &[2, 4], &[0.0; 8]);
    add("net.4.bias", &[2], &[1.0, 2.0]);
    add("data.mean", &[2], &[10.0, 20.0]);
    add("data.scale", &[2], &[2.0, 4.0]);
    Model::parse(&file.to_bytes().unwrap(), "constant.safetensors".into()).unwrap()
}

#[test]
fn the_measures_of_a_constant_velocity_match_their_closed_forms() {
    let model = constant();
    let n = 500;
    let x_0 = sampling::noise(3, n, 2);
    let values = x_0.values().chunks(2);
    let values = values.flat_map(|x| [(x[0] + 1.0) * 2.0 + 10.0, (x[1] + 2.0) * 4.0 + 20.0]);
    let points = Points { x: Matrix::new(values.collect(), n, 2), c: Matrix::new(vec![], n, 0) };
    let points = std::sync::Arc::new(points);
    let real = Real::Rows { train: points.clone(), held_out: points };
    let units = Units {
        data: model.data_units().unwrap(),
        condition: crate::data::Standardization::identity(0),
    };
    let source = Source::Normal;
    let draw = |kind, steps, x_0: &Matrix, c: &Matrix| {
        let solver = model.solver(Some(kind), Some(steps))?;
        Ok(sampling::sample(&model.mlp, &solver, x_0, c))
    };
    let subject = Subject {
        model: &model,
        draw: &draw,
        real: &real,
        units: &units,
        source: &source,
        conditions: &[],
        overfitting: None,
    };
    let plan = Plan {
        solvers: vec![SolverKind::Euler, SolverKind::Rk4],
        steps: vec![1, 3],
        points: n,
        samples: n,
        seed: 3,
        standardize: false,
        within: 5.0,
        instructions: None,
    };
    let found = evaluate(&subject, &plan, || {}).unwrap();
    for Row { distances: Distances { w1, w2, sliced_w2, .. }, .. } in &found.rows {
        assert!(w1.max(*w2).max(*sliced_w2) < 1e-5, "{w1} {w2} {sliced_w2}");
    }
    assert_eq!((found.floor.w2, found.points, found.judged_on), (0.0, n, "held-out rows"));
    // All paths are the same shift, which is the shortest transport.
    assert!(found.path_energy.unwrap() < 1e-4, "{:?}", found.path_energy);
    // The error is the difference of two independent normal draws, whose variance is 2.
    assert!((found.held_out_loss - 2.0).abs() < 0.3, "{}", found.held_out_loss);
    let squares: f64 = x_0.values().iter().map(|&x| f64::from(x).powi(2)).sum();
    let expected = -0.5 * squares / n as f64 - (2.0 * std::f64::consts::PI).ln() - 8.0_f64.ln();
    let LogLikelihood::Nats { mean, points, .. } = found.log_likelihood else { panic!() };
    assert!((mean - expected).abs() < 1e-5 && points == n, "{mean} {expected}");
}
