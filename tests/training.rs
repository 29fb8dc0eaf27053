//! Short training runs: the loss falls, every parameter changes, and the seed determines every byte.

use std::collections::BTreeMap;

use anyhow::Result;
use flowlet_trainer::config::{Config, preset};
use flowlet_trainer::coupling::dataset::Dataset;
use flowlet_trainer::data::random::{Stream, generator};
use flowlet_trainer::model::description::Description;
use flowlet_trainer::model::export;
use flowlet_trainer::network::Network;
use flowlet_trainer::training::metrics::Measurement;
use flowlet_trainer::training::{Monitor, Trained, train};

#[derive(Default)]
struct Watch {
    measured: Vec<Measurement>,
    stop_after: Option<usize>,
    iterations: usize,
}

impl Monitor for Watch {
    fn iteration(&mut self, iteration: usize, _: f64) {
        self.iterations = iteration;
    }

    fn measured(&mut self, measurement: &Measurement) -> Result<()> {
        self.measured.push(*measurement);
        Ok(())
    }

    fn stops(&self) -> bool {
        self.stop_after == Some(self.iterations)
    }
}

fn short(name: &str, seed: u64) -> Config {
    let mut config = preset(name).unwrap();
    config.seed = seed;
    config.train.iterations = 300;
    config.train.batch_size = 64;
    config.model.hidden_width = 16;
    config
}

fn run(config: &Config, watch: &mut Watch) -> (Trained, Vec<u8>) {
    let dataset = Dataset::open(config).unwrap();
    let trained = train(config, &dataset, watch, None).unwrap();
    let file = export(&trained.network, &dataset.units, &Description::default()).unwrap();
    (trained, file.to_bytes().unwrap())
}

fn values(network: &Network) -> BTreeMap<String, Vec<f32>> {
    let named = network.shape().split(network.weights()).into_iter();
    named.map(|(name, _, values)| (name, values.to_vec())).collect()
}

#[test]
fn the_loss_falls_and_every_parameter_changes() {
    let config = short("mixture", 0);
    let mut watch = Watch::default();
    let (trained, _) = run(&config, &mut watch);
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    let (first, last) = (mean(&trained.losses.last()[..30]), mean(&trained.losses.last()[270..]));
    assert!(last < 0.9 * first, "{first} to {last}");

    let mut rng = generator(0, Stream::Weights);
    let start = Network::initialize(trained.network.shape(), &mut rng);
    let (start, end) = (values(&start), values(&trained.network));
    assert_eq!(start.len(), 6);
    for (name, start) in start {
        for (k, (start, end)) in start.iter().zip(&end[&name]).enumerate() {
            assert_ne!(start, end, "{name}, element {k}");
        }
    }
}

/// The article's own run: its loss, and where its path from 0.85 ends.
#[test]
fn the_articles_run_gives_the_articles_numbers() {
    let (trained, bytes) = run(&preset("article").unwrap(), &mut Watch::default());
    let loss = trained.losses.recent();
    assert!((loss - 1.85).abs() < 0.02, "{loss}");
    let mlp = flowlet::HeapMlp::try_from_safetensors(&bytes).unwrap();
    let solver = flowlet::HeapSolver::uniform(flowlet::SolverKind::Euler, 15.try_into().unwrap());
    let mut x = [0.85];
    solver.sample(&mlp, &mut x, &[], &mut mlp.scratch());
    assert!((x[0] - 1.48).abs() < 0.08, "{x:?}");
}

#[test]
fn every_activation_learns() {
    for &kind in flowlet::ActivationKind::ALL {
        let mut config = short("8gaussians", 1);
        config.data.condition = vec!["class".to_string()];
        config.model.activation = kind;
        let (trained, _) = run(&config, &mut Watch::default());
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (first, last) =
            (mean(&trained.losses.last()[..30]), mean(&trained.losses.last()[270..]));
        assert!(last < 0.8 * first, "{kind}: {first} to {last}");
    }
}

#[test]
fn the_seed_determines_every_byte_of_the_model() {
    for name in ["mixture", "moons"] {
        let model = |seed| run(&short(name, seed), &mut Watch::default()).1;
        assert_eq!(model(5), model(5), "{name}");
        assert_ne!(model(5), model(6), "{name}");
    }
}

#[test]
fn metrics_come_in_order_with_the_held_out_loss() {
    let mut watch = Watch::default();
    let (trained, _) = run(&short("moons", 0), &mut watch);
    assert_eq!(watch.measured.len(), 300);
    assert!(watch.measured.windows(2).all(|pair| pair[0].iteration < pair[1].iteration));
    assert!(watch.measured.iter().all(|m| m.gradient_norm > 0.0 && m.loss.is_finite()));
    let last = watch.measured.last().unwrap();
    let held_out = last.held_out_loss.expect("the last row has a held-out loss");
    assert!((held_out - trained.losses.recent()).abs() < 1.0, "{held_out}");
    let with_held_out = watch.measured.iter().filter(|m| m.held_out_loss.is_some()).count();
    assert_eq!(with_held_out, 30);
}

#[test]
fn a_stopped_run_gives_the_model_of_a_run_with_as_many_iterations() {
    let mut watch = Watch { stop_after: Some(120), ..Watch::default() };
    let (stopped, bytes) = run(&short("mixture", 2), &mut watch);
    assert_eq!(stopped.losses.iterations(), 120);
    let mut config = short("mixture", 2);
    config.train.iterations = 120;
    assert_eq!(bytes, run(&config, &mut Watch::default()).1);
}

#[test]
fn a_diverging_run_names_the_iteration_and_suggests_a_smaller_rate() {
    let mut config = short("mixture", 0);
    config.train.learning_rate = 1e30;
    let dataset = Dataset::open(&config).unwrap();
    let error = train(&config, &dataset, &mut Watch::default(), None).unwrap_err().to_string();
    assert!(error.contains("at iteration") && error.contains("learning rate"), "{error}");
}
