use flowlet::fixed::{self, Mlp, Mlp4, Mlp8};
use flowlet::{ActivationKind, Gelu, SolverKind, VelocityField};

use super::calibration::Calibration;
use super::export::export;
use super::file::IntegerFile;
use super::golden::{GUIDANCE, IntegerGolden};
use super::numbers::user_units;
use super::reference::{Reference, to_data, to_flow, uniform};
use super::sampling::{Difference, Samples, difference, sample};
use super::verify::verify;
use super::{IntegerModel, Weights, fine_tune, round};
use crate::coupling::dataset::Units;
use crate::coupling::source::Source;
use crate::data::random::{Stream, generator};
use crate::data::{Matrix, Standardization, preset};
use crate::disk::tensor_file::{Block, TensorFile};
use crate::judge::distance::wasserstein_1;
use crate::judge::golden::Inputs;
use crate::model::description::Description;
use crate::model::{self, Model};
use crate::network::{Network, Shape};

fn committed(name: &str) -> Model {
    let path = format!("{}/../weights/{name}", env!("CARGO_MANIFEST_DIR"));
    Model::open(path.as_ref()).unwrap()
}

/// A model with random weights, as PyTorch initialises them. `edit` changes its file.
fn random(shape: Shape, edit: impl FnOnce(&mut TensorFile)) -> Model {
    let network = Network::initialize(shape, &mut generator(1, Stream::Weights));
    let units = Units {
        data: Standardization {
            mean: (0..shape.data_dim).map(|k| k as f32 - 1.5).collect(),
            scale: (0..shape.data_dim).map(|k| 0.5 + k as f32).collect(),
        },
        condition: Standardization {
            mean: (0..shape.condition_dim).map(|k| 100.0 * k as f32).collect(),
            scale: (0..shape.condition_dim).map(|k| 3.0 + 7.0 * k as f32).collect(),
        },
    };
    let data_columns = (0..shape.data_dim).map(|k| format!("column {k}")).collect();
    let description = Description { steps: Some(20), data_columns, ..Description::default() };
    let mut file = model::export(&network, &units, &description).unwrap();
    edit(&mut file);
    Model::parse(&file.to_bytes().unwrap(), "random".into()).unwrap()
}

/// Changes the numbers of a tensor.
fn change(file: &mut TensorFile, name: &str, edit: impl FnOnce(&mut [f32])) {
    let block = file.tensor(name).unwrap();
    let (shape, mut values) = (block.shape().to_vec(), block.to_f32().unwrap());
    edit(&mut values);
    file.tensors.insert(name.to_string(), Block::f32(&shape, &values));
}

const SMALL: Shape = Shape {
    data_dim: 2,
    condition_dim: 0,
    hidden_width: 9,
    hidden_layers: 1,
    activation: ActivationKind::Silu,
};

fn calibrated(model: &Model) -> anyhow::Result<Calibration> {
    Calibration::run(model, &model.source().unwrap(), 200, 0)
}

fn rounded(model: &Model, weights: Weights) -> anyhow::Result<IntegerModel> {
    round(model, &model.source().unwrap(), &calibrated(model)?, weights)
}

fn bytes(model: &Model, integer: &IntegerModel) -> Vec<u8> {
    export(model, integer).unwrap().to_bytes().unwrap()
}

/// Returns samples of an integer model by Euler's method.
fn sampled(
    model: &Model,
    integer: &IntegerModel,
    steps: usize,
    x_0: &Matrix,
    c: &Matrix,
) -> Samples {
    let mlp = fixed::HeapMlp::try_from_safetensors(&bytes(model, integer)).unwrap();
    let steps = steps.try_into().unwrap();
    sample(&mlp, &fixed::HeapSolver::uniform(SolverKind::Euler, steps), x_0, c)
}

/// The points of a path of `field` by a solver of the runtime.
macro_rules! path {
    ($method:ident, $field:expr, $x:expr, $c:expr) => {
        fixed::$method::<7>::UNIFORM.path($field, $x, $c).flat_map(|(_, x)| x).collect::<Vec<i32>>()
    };
}

/// Holds the runtime's bits against the reference's: all methods, without conditions.
macro_rules! check_methods {
    ($mlp:expr, $integer:expr) => {
        for seed in 0..4 {
            let x: [i32; 1] = fixed::Noise::new(seed).sample(0);
            let reference = Reference::new($integer, &[]);
            let expected = |kind| reference.path(kind, &uniform(7), &x)[1..].to_vec();
            assert_eq!(path!(Euler, $mlp, x, []), expected(SolverKind::Euler));
            assert_eq!(path!(Midpoint, $mlp, x, []), expected(SolverKind::Midpoint));
            assert_eq!(path!(Heun, $mlp, x, []), expected(SolverKind::Heun));
            assert_eq!(path!(Rk4, $mlp, x, []), expected(SolverKind::Rk4));
            let expected = expected(SolverKind::AdamsBashforth2);
            assert_eq!(path!(AdamsBashforth2, $mlp, x, []), expected);
        }
    };
}

#[test]
fn the_runtime_has_the_bits_of_the_reference_by_every_method() {
    let model = committed("mixture");
    for weights in Weights::ALL {
        let integer = rounded(&model, weights).unwrap();
        let bytes = bytes(&model, &integer);
        match weights {
            Weights::I16 => {
                let mlp = Mlp::<1, 0, 64, 1, Gelu>::try_from_safetensors(&bytes).unwrap();
                fixed::SelfTest::<1, 0>::try_from_safetensors(&bytes).unwrap().run(&mlp).unwrap();
                check_methods!(&mlp, &integer);
            }
            Weights::I8 => {
                let mlp = Mlp8::<1, 0, 64, 1, Gelu>::try_from_safetensors(&bytes).unwrap();
                check_methods!(&mlp, &integer);
            }
            Weights::I4 => {
                let mlp = Mlp4::<1, 0, 64, 1, 2048, Gelu>::try_from_safetensors(&bytes).unwrap();
                check_methods!(&mlp, &integer);
            }
        }
    }
}

#[test]
fn the_runtime_has_the_bits_of_the_reference_under_conditions_and_guidance() {
    let shape = Shape { data_dim: 2, condition_dim: 3, hidden_width: 33, ..SMALL };
    let model = random(shape, |_| ());
    let integer = rounded(&model, Weights::I4).unwrap();
    let bytes = bytes(&model, &integer);
    let mlp = Mlp4::<2, 3, 33, 1, 561, flowlet::Silu>::try_from_safetensors(&bytes).unwrap();
    fixed::SelfTest::<2, 3>::try_from_safetensors(&bytes).unwrap().run(&mlp).unwrap();
    let null = mlp.null_condition();
    assert_eq!(null.to_vec(), integer.condition_units.mean);
    let guided = fixed::Guided { field: &mlp, weight: GUIDANCE, unconditional: null };
    for (seed, c) in [[0.0_f32, 0.0, 0.0], [1.0, 120.5, 180.0], [-1e9, 1e9, 3.0]].iter().enumerate()
    {
        let x: [i32; 2] = fixed::Noise::new(seed as u64).sample(0);
        let c = user_units(&Matrix::new(c.to_vec(), 1, 3), integer.condition_units.bits);
        let c_array = [c[0], c[1], c[2]];
        let reference = Reference::new(&integer, &c);
        let expected = reference.path(SolverKind::Heun, &uniform(7), &x);
        assert_eq!(path!(Heun, &mlp, x, c_array), expected[2..]);
        let expected = reference.guided(GUIDANCE, &null).path(SolverKind::Heun, &uniform(7), &x);
        assert_eq!(path!(Heun, &guided, x, c_array), expected[2..]);
    }
    for x in [[0, 0], [12_345, -67_890], [i32::MAX, i32::MIN]] {
        let data = mlp.to_data_units(x);
        assert_eq!(data.to_vec(), to_data(&integer, &x));
        assert_eq!(mlp.to_flow_units(data).to_vec(), to_flow(&integer, &data));
    }
}

/// PyTorch's shapes and initial weights.
#[test]
fn samples_of_i16_are_near_those_of_the_float_model() {
    use ActivationKind::{Elu, Gelu, Relu, Silu};
    for (data_dim, condition_dim, hidden_width, hidden_layers, activation) in
        [(1, 0, 33, 0, Relu), (2, 8, 64, 1, Gelu), (5, 1, 100, 2, Silu), (8, 3, 128, 3, Elu)]
    {
        let shape = Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation };
        let model = random(shape, |_| ());
        let integer = rounded(&model, Weights::I16).unwrap();
        let solver = model.solver(None, Some(20)).unwrap();
        let x_0 = Source::Normal.starts(3, 100, data_dim);
        let mut c = Source::Normal.starts(4, 100, condition_dim.max(1));
        if condition_dim == 0 {
            c = Matrix::new(Vec::new(), 100, 0);
        }
        model.units().unwrap().condition.backward(&mut c);
        let samples = sampled(&model, &integer, 20, &x_0, &c);
        let Difference { rms, .. } = difference(
            &samples.flow,
            &crate::solve::sampling::integrate(&model.mlp, &solver, &x_0, &c),
        );
        assert!(rms < 2e-3 && rms > 0.0, "{shape:?}: {rms:e}");
    }
}

#[test]
fn data_units_are_those_of_the_float_model() {
    let shape = Shape { data_dim: 5, ..SMALL };
    let model = random(shape, |_| ());
    let integer = rounded(&model, Weights::I16).unwrap();
    let x_0 = Source::Normal.starts(3, 100, 5);
    let c = Matrix::new(Vec::new(), 100, 0);
    let Samples { flow, data } = sampled(&model, &integer, 20, &x_0, &c);
    let mut expected = flow;
    model.data_units().unwrap().backward(&mut expected);
    for (found, expected) in data.values().iter().zip(expected.values()) {
        assert!((found - expected).abs() < 1e-5, "{found} {expected}");
    }
}

/// At H = 512 the bound on sums leaves few bits. A weight far larger than the others leaves fewer.
#[test]
fn no_sum_can_overflow() {
    let shape = Shape { hidden_width: 512, activation: ActivationKind::Relu, ..SMALL };
    let model = random(shape, |file| {
        change(file, "net.2.weight", |w| w[5] = 1000.0);
        change(file, "net.4.weight", |w| w.fill(1e-3));
    });
    let integer = rounded(&model, Weights::I16).unwrap();
    for layer in &integer.layers {
        let inputs = layer.weight.len() / layer.bias.len();
        for (row, bias) in layer.weight.chunks_exact(inputs).zip(&layer.bias) {
            let sum: i64 = row.iter().map(|&weight| i64::from(weight).abs()).sum();
            let most = sum * 32768 + i64::from(*bias).abs();
            // The scale is the largest: twice of it would be beyond the bound, or beyond a weight's 16 bits.
            assert!(most < 1 << 31);
            assert!(most >= 1 << 29, "{most}");
        }
    }
}

#[test]
fn a_column_that_leaves_half_of_the_range_is_named() {
    let model = random(SMALL, |file| change(file, "net.4.bias", |b| b[1] = 1500.0));
    let error = calibrated(&model).unwrap_err().to_string();
    assert!(error.contains("standard deviations in the column column 1"), "{error}");
    let fast = |file: &mut TensorFile| {
        change(file, "net.4.bias", |b| b[0] = f32::MAX);
        change(file, "net.4.weight", |w| w.fill(f32::MAX));
    };
    let error = calibrated(&random(SMALL, fast)).unwrap_err().to_string();
    assert!(error.contains("inf standard deviations in the column column 0"), "{error}");
}

#[test]
fn units_and_weights_beyond_16_bits_are_named() {
    let shape = Shape { activation: ActivationKind::Relu, ..SMALL };
    let model = random(shape, |file| change(file, "net.0.bias", |b| b[3] = 1e6));
    let silent = |file: &mut TensorFile| {
        change(file, "net.0.bias", |b| b[3] = 1e6);
        change(file, "net.2.weight", |w| w.fill(0.0));
    };
    assert!(calibrated(&model).is_err());
    let error = rounded(&random(shape, silent), Weights::I16).unwrap_err().to_string();
    assert!(
        error.contains("the units of layer 0 reach 1.000e6, which 16 bits do not hold"),
        "{error}"
    );

    let large = |file: &mut TensorFile| {
        change(file, "net.0.bias", |b| b.fill(-1.0));
        change(file, "net.0.weight", |w| w.fill(0.0));
        change(file, "net.2.weight", |w| w[9] = 1e6);
    };
    let error = rounded(&random(shape, large), Weights::I16).unwrap_err().to_string();
    assert!(error.contains("the weights of output 1 of layer 1 are too large"), "{error}");
}

#[test]
fn columns_too_different_for_common_fraction_bits_are_named() {
    let model = random(SMALL, |file| change(file, "data.scale", |s| s[1] = 1e9));
    let error = rounded(&model, Weights::I16).unwrap_err().to_string();
    assert!(
        error.contains("the data column \"column 0\"")
            || error.contains("the data column column 0"),
        "{error}"
    );
    let shape = Shape { condition_dim: 2, ..SMALL };
    let model = random(shape, |file| change(file, "condition.mean", |m| m[1] = 1e15));
    let error = rounded(&model, Weights::I16).unwrap_err().to_string();
    assert!(error.contains("the condition c0"), "{error}");
}

/// The promises: W1 within 10 % + 0.002 with i8, 20 % + 0.003 with i4.
#[test]
fn fine_tuned_samples_are_as_near_to_the_data_as_the_float_models() {
    const SAMPLES: usize = 4000;
    let model = committed("mixture");
    let calibration = Calibration::run(&model, &Source::Normal, 1000, 0).unwrap();
    let mut rng = generator(0, Stream::Evaluation);
    let real = preset("mixture").unwrap().draw(SAMPLES, false, &mut rng).x;
    let x_0 = Source::Normal.starts(0, SAMPLES, 1);
    let c = Matrix::new(Vec::new(), SAMPLES, 0);
    let solver = model.solver(None, Some(20)).unwrap();
    let float = crate::solve::sampling::sample(&model.mlp, &solver, &x_0, &c);
    let float = wasserstein_1(float.values(), real.values());
    let of = |integer: &IntegerModel| {
        let samples = sampled(&model, integer, 20, &x_0, &c);
        wasserstein_1(samples.data.values(), real.values())
    };
    for (weights, iterations, share, more) in [
        (Weights::I16, 0, 0.03, 0.001),
        (Weights::I8, 300, 0.1, 0.002),
        (Weights::I4, 800, 0.2, 0.003),
    ] {
        let before = round(&model, &Source::Normal, &calibration, weights).unwrap();
        let tuned = fine_tune(&model, &before, &calibration, iterations, 0, || ()).unwrap();
        let (plain, found) = (of(&before), of(&tuned.model));
        let most = float * (1.0 + share) + more;
        assert!(found <= most, "{weights:?}: {found}, {plain} before, float {float}");
        if weights == Weights::I4 {
            assert!(plain > most && tuned.after < 0.5 * tuned.before, "{plain} {tuned:?}");
        }
    }
}

/// The error that fine-tuning lowers is that of the integer model.
#[test]
fn the_error_in_floats_is_that_of_the_integer_model() {
    let model = random(Shape { hidden_layers: 2, hidden_width: 24, ..SMALL }, |_| ());
    let calibration = calibrated(&model).unwrap();
    let integer = rounded(&model, Weights::I4).unwrap();
    let stated = fine_tune(&model, &integer, &calibration, 0, 0, || ()).unwrap().before;
    let field = Reference::new(&integer, &[]);
    // The held-out rows: whole paths of 20 steps.
    let kept = calibration.kept() * calibration.evaluations;
    let (mut sum, mut n) = (0.0, 0);
    for row in kept - 4000..kept {
        let input = &calibration.inputs[3 * row..][..3];
        let whole = |x: f32, bits: i32| (f64::from(x) * 2.0_f64.powi(bits)).round() as i32;
        let v = field.velocity(whole(input[0], 30), &[whole(input[1], 20), whole(input[2], 20)]);
        for (v, expected) in v.iter().zip(&calibration.outputs[2 * row..]) {
            sum += (f64::from(*v) / 2.0_f64.powi(20) - f64::from(*expected)).powi(2);
            n += 1;
        }
    }
    let found = (sum / f64::from(n)).sqrt();
    assert!((found / stated - 1.0).abs() < 0.1, "{found} {stated}");
}

#[test]
fn golden_outputs_come_back_from_their_file() {
    let shape = Shape { condition_dim: 2, ..SMALL };
    let heun = |file: &mut TensorFile| {
        file.metadata.insert("flowlet.solver".to_string(), SolverKind::Heun.to_string());
    };
    let model = random(shape, heun);
    let integer = rounded(&model, Weights::I8).unwrap();
    let opened = IntegerFile::parse(&bytes(&model, &integer), "whole".into()).unwrap();
    let conditions = Matrix::new(vec![1.0, 2.0, -3.0, 4.0], 2, 2);
    let inputs = Inputs::new(&Source::Normal, &conditions, (2, 2), 0).unwrap();
    let golden = IntegerGolden::make(&opened, &inputs);
    assert_eq!(golden.questions.times, uniform(20));
    assert_eq!(golden.questions.solver, SolverKind::Heun);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("golden.safetensors");
    std::fs::write(&path, golden.to_bytes().unwrap()).unwrap();
    assert_eq!(IntegerGolden::read(&path).unwrap(), golden);
    assert!(golden.answers.guided.is_some());
}

#[test]
fn a_file_that_states_its_steps_and_no_grid_gets_golden_paths_of_these_steps() {
    let without_grid = |file: &mut TensorFile| drop(file.tensors.remove("grid"));
    let model = random(SMALL, without_grid);
    let integer = rounded(&model, Weights::I16).unwrap();
    assert_eq!(integer.grid, None);
    let opened = IntegerFile::parse(&bytes(&model, &integer), "whole".into()).unwrap();
    assert_eq!(opened.own_times(), uniform(20));
    assert_eq!(opened.solver(None, None).unwrap().steps(), 20);
    let inputs = Inputs::new(&Source::Normal, &Matrix::new(vec![], 1, 0), (2, 0), 0).unwrap();
    let mut golden = IntegerGolden::make(&opened, &inputs);
    assert_eq!(golden.questions.times, uniform(20));
    golden.renew(&opened).unwrap();
    assert_eq!(golden.questions.times, uniform(20));
}

/// Held-out rows are whole paths, so that the error before and after the tuning is over all times.
#[test]
fn the_calibration_keeps_whole_paths() {
    let model = random(Shape { condition_dim: 1, ..SMALL }, |_| ());
    let Calibration { inputs, outputs, evaluations, .. } = calibrated(&model).unwrap();
    assert_eq!(evaluations, 20);
    let paths = inputs.chunks_exact(4 * 20).zip(outputs.chunks_exact(2 * 20));
    assert_eq!(paths.len(), inputs.len() / 80);
    for (path, velocities) in paths {
        let rows: Vec<&[f32]> = path.chunks_exact(4).collect();
        let times: Vec<f32> = rows.iter().map(|row| row[0]).collect();
        assert_eq!(times, (0..20).map(|i| i as f32 / 20.0).collect::<Vec<_>>());
        for (pair, v) in rows.windows(2).zip(velocities.chunks_exact(2)) {
            for k in 0..2 {
                let next = pair[0][1 + k] + v[k] / 20.0;
                assert!((pair[1][1 + k] - next).abs() < 1e-5, "{} {next}", pair[1][1 + k]);
            }
            assert_eq!(pair[0][3], pair[1][3]);
        }
    }
}

#[test]
fn an_opened_integer_model_has_the_numbers_of_the_float_one() {
    let shape = Shape { condition_dim: 2, ..SMALL };
    let model = random(shape, |_| ());
    let integer = rounded(&model, Weights::I16).unwrap();
    let opened = IntegerFile::parse(&bytes(&model, &integer), "whole".into()).unwrap();
    assert_eq!(opened.model, integer);
    let close = |a: &[f32], b: &[f32], error: f32| {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() <= error * b.abs().max(1.0))
    };
    for (name, error) in [
        ("net.0.weight", 1e-3),
        ("net.2.weight", 1e-3),
        ("net.4.weight", 1e-3),
        ("net.4.bias", 1e-3),
        ("data.mean", 1e-6),
        ("data.scale", 1e-6),
        ("condition.mean", 1e-6),
        ("condition.scale", 1e-6),
        ("grid", 1e-7),
    ] {
        let read = |model: &Model| model.file.tensors[name].to_f32().unwrap();
        assert!(close(&read(&opened.floats), &read(&model), error), "{name}");
    }
    assert!(!opened.has_grid_of_its_own());
    assert_eq!(opened.solver(None, None).unwrap().steps(), 20);
}

/// One changed number, of each kind, is seen.
#[test]
fn other_bits_fail_verification() {
    let model = random(Shape { condition_dim: 2, ..SMALL }, |_| ());
    let integer = rounded(&model, Weights::I8).unwrap();
    let opened = IntegerFile::parse(&bytes(&model, &integer), "whole".into()).unwrap();
    let conditions = Matrix::new(vec![1.0, 2.0, -3.0, 4.0], 2, 2);
    let inputs = Inputs::new(&Source::Normal, &conditions, (2, 2), 0).unwrap();
    let golden = IntegerGolden::make(&opened, &inputs);
    let passes = |golden: &IntegerGolden| verify(&opened, golden).unwrap().passes();
    assert!(passes(&golden), "{}", verify(&opened, &golden).unwrap());
    let mut other = golden.clone();
    other.answers.path[77] += 1;
    assert!(!passes(&other));
    let mut other = golden.clone();
    other.answers.velocity[7] -= 1;
    assert!(!passes(&other));
    let mut other = golden.clone();
    other.answers.data[1] += 1;
    assert!(!passes(&other));
    let mut other = golden.clone();
    other.answers.methods[3].1 ^= 1;
    assert!(!passes(&other));
    let mut other = golden.clone();
    other.answers.guided = Some(5);
    assert!(!passes(&other));
    // A model with another weight has other bits.
    let mut changed = integer;
    changed.layers[1].weight[3] += 1;
    let changed = IntegerFile::parse(&bytes(&model, &changed), "whole".into()).unwrap();
    assert!(!verify(&changed, &golden).unwrap().passes());
}
