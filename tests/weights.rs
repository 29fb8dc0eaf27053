//! The committed models belong to the configurations beside them.

use std::fs;
use std::path::{Path, PathBuf};

use flowlet_trainer::config::Config;
use flowlet_trainer::coupling::dataset::Dataset;
use flowlet_trainer::data::random::{Stream, generator};
use flowlet_trainer::judge::judgement::{Comparison, Distance, judge};
use flowlet_trainer::model::Model;
use flowlet_trainer::quantize::export::SOURCE_KEY;
use flowlet_trainer::quantize::file::{AnyModel, IntegerFile};
use flowlet_trainer::quantize::{self, Weights};
use flowlet_trainer::solve;

const FLOATS: [&str; 4] = ["mixture", "moons", "8gaussians", "mixture-one-step"];

/// Each integer model and the float model that it was made of.
const INTEGERS: [(&str, &str); 7] = [
    ("mixture-i16", "mixture"),
    ("mixture-i8", "mixture"),
    ("moons-i16", "moons"),
    ("moons-i8", "moons"),
    ("8gaussians-i16", "8gaussians"),
    ("8gaussians-i8", "8gaussians"),
    ("mixture-one-step-i4", "mixture-one-step"),
];

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("weights").join(name)
}

fn open(name: &str) -> (Config, Model) {
    let directory = directory(name);
    (Config::read(&directory.join("config.toml")).unwrap(), Model::open(&directory).unwrap())
}

#[test]
fn every_model_carries_the_digest_of_its_configuration() {
    for name in FLOATS {
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
    for name in FLOATS {
        let (config, model) = open(name);
        let dataset = Dataset::open(&config).unwrap();
        let shape = model.shape();
        assert_eq!(shape.data_dim, dataset.data_dim(), "{name}");
        assert_eq!(shape.condition_dim, dataset.condition_dim(), "{name}");
        assert_eq!(shape.hidden_width, config.model.hidden_width, "{name}");
        assert_eq!(shape.hidden_layers, config.model.hidden_layers, "{name}");
        assert_eq!(shape.activation, config.model.activation, "{name}");
        let steps = match config.few_steps.steps {
            0 => config.sample.steps,
            steps => steps,
        };
        assert_eq!(model.description.steps, Some(steps), "{name}");
        assert_eq!(model.description.seed, Some(config.seed), "{name}");
        assert_eq!(model.description.data_columns, dataset.data_columns, "{name}");
        assert_eq!(model.description.conditions, dataset.conditions, "{name}");
    }
}

/// A model of other data, or an untrained one, has a distance about ten times as large.
#[test]
fn every_models_samples_are_near_its_data() {
    for name in FLOATS {
        let (config, model) = open(name);
        let dataset = Dataset::open(&config).unwrap();
        let solver = model.solver(None, None).unwrap();
        let verdict = judge(&model, &solver, &dataset, config.seed).unwrap();
        let distance = root(verdict.distance);
        assert!(distance < 0.1, "{name}: {verdict:?}");
    }
}

/// A distance in the units of the data.
fn root(distance: Distance) -> f64 {
    match distance {
        Distance::Wasserstein { model, .. } => model,
        Distance::Energy { value, .. } => value.unwrap().max(0.0).sqrt(),
    }
}

fn open_integer(name: &str) -> IntegerFile {
    match AnyModel::open(&directory(name)).unwrap() {
        AnyModel::Integer(file) => *file,
        AnyModel::Float(_) => panic!("{name}: a float model"),
    }
}

#[test]
fn every_integer_model_belongs_to_its_float_model() {
    for (name, of) in INTEGERS {
        let (integer, (_, float)) = (open_integer(name), open(of));
        let config = |name: &str| fs::read(directory(name).join("config.toml")).unwrap();
        assert!(config(name) == config(of), "{name}: config.toml is not that of {of}");
        assert_eq!(integer.floats.description, float.description, "{name}");
        assert_eq!(integer.floats.shape(), float.shape(), "{name}");
        assert!(name.ends_with(&format!("-{}", integer.model.weights.name())), "{name}");
        let mut digest = flowlet::Digest::new();
        digest.update_bytes(&float.file.to_bytes().unwrap());
        let expected = format!("{:016x}", digest.value());
        assert_eq!(
            integer.file.metadata.get(SOURCE_KEY),
            Some(&expected),
            "{name}: {of} is another model now: make this one again with the command in weights/README.md"
        );
    }
}

/// The limits: 3 % and 0.001 with i16, 10 % and 0.002 with i8, 20 % and 0.003 with i4.
#[test]
fn every_integer_models_samples_are_as_near_to_its_data_as_the_float_models() {
    for (name, of) in INTEGERS {
        let (integer, (config, float)) = (open_integer(name), open(of));
        let dataset = Dataset::open(&config).unwrap();
        let mut rng = generator(0, Stream::Evaluation);
        let comparison = Comparison::new(&dataset, 20_000, 0, &mut rng);
        let c = comparison.conditions();
        let x_0 = dataset.source.starts(0, c.rows(), dataset.data_dim());
        let solver = float.solver(None, None).unwrap();
        let floats = solve::sampling::sample(&float.mlp, &solver, &x_0, c);
        let solver = integer.solver(None, None).unwrap();
        let integers = quantize::sampling::sample(&integer.mlp, &solver, &x_0, c).data;
        let (found, float) = (comparison.distance(&integers), comparison.distance(&floats));
        let (share, more) = match integer.model.weights {
            Weights::I16 => (0.03, 0.001),
            Weights::I8 => (0.1, 0.002),
            Weights::I4 => (0.2, 0.003),
        };
        let most = root(float) * (1.0 + share) + more;
        assert!(root(found) <= most, "{name}: {found:?}, float {float:?}");
    }
}
