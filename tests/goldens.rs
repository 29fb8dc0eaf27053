//! Compares the runtime, const and alloc, with candle's f32 and the f64 reference, for the committed models:
//! at every step of every path, and on the velocity grid.
//!
//! Each comparison runs twice: with the committed golden files, and with candle's and the reference's outputs
//! computed anew.

#[path = "goldens/integers.rs"]
mod integers;

use std::path::{Path, PathBuf};

use flowlet::{
    Activation, Digest, Euler, Method, Mlp, SelfTest, Solver, SolverKind, VelocityField, method,
};
use flowlet_trainer::judge::golden::{Answers, Golden};
use flowlet_trainer::judge::verify::verify;
use flowlet_trainer::model::Model;

static MIXTURE: Mlp<1, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../weights/mixture/model.safetensors"));
static MOONS: Mlp<2, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../weights/moons/model.safetensors"));
static EIGHT_GAUSSIANS: Mlp<2, 8, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../weights/8gaussians/model.safetensors"));
static MIXTURE_ONE_STEP: Mlp<1, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../weights/mixture-one-step/model.safetensors"));

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("weights").join(name)
}

fn open(name: &str) -> (Model, Golden) {
    let model = Model::open(&directory(name)).unwrap();
    let golden = Golden::read(&directory(name).join("golden.safetensors")).unwrap();
    (model, golden)
}

/// Runs the const front end on a golden file's inputs. Returns the paths and the velocities.
fn run<
    const N: usize,
    const D: usize,
    const C: usize,
    const H: usize,
    const L: usize,
    A: Activation,
>(
    mlp: &Mlp<D, C, H, L, A>,
    golden: &Golden,
) -> (Vec<f32>, Vec<f32>) {
    assert_eq!(golden.times.len(), N + 1);
    let solver = &Euler::<N>::UNIFORM;
    let array = |row: &[f32]| <[f32; D]>::try_from(row).unwrap();
    let condition = |row: &[f32]| <[f32; C]>::try_from(row).unwrap();
    let paths = (0..golden.x_0.rows()).flat_map(|p| {
        let (x_0, c) = (array(golden.x_0.row(p)), condition(golden.condition.row(p)));
        let path: Vec<[f32; D]> =
            std::iter::once(x_0).chain(solver.path(mlp, x_0, c).map(|(_, x)| x)).collect();
        // Computing the condition's terms once, with `given`, must not change a bit.
        let given: Vec<[f32; D]> = solver.path(&mlp.given(c), x_0, []).map(|(_, x)| x).collect();
        assert_eq!(given, path[1..]);
        path.into_flattened()
    });
    let velocities = (0..golden.grid_t.len()).flat_map(|g| {
        let c = condition(golden.grid_condition.row(g));
        mlp.velocity(golden.grid_t[g], array(golden.grid_x.row(g)), c)
    });
    (paths.collect(), velocities.collect())
}

/// Checks the model called `name`, which is made for `N` steps.
fn check<
    const N: usize,
    const D: usize,
    const C: usize,
    const H: usize,
    const L: usize,
    A: Activation,
>(
    name: &str,
    mlp: &Mlp<D, C, H, L, A>,
) {
    let (model, committed) = open(name);
    let mut anew = committed.clone();
    anew.answer(&model).unwrap();
    let (paths, velocities) = run::<N, _, _, _, _, _>(mlp, &committed);
    let methods = [
        by_method::<method::Euler, D, C>(mlp, &committed),
        by_method::<method::Midpoint, D, C>(mlp, &committed),
        by_method::<method::Heun, D, C>(mlp, &committed),
        by_method::<method::Rk4, D, C>(mlp, &committed),
        by_method::<method::AdamsBashforth2, D, C>(mlp, &committed),
    ];
    assert_eq!(committed.methods, methods, "{name}");
    for golden in [&committed, &anew] {
        let report = verify(&model, golden).unwrap();
        assert!(report.passes(), "{name}\n{report}");
        assert_eq!(
            golden.path_digest(&paths),
            golden.path.digest,
            "{name}: const and alloc differ"
        );
        let mut digest = Digest::new();
        digest.update(&velocities);
        assert_eq!(digest.value(), golden.velocity.digest, "{name}: const and alloc differ");
        within_tolerance(name, "paths", &paths, &golden.path);
        within_tolerance(name, "velocities", &velocities, &golden.velocity);
    }
    // candle's order of additions depends on the CPU, so its f32 may differ from the committed file. The f64
    // reference may hardly differ.
    let worst = worst(&anew.path.reference, &committed.path.reference);
    assert!(worst < 1e-10, "{name}: the reference moved by {worst:e}");
}

/// Returns the method's kind and the digest of its first 8 paths in 8 steps.
fn by_method<S: Method, const D: usize, const C: usize>(
    field: &impl VelocityField<D, C>,
    golden: &Golden,
) -> (SolverKind, u64) {
    let mut digest = Digest::new();
    for p in 0..8 {
        let x_0 = golden.x_0.row(p).try_into().unwrap();
        let c = golden.condition.row(p).try_into().unwrap();
        for (_, x) in Solver::<S, 8>::UNIFORM.path(field, x_0, c) {
            digest.update(&x);
        }
    }
    (S::KIND, digest.value())
}

/// Asserts that the worst error is at most twice candle's own, or 1e-6 where that is larger.
fn within_tolerance(name: &str, what: &str, found: &[f32], golden: &Answers) {
    let found: Vec<f64> = found.iter().copied().map(f64::from).collect();
    let candle: Vec<f64> = golden.candle.iter().copied().map(f64::from).collect();
    let (error, candle) = (worst(&found, &golden.reference), worst(&candle, &golden.reference));
    assert!(error <= (2.0 * candle).max(1e-6), "{name}, {what}: {error:e}, candle {candle:e}");
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    // `f64::max` would ignore NaN.
    let errors = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    errors.fold(0.0, |worst, error| if error <= worst { worst } else { error })
}

#[test]
fn mixture() {
    check::<50, _, _, _, _, _>("mixture", &MIXTURE);
}

#[test]
fn moons() {
    check::<50, _, _, _, _, _>("moons", &MOONS);
}

#[test]
fn eight_gaussians_by_class() {
    check::<50, _, _, _, _, _>("8gaussians", &EIGHT_GAUSSIANS);
}

#[test]
fn mixture_in_one_step() {
    check::<1, _, _, _, _, _>("mixture-one-step", &MIXTURE_ONE_STEP);
}

#[test]
fn the_self_test_in_a_models_file_passes_and_notices_wrong_arithmetic() {
    static TEST: SelfTest<2, 8> =
        SelfTest::from_safetensors(include_bytes!("../weights/8gaussians/model.safetensors"));
    assert_eq!(TEST.run(&EIGHT_GAUSSIANS), Ok(()));

    // A machine that flushes subnormals to zero: only the last step, which starts at subnormals, fails.
    struct Flushed;
    impl VelocityField<2, 8> for Flushed {
        fn velocity(&self, t: f32, x: [f32; 2], c: [f32; 8]) -> [f32; 2] {
            let v = EIGHT_GAUSSIANS.velocity(t, x, c);
            if x.iter().any(|x| x.is_subnormal()) { [0.0; 2] } else { v }
        }
    }
    let error = TEST.run(&Flushed).unwrap_err();
    assert_eq!(error.step, 3);
    assert!(error.to_string().contains("flush subnormals"), "{error}");

    let error = TEST.run(&Mlp::<2, 8, 64, 1>::zero()).unwrap_err();
    assert_eq!((error.step, error.coordinate), (0, 0));
}

#[test]
fn paths_by_every_solver_match_candle_and_the_reference() {
    let (model, mut golden) = open("8gaussians");
    for &kind in SolverKind::ALL {
        let mut file = model.file.clone();
        let times = [0.0, 0.1, 0.4, 0.65, 0.7, 0.9, 1.0];
        flowlet_trainer::model::tuning::apply(&mut file, kind, &times).unwrap();
        let model = Model::parse(&file.to_bytes().unwrap(), "tuned".into()).unwrap();
        golden.renew(&model).unwrap();
        assert_eq!((golden.solver, golden.times.as_slice()), (kind, times.as_slice()));
        let report = verify(&model, &golden).unwrap();
        assert!(report.passes(), "{kind}\n{report}");
        // The golden outputs are the same after they were written to a file and read.
        let directory = tempfile::TempDir::new().unwrap();
        let path = directory.path().join("golden.safetensors");
        std::fs::write(&path, golden.to_bytes().unwrap()).unwrap();
        assert_eq!(Golden::read(&path).unwrap(), golden);
    }
}

#[test]
fn a_changed_bias_is_noticed() {
    let (model, golden) = open("mixture");
    let mut file = model.file.clone();
    let block = file.tensors["net.4.bias"].clone();
    let moved: Vec<f32> = block.to_f32().unwrap().iter().map(|b| b + 1e-4).collect();
    let block = flowlet_trainer::disk::tensor_file::Block::f32(block.shape(), &moved);
    file.tensors.insert("net.4.bias".to_string(), block);
    let moved = Model::parse(&file.to_bytes().unwrap(), "moved".into()).unwrap();
    let report = verify(&moved, &golden).unwrap();
    assert!(!report.passes(), "{report}");
    assert!(report.path.runtime > 5e-5, "{report}");
}
