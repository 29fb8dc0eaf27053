//! The const model and the file-sized one give the same bits, on random models of many shapes.

use std::collections::{BTreeMap, BTreeSet};

use flowlet::{
    Activation, ActivationKind, Elu, Gelu, GeluTanh, Guided, HeapMlp, HeapSolver, Method, Mish,
    Mlp, Noise, Relu, Selu, Silu, Solver, SolverKind, Tanh, VelocityField, method,
};
use flowlet_trainer::disk::tensor_file::{Block, TensorFile};
use flowlet_trainer::model::description::Description;
use flowlet_trainer::network::Shape;

/// A model file of random weights and units.
fn random_file(shape: Shape, seed: u64) -> Vec<u8> {
    let mut index = 0;
    let mut draw = |count: usize, scale: f32| -> Vec<f32> {
        index += 1;
        let mut values = vec![0.0; count];
        Noise::new(seed).fill(index, &mut values);
        values.iter().map(|x| x * scale).collect()
    };
    let mut tensors = BTreeMap::new();
    for (k, [inputs, outputs]) in shape.layers().into_iter().enumerate() {
        let weights = draw(inputs * outputs, 1.0 / (inputs as f32).sqrt());
        tensors.insert(format!("net.{}.weight", 2 * k), Block::f32(&[outputs, inputs], &weights));
        tensors.insert(format!("net.{}.bias", 2 * k), Block::f32(&[outputs], &draw(outputs, 0.5)));
    }
    for (name, width) in [("data", shape.data_dim), ("condition", shape.condition_dim)] {
        let scale: Vec<f32> = draw(width, 1.0).iter().map(|x| x.abs() + 0.1).collect();
        tensors.insert(format!("{name}.mean"), Block::f32(&[width], &draw(width, 2.0)));
        tensors.insert(format!("{name}.scale"), Block::f32(&[width], &scale));
    }
    let metadata = Description::default().to_metadata(shape).unwrap();
    TensorFile { tensors, metadata }.to_bytes().unwrap()
}

/// Velocities, paths and samples by one method of both front ends from the same file, compared bit by bit.
///
/// Each call is compiled for its shape and method by itself, which takes seconds. So a shape is checked with
/// one method, and one shape of each kind of kernel with all.
fn check<
    S: Method,
    const D: usize,
    const C: usize,
    const H: usize,
    const L: usize,
    A: Activation,
>() {
    let shape = Shape {
        data_dim: D,
        condition_dim: C,
        hidden_width: H,
        hidden_layers: L,
        activation: A::KIND,
    };
    for seed in 0..3 {
        let file = random_file(shape, seed);
        let fixed = Box::new(Mlp::<D, C, H, L, A>::try_from_safetensors(&file).unwrap());
        let heap = HeapMlp::try_from_safetensors(&file).unwrap();
        check_load(&fixed, &file);
        let mut scratch = heap.scratch();
        for sample in 0..4 {
            let x: [f32; D] = Noise::new(seed + 10).sample(sample);
            let c: [f32; C] = Noise::new(seed + 20).sample(sample);
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            let name = format!("{fixed:?}, seed {seed}, sample {sample}");

            let v = fixed.velocity(0.3, x, c);
            assert!(v.iter().all(|v| v.is_finite()), "{name}");
            assert_eq!(bits(&v), bits(heap.velocity(0.3, &x, &c, &mut scratch)), "{name}");
            assert_eq!(bits(&v), bits(&fixed.given(c).velocity(0.3, x, [])), "{name}");

            assert_eq!(fixed.fingerprint(), heap.fingerprint(), "{name}");

            assert_eq!(bits(&fixed.null_condition()), bits(heap.null_condition()), "{name}");
            let mut heap_x = fixed.to_data_units(x);
            let x = fixed.to_flow_units(heap_x);
            heap.to_flow_units(&mut heap_x);
            assert_eq!(bits(&x), bits(&heap_x), "{name}");

            for guided in [false, true] {
                check_solver::<S, D, C, H, L, A>(&fixed, &heap, x, c, guided);
            }
        }
        for rows in [1, 8, 16, 21] {
            for guided in [false, true] {
                check_batch::<S, D, C, H, L, A>(&fixed, &heap, rows, guided);
            }
        }
    }
}

/// Many samples at once by both front ends: the bits of each one by itself.
fn check_batch<
    S: Method,
    const D: usize,
    const C: usize,
    const H: usize,
    const L: usize,
    A: Activation,
>(
    fixed: &Mlp<D, C, H, L, A>,
    heap: &HeapMlp,
    rows: usize,
    guided: bool,
) {
    const WEIGHT: f32 = 1.7;
    let solver = Solver::<S, 3>::UNIFORM;
    let x_0: Vec<[f32; D]> = (0..rows as u64).map(|i| Noise::new(30).sample(i)).collect();
    let c: Vec<[f32; C]> = (0..rows as u64).map(|i| Noise::new(40).sample(i)).collect();
    let bits = |x: &[[f32; D]]| x.as_flattened().iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let name = format!("{fixed:?}, {}, {rows} rows, guided {guided}", S::KIND);
    let unconditional = fixed.null_condition();
    let guide = Guided { field: fixed, weight: WEIGHT, unconditional };
    let one = |x: &[f32; D], c: &[f32; C]| {
        if guided { solver.sample(&guide, *x, *c) } else { solver.sample(fixed, *x, *c) }
    };

    let each: Vec<[f32; D]> = x_0.iter().zip(&c).map(|(x, c)| one(x, c)).collect();
    let mut found = x_0.clone();
    if guided {
        solver.sample_batch(&guide, &mut found, &c);
    } else {
        solver.sample_batch(fixed, &mut found, &c);
    }
    assert_eq!(bits(&each), bits(&found), "{name}");

    let all: Vec<[f32; D]> = x_0.iter().map(|x| one(x, &c[0])).collect();
    let mut found = x_0.clone();
    let mut given = x_0.clone();
    if guided {
        solver.sample_batch(&guide, &mut found, &c[..1]);
    } else {
        solver.sample_batch(fixed, &mut found, &c[..1]);
        solver.sample_batch(&fixed.given(c[0]), &mut given, &[[]]);
        assert_eq!(bits(&all), bits(&given), "{name}");
    }
    assert_eq!(bits(&all), bits(&found), "{name}");

    let mut heap_solver = HeapSolver::uniform(S::KIND, 3.try_into().unwrap());
    if guided {
        heap_solver = heap_solver.guided(WEIGHT, unconditional.to_vec());
    }
    let mut found = x_0.clone();
    let mut scratch = heap.scratch();
    heap_solver.sample_batch(heap, found.as_flattened_mut(), c.as_flattened(), &mut scratch);
    assert_eq!(bits(&each), bits(&found), "{name}");

    let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let paths =
        heap_solver.trajectory_batch(heap, x_0.as_flattened(), c.as_flattened(), &mut scratch);
    for row in 0..rows {
        let path = heap_solver.trajectory(heap, &x_0[row], &c[row], &mut scratch);
        let found: Vec<f32> = paths
            .chunks_exact(rows * D)
            .flat_map(|points| points[row * D..][..D].to_vec())
            .collect();
        assert_eq!(bits(&path), bits(&found), "{name}, path {row}");
    }
}

/// Paths and samples of both front ends by one method, on a uniform grid and another.
fn check_solver<
    S: Method,
    const D: usize,
    const C: usize,
    const H: usize,
    const L: usize,
    A: Activation,
>(
    fixed: &Mlp<D, C, H, L, A>,
    heap: &HeapMlp,
    x: [f32; D],
    c: [f32; C],
    guided: bool,
) {
    const TIMES: [f32; 6] = [0.0, 0.05, 0.3, 0.5, 0.9, 1.0];
    const WEIGHT: f32 = 1.7;
    let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let solvers = [Solver::<S, 5>::UNIFORM, Solver::from_times(TIMES)];
    let heap_solvers = [
        HeapSolver::uniform(S::KIND, 5.try_into().unwrap()),
        HeapSolver::from_times(S::KIND, &TIMES),
    ];
    for (solver, mut heap_solver) in solvers.iter().zip(heap_solvers) {
        let name = format!("{fixed:?}, {}, guided {guided}", S::KIND);
        let times: Vec<f32> = solver.path(fixed, x, c).map(|(t, _)| t).collect();
        assert_eq!(times, heap_solver.times().skip(1).collect::<Vec<_>>(), "{name}");
        let (path, sample): (Vec<f32>, [f32; D]) = if guided {
            let unconditional = fixed.null_condition();
            heap_solver = heap_solver.guided(WEIGHT, unconditional.to_vec());
            let field = Guided { field: fixed, weight: WEIGHT, unconditional };
            let path = solver.path(&field, x, c).flat_map(|(_, x)| x).collect();
            (path, solver.sample(&field, x, c))
        } else {
            let path = solver.path(fixed, x, c).flat_map(|(_, x)| x).collect();
            let sample = solver.sample(fixed, x, c);
            assert_eq!(bits(&sample), bits(&solver.sample(&fixed.given(c), x, [])), "{name}");
            (path, sample)
        };
        let mut scratch = heap.scratch();
        let heap_path = heap_solver.trajectory(heap, &x, &c, &mut scratch);
        assert_eq!(bits(&path), bits(&heap_path[D..]), "{name}");
        let mut heap_sample = x;
        heap_solver.sample(heap, &mut heap_sample, &c, &mut scratch);
        assert_eq!(bits(&sample), bits(&heap_sample), "{name}");
        heap_sample = x;
        heap_solver.integrate(heap, &mut heap_sample, &c, &mut scratch);
        assert_eq!(bits(&heap_path[heap_path.len() - D..]), bits(&heap_sample), "{name}");
    }
}

/// By every method: a layer that one block of outputs holds, and one of blocks with a rest.
#[test]
fn every_method_on_a_narrow_and_a_wide_shape() {
    macro_rules! methods {
        ($($method:ident)+) => {
            with_a_large_stack(|| {
                $(
                    check::<method::$method, 2, 1, 5, 1, Gelu>();
                    check::<method::$method, 3, 0, 37, 2, Tanh>();
                )+
            });
            assert_eq!(&[$(method::$method::KIND),+][..], SolverKind::ALL);
        };
    }
    methods!(Euler Midpoint Heun Rk4 AdamsBashforth2);
}

/// A model read in place is the same, whatever was there; after a damaged file there is none.
fn check_load<const D: usize, const C: usize, const H: usize, const L: usize, A: Activation>(
    expected: &Mlp<D, C, H, L, A>,
    file: &[u8],
) {
    let mut model = Box::new(Mlp::<D, C, H, L, A>::zero());
    let zero = model.fingerprint();
    model.load(file).unwrap();
    assert_eq!(model.fingerprint(), expected.fingerprint());
    let mut damaged = file.to_vec();
    damaged.truncate(file.len() - 4);
    assert!(model.load(&damaged).is_err());
    assert_eq!(model.fingerprint(), zero);
    // The last value read is not finite: all before it were written.
    let mut damaged = file.to_vec();
    let end = damaged.len();
    damaged[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(model.load(&damaged).is_err());
    assert_eq!(model.fingerprint(), zero);
}

macro_rules! check {
    ($($d:literal $c:literal $h:literal $l:literal $a:ident $method:ident;)+) => {
        { $(check::<method::$method, $d, $c, $h, $l, $a>();)+ }
    };
}

/// With room for the large ones: `try_from_safetensors` gives its model by value.
fn with_a_large_stack(run: fn()) {
    std::thread::Builder::new().stack_size(64 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn small_and_odd_shapes() {
    with_a_large_stack(|| {
        check! {
            1 0 1 0 Gelu Euler;
            1 0 1 1 GeluTanh Midpoint;
            1 1 2 0 Silu Heun;
            2 0 3 1 Selu Rk4;
            2 1 5 2 Tanh AdamsBashforth2;
            3 0 7 3 Relu Euler;
            3 2 8 4 Gelu Midpoint;
            4 3 9 0 GeluTanh Heun;
            4 8 15 1 Silu Rk4;
            5 4 16 2 Selu AdamsBashforth2;
            5 0 17 3 Tanh Euler;
            6 5 24 4 Relu Midpoint;
            6 1 31 1 Elu Heun;
            7 6 32 0 Mish Rk4;
            7 7 33 2 Silu AdamsBashforth2;
            8 8 39 1 Selu Euler;
            8 0 40 3 Tanh Midpoint;
            1 8 41 4 Relu Heun;
        }
    });
}

#[test]
fn wide_shapes() {
    with_a_large_stack(|| {
        check! {
            2 0 63 1 Gelu Rk4;
            1 0 64 1 Gelu AdamsBashforth2;
            2 8 65 2 GeluTanh Euler;
            3 3 96 0 Silu Midpoint;
            5 2 100 4 Selu Heun;
            8 7 127 1 Tanh Rk4;
            7 1 128 2 Elu AdamsBashforth2;
            4 4 129 3 Mish Euler;
            6 8 130 4 Silu Midpoint;
        }
    });
}

#[test]
fn a_robot_policys_shape() {
    with_a_large_stack(check::<method::Heun, 112, 32, 256, 2, Gelu>);
}

#[test]
fn every_weight_counts_in_the_fingerprint() {
    let shape = Shape {
        data_dim: 2,
        condition_dim: 1,
        hidden_width: 3,
        hidden_layers: 1,
        activation: Gelu::KIND,
    };
    let file = TensorFile::parse(&random_file(shape, 0)).unwrap();
    let fingerprint = |file: &TensorFile| {
        HeapMlp::try_from_safetensors(&file.to_bytes().unwrap()).unwrap().fingerprint()
    };
    let mut found = BTreeSet::from([fingerprint(&file)]);
    let mut changes = 1;
    for name in file.tensors.keys() {
        let (mut changed, mut values) = (file.clone(), file.tensors[name].to_f32().unwrap());
        for k in 0..values.len() {
            values[k] = f32::from_bits(values[k].to_bits() ^ 1);
            let block = Block::f32(file.tensors[name].shape(), &values);
            changed.tensors.insert(name.clone(), block);
            found.insert(fingerprint(&changed));
            changes += 1;
        }
    }
    assert_eq!(found.len(), changes);
}

#[test]
fn every_activation_is_among_the_shapes() {
    let kinds = [
        Gelu::KIND,
        GeluTanh::KIND,
        Silu::KIND,
        Selu::KIND,
        Tanh::KIND,
        Relu::KIND,
        Elu::KIND,
        Mish::KIND,
    ];
    assert_eq!(&kinds[..], ActivationKind::ALL);
}

/// One thread or several: a sample depends on its own row alone.
#[test]
fn how_many_threads_share_the_work_changes_no_bit() {
    use flowlet_trainer::data::Matrix;
    use flowlet_trainer::solve::sampling;
    const ROWS: usize = 1000;
    let shape = Shape {
        data_dim: 2,
        condition_dim: 1,
        hidden_width: 24,
        hidden_layers: 1,
        activation: ActivationKind::Gelu,
    };
    let mlp = HeapMlp::try_from_safetensors(&random_file(shape, 7)).unwrap();
    let solver = HeapSolver::uniform(SolverKind::Heun, 3.try_into().unwrap());
    let x_0 = sampling::noise(1, ROWS, 2);
    let c = sampling::noise(2, ROWS, 1);
    let by = |threads: usize| -> Matrix {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| sampling::sample(&mlp, &solver, &x_0, &c))
    };
    let one = by(1);
    for threads in [2, 3, 8] {
        assert!(one == by(threads), "{threads} threads");
    }
    let mut scratch = mlp.scratch();
    for row in 0..ROWS {
        let mut x = x_0.row(row).to_vec();
        solver.sample(&mlp, &mut x, c.row(row), &mut scratch);
        let bits = |x: &[f32]| x.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&x), bits(one.row(row)), "row {row}");
    }
}
