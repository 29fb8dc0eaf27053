//! The card's path, on the processor, beside the processor's own.

use anyhow::Result;
use tempfile::TempDir;

use super::Place;
use crate::config::schedule::Decay;
use crate::config::words::{CouplingKind, Keep};
use crate::config::{Config, TrainConfig, preset};
use crate::coupling::dataset::Dataset;
use crate::data::random::{Stream, generator};
use crate::disk::anchor::Anchor;
use crate::training::checkpoint::Checkpoints;
use crate::training::metrics::Measurement;
use crate::training::{Keep as Keeping, Monitor, Trained, train_at};

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
        // A card tells of several iterations at once.
        self.stop
            .is_some_and(|(phase, iteration)| self.phase == phase && self.iteration >= iteration)
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

fn trained(place: Place, config: &Config, watch: &mut Watch, keep: Option<&Keeping>) -> Trained {
    let dataset = Dataset::open(config).unwrap();
    train_at(place, config, &dataset, watch, keep).unwrap()
}

fn weights(trained: &Trained) -> Vec<f32> {
    trained.network.weights().to_vec()
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
    assert!(apart(processor.losses.last(), card.losses.last()) < 1e-3);
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
    let mean = |trained: &Trained| trained.losses.last()[300..].iter().sum::<f64>() / 300.0;
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
    config.few_steps.teacher_samples = 500;
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
    assert!(apart(processor.losses.last(), card.losses.last()) < 0.02);
}

#[test]
fn a_run_that_was_interrupted_on_a_card_ends_as_one_that_was_not() {
    let config = student();
    let whole = trained(Place::Emulated, &config, &mut Watch::default(), None);
    for stop in [(0, 70), (1, 30), (2, 40)] {
        let folder = TempDir::new().unwrap();
        let anchor = Anchor::new(folder.path()).unwrap();
        let checkpoints = Checkpoints::new(anchor, "configuration".to_owned(), "data".to_owned());
        let mut keep = Keeping { checkpoints, resumed: None };
        let mut watch = Watch { stop: Some(stop), ..Watch::default() };
        let stopped = trained(Place::Emulated, &config, &mut watch, Some(&keep));
        assert!(stopped.stopped, "{stop:?}");
        keep.resumed = keep.checkpoints.read().unwrap();
        let resumed = trained(Place::Emulated, &config, &mut Watch::default(), Some(&keep));
        assert_eq!(weights(&resumed), weights(&whole), "{stop:?}");
        assert_eq!(resumed.losses, whole.losses, "{stop:?}");
    }
}

/// Few rows, which a wide network soon learns by heart.
fn overfit(folder: &TempDir) -> Config {
    let path = folder.path().join("rows.csv");
    let mut rng = generator(3, Stream::Target);
    let rows = crate::data::preset("moons").unwrap().draw(16, false, &mut rng).x;
    let lines: String =
        (0..16).map(|k| format!("{},{}\n", rows.row(k)[0], rows.row(k)[1])).collect();
    std::fs::write(&path, format!("x,y\n{lines}")).unwrap();
    let mut config = Config::for_source(path.to_str().unwrap());
    config.data.holdout = 0.5;
    config.model.hidden_width = 32;
    config.train.iterations = 1000;
    config.train.batch_size = 16;
    config.train.learning_rate = 1e-2;
    config
}

#[test]
fn the_weights_of_the_lowest_held_out_loss_are_kept() {
    let folder = TempDir::new().unwrap();
    let mut config = overfit(&folder);
    let mut watch = Watch::default();
    let best = trained(Place::Processor, &config, &mut watch, None);
    let chosen = best.chosen.expect("weights are chosen");
    let lowest = held_out(&watch).into_iter().fold(f64::INFINITY, f64::min);
    assert_eq!(chosen.loss, lowest);
    assert!(chosen.iteration < 700 && chosen.last > 1.05 * lowest, "{chosen:?}");
    let row = watch.rows.iter().find(|row| row.iteration == chosen.iteration).unwrap();
    assert_eq!(row.held_out_loss, Some(lowest));

    // A run that ends there has the same averages if its rates are the same.
    config.train.schedule = Decay::Constant;
    let best = trained(Place::Processor, &config, &mut Watch::default(), None);
    let iteration = best.chosen.unwrap().iteration;
    let mut watch = Watch { stop: Some((0, iteration)), ..Watch::default() };
    let last = Config { train: TrainConfig { keep: Keep::Last, ..config.train.clone() }, ..config };
    let stopped = trained(Place::Processor, &last, &mut watch, None);
    assert_eq!(stopped.chosen, None);
    assert_eq!(weights(&best), weights(&stopped));
}

#[test]
fn an_interrupted_run_keeps_the_same_weights() {
    let folder = TempDir::new().unwrap();
    let config = overfit(&folder);
    for place in [Place::Processor, Place::Emulated] {
        let whole = trained(place, &config, &mut Watch::default(), None);
        let best = whole.chosen.unwrap().iteration;
        // Before, at and after the kept iteration, and where no loss is measured.
        for stop in [best - 3, best, best + 7, 950] {
            let run = TempDir::new().unwrap();
            let anchor = Anchor::new(run.path()).unwrap();
            let checkpoints = Checkpoints::new(anchor, "c".to_owned(), "d".to_owned());
            let mut keep = Keeping { checkpoints, resumed: None };
            let mut watch = Watch { stop: Some((0, stop)), ..Watch::default() };
            let stopped = trained(place, &config, &mut watch, Some(&keep));
            let done = stopped.losses.iterations();
            assert!(stopped.stopped && done >= stop && done < 1000);
            assert!(stopped.chosen.is_none_or(|one| one.iteration <= done));
            keep.resumed = keep.checkpoints.read().unwrap();
            let resumed = trained(place, &config, &mut Watch::default(), Some(&keep));
            assert_eq!(resumed.chosen, whole.chosen, "{place:?}, {stop}");
            assert_eq!(weights(&resumed), weights(&whole), "{place:?}, {stop}");
        }
    }
}
