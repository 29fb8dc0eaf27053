//! The time of sampling on one core: activations, one evaluation and one sample of the article's model with
//! both front ends, and batches of several sizes and network widths.
//!
//! ```sh
//! cargo bench --bench sampling
//! ```

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use flowlet::{ActivationKind, Euler, HeapMlp, HeapSolver, Mlp, SolverKind, VelocityField};
use flowlet_trainer::coupling::dataset::Units;
use flowlet_trainer::data::random::{Stream, generator};
use flowlet_trainer::model::description::Description;
use flowlet_trainer::model::export;
use flowlet_trainer::network::{Network, Shape};
use flowlet_trainer::solve::sampling::noise;

static MIXTURE: Mlp<1, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../weights/mixture/model.safetensors"));

fn mixture() -> HeapMlp {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/mixture/model.safetensors");
    HeapMlp::try_from_safetensors(&std::fs::read(path).unwrap()).unwrap()
}

/// Returns a network as in the article but `hidden_width` wide, with random weights.
fn model_of_width(hidden_width: usize) -> HeapMlp {
    let shape = Shape {
        data_dim: 1,
        condition_dim: 0,
        hidden_width,
        hidden_layers: 1,
        activation: ActivationKind::Gelu,
    };
    let network = Network::initialize(shape, &mut generator(0, Stream::Weights));
    let file = export(&network, &Units::identity(1, 0), &Description::default()).unwrap();
    HeapMlp::try_from_safetensors(&file.to_bytes().unwrap()).unwrap()
}

fn euler(steps: usize) -> HeapSolver {
    HeapSolver::uniform(SolverKind::Euler, steps.try_into().unwrap())
}

fn activations(criterion: &mut Criterion) {
    const NUMBERS: usize = 4096;
    let mut group = criterion.benchmark_group("activation of 4096 numbers");
    group.throughput(Throughput::Elements(NUMBERS as u64));
    let x = noise(0, NUMBERS, 1);
    for &kind in ActivationKind::ALL {
        group.bench_function(kind.name(), |bencher| {
            let mut values = x.values().to_vec();
            bencher.iter(|| {
                values.copy_from_slice(x.values());
                kind.apply_slice(black_box(&mut values));
            });
        });
    }
}

fn evaluation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluation");
    group.bench_function("const", |bencher| {
        bencher.iter(|| MIXTURE.velocity(black_box(0.3), black_box([0.85]), []));
    });
    let mlp = mixture();
    let mut scratch = mlp.scratch();
    group.bench_function("alloc", |bencher| {
        bencher.iter(|| mlp.velocity(black_box(0.3), black_box(&[0.85]), &[], &mut scratch)[0]);
    });
}

fn sample(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sample of 15 steps");
    group.bench_function("const", |bencher| {
        bencher.iter(|| Euler::<15>::UNIFORM.sample(&MIXTURE, black_box([0.85]), []));
    });
    let mlp = mixture();
    let mut scratch = mlp.scratch();
    let solver = euler(15);
    group.bench_function("alloc", |bencher| {
        bencher.iter(|| {
            let mut x = black_box([0.85]);
            solver.sample(&mlp, &mut x, &[], &mut scratch);
            x
        });
    });
}

/// One frame of a particle system: 64 samples in a batch, with the const front end.
fn frame(criterion: &mut Criterion) {
    const PARTICLES: usize = 64;
    let mut group = criterion.benchmark_group("64 samples of 15 steps");
    group.throughput(Throughput::Elements(PARTICLES as u64));
    let x_0 = noise(0, PARTICLES, 1);
    let x_0: Vec<[f32; 1]> = x_0.values().iter().map(|&x| [x]).collect();
    group.bench_function("const", |bencher| {
        let mut x = x_0.clone();
        bencher.iter(|| {
            x.copy_from_slice(&x_0);
            Euler::<15>::UNIFORM.sample_batch(&MIXTURE, black_box(&mut x), &[[]]);
        });
    });
}

/// Batches of one step, which is one evaluation for each sample: more steps take proportionally longer.
fn batches(criterion: &mut Criterion) {
    let solver = euler(1);
    for width in [16, 64, 256] {
        let mut group = criterion.benchmark_group(format!("batch, one step, {width} wide"));
        let mlp = model_of_width(width);
        let mut scratch = mlp.scratch();
        for samples in [1, 16, 256, 4096, 100_000] {
            let x_0 = noise(0, samples, 1);
            let mut x = x_0.values().to_vec();
            group.throughput(Throughput::Elements(samples as u64)).sample_size(20);
            group.bench_function(BenchmarkId::from_parameter(samples), |bencher| {
                bencher.iter(|| {
                    x.copy_from_slice(x_0.values());
                    solver.sample_batch(&mlp, black_box(&mut x), &[], &mut scratch);
                });
            });
        }
    }
}

criterion_group!(benches, activations, evaluation, sample, frame, batches);
criterion_main!(benches);
