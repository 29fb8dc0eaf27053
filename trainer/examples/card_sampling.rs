//! Samples a model on an NVIDIA GPU and on the processor, and prints both times and the largest difference. The
//! card's samples are not the runtime's to the bit: cuBLAS adds in another order.
//!
//! ```sh
//! cargo run --release -p flowlet-trainer --features cuda --example card_sampling -- MODEL SAMPLES STEPS
//! ```

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use flowlet::{HeapSolver, Noise, SolverKind};
use flowlet_gpu::{Settings, State, Task, Trainer};
use flowlet_trainer::data::Matrix;
use flowlet_trainer::model::Model;
use flowlet_trainer::solve::sampling::integrate;

/// Rows that go through the network together.
const BATCH: usize = 1 << 19;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, samples, steps] = &arguments[..] else {
        anyhow::bail!("expected a model, a number of samples and a number of steps")
    };
    let (samples, steps): (usize, usize) = (samples.parse()?, steps.parse()?);
    let model = Model::open(Path::new(model))?;
    let network = model.network()?;
    let shape = network.shape();
    ensure!(shape.condition_dim == 0, "expected a model without conditions");
    let weights = network.weights().to_vec();
    let settings = Settings {
        data: shape.data_dim,
        conditions: 0,
        layers: shape.layers(),
        activation: shape.activation,
        task: Task::Velocity,
        batch: BATCH,
        gradient_clip: None,
        averages: false,
        seed: 0,
    };
    let mut card = Trainer::on_card(settings, None)?;
    let (m, v) = (vec![0.0; weights.len()], vec![0.0; weights.len()]);
    card.set(&State { weights, m, v, average: Vec::new() })?;
    let mut x_0 = vec![0.0; samples * shape.data_dim];
    Noise::new(0).fill(0, &mut x_0);
    let times: Vec<f32> = (0..=steps).map(|i| i as f32 / steps as f32).collect();
    card.integrate(&times, &x_0[..shape.data_dim], &[])?;

    let start = Instant::now();
    let there = card.integrate(&times, &x_0, &[])?;
    println!("card       {:.3} s", start.elapsed().as_secs_f64());
    let solver = HeapSolver::uniform(SolverKind::Euler, steps.try_into()?);
    let (x_0, none) = (Matrix::new(x_0, samples, shape.data_dim), Matrix::new(vec![], samples, 0));
    let start = Instant::now();
    let here = integrate(&model.mlp, &solver, &x_0, &none);
    println!("processor  {:.3} s", start.elapsed().as_secs_f64());
    let apart = here.values().iter().zip(&there).map(|(a, b)| (a - b).abs());
    let most = apart.max_by(f32::total_cmp).context("no samples")?;
    println!("{samples} samples in {steps} steps; largest difference {most:e}");
    Ok(())
}
