//! The committed integer models: the const model, the model on the heap and the independent reference give the numbers
//! of the golden files.

use flowlet::fixed::{
    self, AdamsBashforth2, Euler, Guided, Heun, Midpoint, Mlp, Mlp4, Mlp8, Rk4, SelfTest,
};
use flowlet::{SolverKind, VelocityField};
use flowlet_trainer::quantize::file::{AnyModel, IntegerFile};
use flowlet_trainer::quantize::golden::{GUIDANCE, IntegerGolden, Questions, path_digest};
use flowlet_trainer::quantize::verify::verify;

use super::directory;

/// Reads a committed model while compiling.
macro_rules! model {
    ($name:literal) => {
        include_bytes!(concat!("../../weights/", $name, "/model.safetensors"))
    };
}

static MIXTURE_I16: Mlp<1, 0, 64, 1> = Mlp::from_safetensors(model!("mixture-i16"));
static MIXTURE_I8: Mlp8<1, 0, 64, 1> = Mlp8::from_safetensors(model!("mixture-i8"));
static MOONS_I16: Mlp<2, 0, 64, 1> = Mlp::from_safetensors(model!("moons-i16"));
static MOONS_I8: Mlp8<2, 0, 64, 1> = Mlp8::from_safetensors(model!("moons-i8"));
static EIGHT_GAUSSIANS_I16: Mlp<2, 8, 64, 1> = Mlp::from_safetensors(model!("8gaussians-i16"));
static EIGHT_GAUSSIANS_I8: Mlp8<2, 8, 64, 1> = Mlp8::from_safetensors(model!("8gaussians-i8"));
static MIXTURE_ONE_STEP_I4: Mlp4<1, 0, 64, 1, 2048> =
    Mlp4::from_safetensors(model!("mixture-one-step-i4"));

fn open(name: &str) -> (IntegerFile, IntegerGolden) {
    let AnyModel::Integer(opened) = AnyModel::open(&directory(name)).unwrap() else {
        panic!("{name}: a float model");
    };
    let golden = IntegerGolden::read(&directory(name).join("golden.safetensors")).unwrap();
    (*opened, golden)
}

/// The digest of a method's paths in 8 steps from the first 8 starting points.
macro_rules! digest {
    ($method:ident, $field:expr, $golden:expr) => {{
        let questions = &$golden.questions;
        let paths = starts(questions).take(8).enumerate().flat_map(|(p, x_0)| {
            let path = $method::<8>::UNIFORM.path($field, x_0, condition(questions, p));
            x_0.into_iter().chain(path.flat_map(|(_, x)| x)).collect::<Vec<i32>>()
        });
        path_digest(&paths.collect::<Vec<_>>(), 9, $golden.data_dim)
    }};
}

fn starts<const D: usize>(questions: &Questions) -> impl Iterator<Item = [i32; D]> {
    questions.x_0.chunks_exact(D).map(|x| x.try_into().unwrap())
}

fn condition<const C: usize>(questions: &Questions, path: usize) -> [i32; C] {
    questions.condition[path * C..][..C].try_into().unwrap()
}

/// Checks a const model, whose null condition is `null`, against its golden file. It is made for `N` steps of Euler's
/// method.
fn check<const N: usize, const D: usize, const C: usize>(
    name: &str,
    mlp: &impl VelocityField<D, C, i32>,
    null: [i32; C],
) {
    let (opened, golden) = open(name);
    let (q, a) = (&golden.questions, &golden.answers);
    assert_eq!((q.solver, q.times.len()), (SolverKind::Euler, N + 1), "{name}");
    // The model on the heap, and the reference.
    let report = verify(&opened, &golden).unwrap();
    assert!(report.passes() && report.self_test == Some(true), "{name}\n{report}");
    assert!(q.answer(&opened.model) == *a, "{name}: the reference has other numbers");

    let solver = Euler::<N>::UNIFORM;
    let mut path = Vec::new();
    for (p, x_0) in starts(q).enumerate() {
        path.extend(x_0);
        path.extend(solver.path(mlp, x_0, condition(q, p)).flat_map(|(_, x)| x));
    }
    assert!(path == a.path, "{name}: other paths");
    let mut data: Vec<[i32; D]> = starts(q).collect();
    let c: Vec<[i32; C]> = (0..data.len()).map(|p| condition(q, p)).collect();
    solver.sample_batch(mlp, &mut data, &c);
    assert_eq!(data.as_flattened(), a.data, "{name}");
    let velocities = (0..q.grid_t.len()).flat_map(|g| {
        let x = q.grid_x[g * D..][..D].try_into().unwrap();
        mlp.velocity(q.grid_t[g], x, q.grid_condition[g * C..][..C].try_into().unwrap())
    });
    assert!(velocities.eq(a.velocity.iter().copied()), "{name}: other velocities");
    let methods = [
        (SolverKind::Euler, digest!(Euler, mlp, golden)),
        (SolverKind::Midpoint, digest!(Midpoint, mlp, golden)),
        (SolverKind::Heun, digest!(Heun, mlp, golden)),
        (SolverKind::Rk4, digest!(Rk4, mlp, golden)),
        (SolverKind::AdamsBashforth2, digest!(AdamsBashforth2, mlp, golden)),
    ];
    assert_eq!(a.methods, methods, "{name}");
    let guided = Guided { field: mlp, weight: GUIDANCE, unconditional: null };
    assert_eq!(a.guided, (C > 0).then(|| digest!(Euler, &guided, golden)), "{name}");
}

#[test]
fn mixture() {
    check::<50, _, _>("mixture-i16", &MIXTURE_I16, []);
    check::<50, _, _>("mixture-i8", &MIXTURE_I8, []);
}

#[test]
fn moons() {
    check::<50, _, _>("moons-i16", &MOONS_I16, []);
    check::<50, _, _>("moons-i8", &MOONS_I8, []);
}

#[test]
fn eight_gaussians_by_class() {
    check::<50, _, _>("8gaussians-i16", &EIGHT_GAUSSIANS_I16, EIGHT_GAUSSIANS_I16.null_condition());
    check::<50, _, _>("8gaussians-i8", &EIGHT_GAUSSIANS_I8, EIGHT_GAUSSIANS_I8.null_condition());
}

#[test]
fn mixture_in_one_step_of_four_bits() {
    check::<1, _, _>("mixture-one-step-i4", &MIXTURE_ONE_STEP_I4, []);
}

#[test]
fn the_self_test_in_an_integer_models_file_passes_and_notices_another_model() {
    static TEST: SelfTest<2, 8> = SelfTest::from_safetensors(model!("8gaussians-i16"));
    assert_eq!(TEST.run(&EIGHT_GAUSSIANS_I16), Ok(()));
    let error = TEST.run(&EIGHT_GAUSSIANS_I8).unwrap_err();
    assert_eq!(error.step, 0);
    assert!(TEST.run(&fixed::Mlp::<2, 8, 64, 1>::zero()).is_err());
}

/// One weight of each type is changed by one unit.
#[test]
fn a_changed_weight_is_noticed() {
    for name in ["mixture-i16", "moons-i8", "mixture-one-step-i4"] {
        let (opened, golden) = open(name);
        let mut file = opened.file.clone();
        let mut model = opened.model.clone();
        let weight = &mut model.layers[1].weight[77];
        *weight += if *weight > 0 { -1 } else { 1 };
        file.tensors.extend(model.to_tensors());
        let changed = IntegerFile::parse(&file.to_bytes().unwrap(), "changed".into()).unwrap();
        let report = verify(&changed, &golden).unwrap();
        assert!(!report.passes(), "{name}\n{report}");
        assert!(report.digests.iter().any(|(_, right)| !right), "{name}\n{report}");
    }
}
