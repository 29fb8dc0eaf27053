//! The committed models belong to the configurations beside them.

use std::fs;
use std::path::{Path, PathBuf};

use flowlet_trainer::config::Config;
use flowlet_trainer::coupling::dataset::Dataset;
use flowlet_trainer::judge::judgement::{Distance, judge};
use flowlet_trainer::model::Model;

const NAMES: [&str; 3] = ["mixture", "moons", "8gaussians"];

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("weights").join(name)
}

fn open(name: &str) -> (Config, Model) {
    let directory = directory(name);
    (Config::read(&directory.join("config.toml")).unwrap(), Model::open(&directory).unwrap())
}

#[test]
fn every_model_carries_the_digest_of_its_configuration() {
    for name in NAMES {
        let (config, model) = open(name);
        let text = fs::read_to_string(directory(name).join("config.toml")).unwrap();
        assert_eq!(
            text,
            config.to_toml().unwrap(),
            "{name}: config.toml is not as the trainer writes it"
        );
        let data = Dataset::open(&config).unwrap().digest();
        let digest = config.digest(&data).unwrap();
        assert_eq!(
            model.description.config.as_deref(),
            Some(digest.as_str()),
            "{name}: config.toml or its meaning changed after training: train the model again with the \
             command in weights/README.md"
        );
    }
}

#[test]
fn every_model_has_the_shape_and_the_columns_of_its_configuration() {
    for name in NAMES {
        let (config, model) = open(name);
        let dataset = Dataset::open(&config).unwrap();
        let shape = model.shape();
        assert_eq!(shape.data_dim, dataset.data_dim(), "{name}");
        assert_eq!(shape.condition_dim, dataset.condition_dim(), "{name}");
        assert_eq!(shape.hidden_width, config.model.hidden_width, "{name}");
        assert_eq!(shape.hidden_layers, config.model.hidden_layers, "{name}");
        assert_eq!(shape.activation, config.model.activation, "{name}");
        assert_eq!(model.description.steps, Some(config.sample.steps), "{name}");
        assert_eq!(model.description.seed, Some(config.seed), "{name}");
        assert_eq!(model.description.data_columns, dataset.data_columns, "{name}");
        assert_eq!(model.description.conditions, dataset.conditions, "{name}");
    }
}

/// A model of other data, or an untrained one, has a distance about ten times as large.
#[test]
fn every_models_samples_are_near_its_data() {
    for name in NAMES {
        let (config, model) = open(name);
        let dataset = Dataset::open(&config).unwrap();
        let solver = model.solver(None, None).unwrap();
        let verdict = judge(&model, &solver, &dataset, config.seed).unwrap();
        let distance = match verdict.distance {
            Distance::Wasserstein { model, .. } => model,
            Distance::Energy { value, .. } => value.unwrap().max(0.0).sqrt(),
        };
        assert!(distance < 0.1, "{name}: {verdict:?}");
    }
}
