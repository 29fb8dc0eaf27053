//! The time of a hundred training iterations: the article's network and wider ones with independent pairs, and
//! one network with pairs by optimal transport.
//!
//! ```sh
//! cargo bench --bench training
//! ```

use anyhow::Result;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowlet_trainer::config::words::{CouplingKind, DeviceKind};
use flowlet_trainer::config::{Config, preset};
use flowlet_trainer::coupling::dataset::Dataset;
use flowlet_trainer::training::metrics::Measurement;
use flowlet_trainer::training::{Monitor, train};

const ITERATIONS: usize = 100;

struct Silent;

impl Monitor for Silent {
    fn iteration(&mut self, _: usize, _: f64) {}

    fn measured(&mut self, _: &Measurement) -> Result<()> {
        Ok(())
    }

    fn stops(&self) -> bool {
        false
    }
}

fn configuration(name: &str, width: usize, coupling: CouplingKind) -> Config {
    let mut config = preset(name).unwrap();
    config.model.hidden_width = width;
    config.train.iterations = ITERATIONS;
    config.train.coupling = coupling;
    config.train.device = DeviceKind::Cpu;
    config
}

fn iterations(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("100 iterations");
    group.throughput(Throughput::Elements(ITERATIONS as u64)).sample_size(20);
    for (name, target, width, coupling) in [
        ("mixture, 16 wide", "mixture", 16, CouplingKind::Independent),
        ("mixture, 64 wide", "mixture", 64, CouplingKind::Independent),
        ("mixture, 256 wide", "mixture", 256, CouplingKind::Independent),
        ("moons, 64 wide, transport", "moons", 64, CouplingKind::Transport),
    ] {
        let config = configuration(target, width, coupling);
        let dataset = Dataset::open(&config).unwrap();
        group.bench_function(name, |bencher| {
            bencher.iter(|| train(&config, &dataset, &mut Silent, None).unwrap());
        });
    }
}

criterion_group!(benches, iterations);
criterion_main!(benches);
