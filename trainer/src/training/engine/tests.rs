//! The card's path, on the processor, beside the processor's own.

use anyhow::Result;
use tempfile::TempDir;

use super::Place;
use crate::config::words::CouplingKind;
use crate::config::{Config, preset};
use crate::coupling::dataset::Dataset;
use crate::training::checkpoint::Checkpoints;
use crate::training::metrics::Measurement;
use crate::training::{Keep, Monitor, Trained, train_at};

/// Stops after so many iterations of a phase, if at all.
#[derive(Default)]
struct Watch {
    stop: Option<(usize, usize)>,
    phase: usize,
    iteration: usize,
    rows: Vec<Measurement>,
}

impl Monitor for Watch {
    fn iteration(&mut self, iteration: usize, _: f64) {
        self.iteration = iteration;
    }

    fn measured(&mut self, measurement: &Measurement) -> Result<()> {
        self.phase = measurement.phase;
        self.rows.push(*measurement);
        Ok(())
    }

    fn stops(&self) -> bool {
        self.stop == Some((self.phase, self.iteration))
    }
}

fn config(name: &str) -> Config {
    let mut config = preset(name).unwrap();
    config.model.hidden_width = 8;
    config.train.batch_size = 32;
    config.train.iterations = 150;
    config.train.ema = 0.9;
    config.train.gradient_clip = 1.0;
    config.train.weight_decay = 0.1;
    config
}

fn trained(place: Place, config: &Config, watch: &mut Watch, keep: Option<&Keep>) -> Trained {
    let dataset = Dataset::open(config).unwrap();
    train_at(place, config, &dataset, watch, keep).unwrap()
}

fn weights(trained: &Trained) -> Vec<f32> {
    let flat = |tensor: &candle_core::Tensor| tensor.flatten_all().unwrap().to_vec1().unwrap();
    trained.network.tensors().values().flat_map(flat).collect()
}

/// The largest difference between two networks' weights, or two runs' losses.
fn apart<T: Copy + Into<f64>>(a: &[T], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(&a, &b)| (a.into() - b.into()).abs()).fold(0.0, f64::max)
}

fn held_out(watch: &Watch) -> Vec<f64> {
    watch.rows.iter().filter_map(|row| row.held_out_loss).collect()
}

#[test]
fn a_card_trains_as_the_processor_with_the_same_batches() {
    let mut config = config("moons");
    config.train.coupling = CouplingKind::Transport;
    let (mut one, mut two) = (Watch::default(), Watch::default());
    let processor = trained(Place::Processor, &config, &mut one, None);
    let card = trained(Place::Emulated, &config, &mut two, None);
    assert!(apart(&processor.losses, &card.losses) < 1e-3);
    assert!(apart(&weights(&processor), &weights(&card)) < 1e-3);
    assert_eq!(held_out(&one).len(), 15);
    assert!(apart(&held_out(&one), &held_out(&two)) < 1e-3);
    for (one, two) in one.rows.iter().zip(&two.rows) {
        assert_eq!((one.iteration, one.learning_rate), (two.iteration, two.learning_rate));
        let apart = (one.gradient_norm - two.gradient_norm).abs();
        assert!(apart < 1e-3 * one.gradient_norm.max(1.0), "{one:?} {two:?}");
    }
}

#[test]
fn a_card_draws_batches_of_the_same_distribution() {
    let mut config = config("mixture");
    config.train.iterations = 600;
    let mean = |trained: &Trained| trained.losses[300..].iter().sum::<f64>() / 300.0;
    let processor = mean(&trained(Place::Processor, &config, &mut Watch::default(), None));
    let card = mean(&trained(Place::Emulated, &config, &mut Watch::default(), None));
    assert!((processor - card).abs() < 0.1, "{processor} {card}");
}

/// A student of two steps: the endpoints of a teacher, then its own.
fn student() -> Config {
    let mut config = config("mixture");
    config.few_steps.steps = 2;
    config.few_steps.teacher_hidden_width = 8;
    config.few_steps.teacher_hidden_layers = 1;
    config.few_steps.iterations = 100;
    config.few_steps.batch_size = 32;
    config.few_steps.pairs = 500;
    config.few_steps.transport_size = 64;
    config
}

#[test]
fn a_card_trains_students() {
    let mut config = student();
    // The teacher's batches, too, are the same on both.
    config.train.coupling = CouplingKind::Transport;
    let processor = trained(Place::Processor, &config, &mut Watch::default(), None);
    let card = trained(Place::Emulated, &config, &mut Watch::default(), None);
    assert_eq!(processor.phase, 2);
    assert!(apart(&weights(&processor), &weights(&card)) < 0.02);
    assert!(apart(&processor.losses, &card.losses) < 0.02);
}

#[test]
fn a_run_that_was_interrupted_on_a_card_ends_as_one_that_was_not() {
    let config = student();
    let whole = trained(Place::Emulated, &config, &mut Watch::default(), None);
    for stop in [(0, 70), (1, 30), (2, 40)] {
        let folder = TempDir::new().unwrap();
        let checkpoints =
            Checkpoints::new(folder.path(), "configuration".to_owned(), "data".to_owned());
        let mut keep = Keep { directory: folder.path().to_owned(), checkpoints, resumed: None };
        let mut watch = Watch { stop: Some(stop), ..Watch::default() };
        let stopped = trained(Place::Emulated, &config, &mut watch, Some(&keep));
        assert!(stopped.stopped, "{stop:?}");
        keep.resumed = keep.checkpoints.read().unwrap();
        let resumed = trained(Place::Emulated, &config, &mut Watch::default(), Some(&keep));
        assert_eq!(weights(&resumed), weights(&whole), "{stop:?}");
        assert_eq!(resumed.losses, whole.losses, "{stop:?}");
    }
}
