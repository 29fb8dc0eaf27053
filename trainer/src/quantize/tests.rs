use flowlet::fixed::{self, Mlp, Mlp4, Mlp8};
use flowlet::{Gelu, SolverKind};

use super::calibration::Calibration;
use super::reference::{Reference, uniform};
use super::{CONTRACT, CONTRACT_KEY, IntegerModel, Weights, round};
use crate::coupling::source::Source;
use crate::disk::tensor_file::TensorFile;
use crate::model::Model;

fn committed(name: &str) -> Model {
    let path = format!("{}/../weights/{name}", env!("CARGO_MANIFEST_DIR"));
    Model::open(path.as_ref()).unwrap()
}

fn quantized(model: &Model, weights: Weights) -> (IntegerModel, Vec<u8>) {
    let source = model.source().unwrap();
    let calibration = Calibration::run(model, &source, 1000, 0).unwrap();
    let integer = round(model, &source, &calibration, weights).unwrap();
    let mut metadata = model.file.metadata.clone();
    metadata.insert(CONTRACT_KEY.to_string(), CONTRACT.to_string());
    let file = TensorFile { tensors: integer.to_tensors(), metadata };
    assert_eq!(IntegerModel::from_file(&file).unwrap(), integer);
    (integer, file.to_bytes().unwrap())
}

/// The points of a path of `field` by a solver of the runtime.
macro_rules! path {
    ($method:ident, $steps:literal, $field:expr, $x:expr, $c:expr) => {
        fixed::$method::<$steps>::UNIFORM
            .path($field, $x, $c)
            .flat_map(|(_, x)| x)
            .collect::<Vec<i32>>()
    };
}

#[test]
fn the_runtime_has_the_bits_of_the_reference() {
    let model = committed("mixture");
    for weights in Weights::ALL {
        let (integer, bytes) = quantized(&model, weights);
        macro_rules! check {
            ($mlp:expr) => {
                let mlp = $mlp.unwrap();
                for seed in 0..4 {
                    let x: [i32; 1] = fixed::Noise::new(seed).sample(0);
                    let reference = Reference::new(&integer, &[]);
                    let expected = |kind| reference.path(kind, &uniform(7), &x)[1..].to_vec();
                    assert_eq!(path!(Euler, 7, &mlp, x, []), expected(SolverKind::Euler));
                    assert_eq!(path!(Midpoint, 7, &mlp, x, []), expected(SolverKind::Midpoint));
                    assert_eq!(path!(Heun, 7, &mlp, x, []), expected(SolverKind::Heun));
                    assert_eq!(path!(Rk4, 7, &mlp, x, []), expected(SolverKind::Rk4));
                    let expected = expected(SolverKind::AdamsBashforth2);
                    assert_eq!(path!(AdamsBashforth2, 7, &mlp, x, []), expected);
                }
            };
        }
        match weights {
            Weights::I16 => {
                check!(Mlp::<1, 0, 64, 1, Gelu>::try_from_safetensors(&bytes));
            }
            Weights::I8 => {
                check!(Mlp8::<1, 0, 64, 1, Gelu>::try_from_safetensors(&bytes));
            }
            Weights::I4 => {
                check!(Mlp4::<1, 0, 64, 1, 2048, Gelu>::try_from_safetensors(&bytes));
            }
        }
    }
}

#[test]
fn samples_of_i16_are_near_those_of_the_float_model() {
    for name in ["mixture", "moons", "8gaussians"] {
        let model = committed(name);
        let (integer, _) = quantized(&model, Weights::I16);
        let started = std::time::Instant::now();
        let d = model.mlp.data_dim();
        let c = vec![0; model.mlp.condition_dim()];
        let c_float = vec![0.0; model.mlp.condition_dim()];
        let x_0 = Source::Normal.starts(3, 200, d);
        let solver = model.solver(None, Some(20)).unwrap();
        let mut scratch = model.mlp.scratch();
        let reference = Reference::new(&integer, &c);
        let mut sum = 0.0;
        let mut worst = 0.0_f64;
        for row in 0..x_0.rows() {
            let mut x = x_0.row(row).to_vec();
            let fixed: Vec<i32> = x.iter().map(|x| (x * 1048576.0).round() as i32).collect();
            let path = reference.path(solver.kind(), &uniform(20), &fixed);
            solver.integrate(&model.mlp, &mut x, &c_float, &mut scratch);
            for (x, y) in x.iter().zip(&path[20 * d..]) {
                let error = f64::from(*x) - f64::from(*y) / 1048576.0;
                sum += error * error;
                worst = worst.max(error.abs());
            }
        }
        let rms = (sum / (200 * d) as f64).sqrt();
        println!(
            "{name}: rms {rms:.2e}, worst {worst:.2e}, {:?} {:?}",
            started.elapsed(),
            integer.unit_bits
        );
        assert!(rms < 2e-3);
    }
}
