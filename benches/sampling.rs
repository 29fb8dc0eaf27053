//! What sampling the article's model costs on one core: one evaluation of the network, one sample
//! in 15 steps, and 4,096 samples in 50 steps; the const front end beside the file-sized one.
//!
//! ```sh
//! cargo bench --bench sampling
//! ```

use std::hint::black_box;
use std::path::Path;

use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use flowlet::{Euler, HeapMlp, HeapSolver, Mlp, Noise, SolverKind, VelocityField};

static MIXTURE: Mlp<1, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("../weights/mixture/model.safetensors"));

const SAMPLES: u64 = 4096;

fn heap() -> HeapMlp {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights/mixture/model.safetensors");
    HeapMlp::try_from_safetensors(&std::fs::read(path).unwrap()).unwrap()
}

fn heap_euler(steps: usize) -> HeapSolver {
    HeapSolver::uniform(SolverKind::Euler, steps.try_into().unwrap())
}

fn evaluation(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("evaluation");
    group.bench_function("const", |bencher| {
        bencher.iter(|| MIXTURE.velocity(black_box(0.3), black_box([0.85]), []));
    });
    let mlp = heap();
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
    let mlp = heap();
    let mut scratch = mlp.scratch();
    let solver = heap_euler(15);
    group.bench_function("alloc", |bencher| {
        bencher.iter(|| {
            let mut x = black_box([0.85]);
            solver.sample(&mlp, &mut x, &[], &mut scratch);
            x
        });
    });
}

fn batch(criterion: &mut Criterion) {
    let mut group: BenchmarkGroup<'_, _> = criterion.benchmark_group("4096 samples of 50 steps");
    group.throughput(Throughput::Elements(SAMPLES)).sample_size(20);
    let noise: Vec<[f32; 1]> = Noise::new(0).samples(0).take(SAMPLES as usize).collect();
    group.bench_function("const", |bencher| {
        bencher.iter(|| {
            noise.iter().map(|&x_0| Euler::<50>::UNIFORM.sample(&MIXTURE, x_0, [])[0]).sum::<f32>()
        });
    });
    let mlp = heap();
    let mut scratch = mlp.scratch();
    let solver = heap_euler(50);
    group.bench_function("alloc", |bencher| {
        bencher.iter(|| {
            noise
                .iter()
                .map(|&x_0| {
                    let mut x = x_0;
                    solver.sample(&mlp, &mut x, &[], &mut scratch);
                    x[0]
                })
                .sum::<f32>()
        });
    });
}

criterion_group!(benches, evaluation, sample, batch);
criterion_main!(benches);
