//! Compares flowlet with PyTorch: fifty training steps, the article's own state dict, imports of other
//! conventions, activations. `pytorch/make.py` makes the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use flowlet::{ActivationKind, Euler, Mlp};
use flowlet_trainer::coupling::batches::Batch;
use flowlet_trainer::coupling::dataset::Units;
use flowlet_trainer::data::Matrix;
use flowlet_trainer::data::random::{Stream, generator};
use flowlet_trainer::disk::tensor_file::{Block, TensorFile};
use flowlet_trainer::model::Model;
use flowlet_trainer::model::description::Description;
use flowlet_trainer::model::import::{Convention, import};
use flowlet_trainer::network::activation_f64::activate;
use flowlet_trainer::network::{Network, Shape};
use flowlet_trainer::objective::Objective;
use flowlet_trainer::objective::gradient::Gradient;
use flowlet_trainer::optimiser::{Adam, AdamSettings};
use flowlet_trainer::quantize::calibration::Calibration;
use flowlet_trainer::quantize::export::export;
use flowlet_trainer::quantize::file::IntegerFile;
use flowlet_trainer::quantize::sampling::difference;
use flowlet_trainer::quantize::{self, Weights, round};
use flowlet_trainer::solve::sampling;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch").join(name)
}

fn worst(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    // `f32::max` would ignore NaN.
    let errors = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    errors.fold(0.0, |worst, error| if error <= worst { worst } else { error })
}

#[test]
fn fifty_training_steps_give_pytorchs_losses_and_weights() {
    let file = TensorFile::read(&fixture("parity.safetensors")).unwrap();
    let under = |prefix: &str| -> BTreeMap<String, Block> {
        let named = file.tensors.iter().filter_map(|(name, tensor)| {
            name.strip_prefix(prefix).map(|name| (name.to_string(), tensor.clone()))
        });
        named.collect()
    };
    let values = |name: &str| file.tensor(name).unwrap().to_f32().unwrap();
    let shape = Shape {
        data_dim: 1,
        condition_dim: 0,
        hidden_width: 64,
        hidden_layers: 1,
        activation: ActivationKind::Gelu,
    };
    let mut network = Network::from_tensors(shape, &under("initial.")).unwrap();
    let settings = AdamSettings { weight_decay: 0.0, gradient_clip: None };
    let mut optimiser = Adam::new(shape.sizes(), settings);
    let mut gradient = Gradient::new(Objective::Velocity, shape);
    let [x_0, x_1, t] = ["x_0", "x_1", "t"].map(values);
    let losses: Vec<f32> = (0..50)
        .map(|step| {
            let [x_0, x_1, t] = [&x_0, &x_1, &t].map(|all| all[step * 256..][..256].to_vec());
            let [x_0, x_1] = [x_0, x_1].map(|values| Matrix::new(values, 256, 1));
            let batch = Batch { x_0, x_1, c: Matrix::new(Vec::new(), 256, 0), t };
            let loss = gradient.compute(&network, &batch).unwrap();
            optimiser.step(network.weights_mut(), gradient.values(), 1e-3);
            loss as f32
        })
        .collect();

    let error = worst(&losses, &values("losses"));
    println!("losses: worst difference {error:e}");
    assert!(error <= 1e-5, "losses: {error:e}");
    let expected = under("final.");
    assert_eq!(expected.len(), 6);
    for (name, _, found) in shape.split(network.weights()) {
        let error = worst(found, &expected[&name].to_f32().unwrap());
        println!("{name}: worst difference {error:e}");
        assert!(error <= 1e-5, "{name}: {error:e}");
    }
}

/// A state dict of the article's class, unchanged as PyTorch saved it, without metadata.
static ARTICLE: Mlp<1, 0, 64, 1> =
    Mlp::from_safetensors(include_bytes!("pytorch/article.safetensors"));

#[test]
fn the_articles_own_state_dict_gives_pytorchs_path() {
    let outputs = TensorFile::read(&fixture("article_outputs.safetensors")).unwrap();
    let values = |name: &str| outputs.tensor(name).unwrap().to_f32().unwrap();
    let found: Vec<f32> = values("x_0")
        .into_iter()
        .flat_map(|x_0| Euler::<15>::UNIFORM.trajectory::<1, 0, 16>(&ARTICLE, [x_0], []))
        .flatten()
        .collect();
    let error = worst(&found, &values("path"));
    println!("worst difference {error:e}; 0.85 goes to {}", found[15]);
    assert!(error <= 1e-5, "{error:e}");

    let model = Model::open(&fixture("article.safetensors")).unwrap();
    assert!(!model.states_its_convention);
    check_outputs(&model, "article_outputs.safetensors");
}

/// Returns the worst differences from PyTorch's velocities and paths.
fn output_errors(model: &Model, outputs: &str) -> [f32; 2] {
    let outputs = TensorFile::read(&fixture(outputs)).unwrap();
    let values = |name: &str| {
        outputs.tensors.get(name).map(|block| block.to_f32().unwrap()).unwrap_or_default()
    };
    let (data_dim, condition_dim) = (model.mlp.data_dim(), model.mlp.condition_dim());
    let mut scratch = model.mlp.scratch();
    let row = |values: &[f32], row: usize, width: usize| values[row * width..][..width].to_vec();

    let (t, x, c) = (values("t"), values("x"), values("c"));
    let velocity: Vec<f32> = (0..t.len())
        .flat_map(|k| {
            let (x, c) = (row(&x, k, data_dim), row(&c, k, condition_dim));
            model.mlp.velocity(t[k], &x, &c, &mut scratch).to_vec()
        })
        .collect();
    let velocity_error = worst(&velocity, &values("velocity"));

    let (x_0, c_0) = (values("x_0"), values("c_0"));
    let solver = model.solver(None, Some(15)).unwrap();
    let path: Vec<f32> = (0..x_0.len() / data_dim)
        .flat_map(|k| {
            let (x_0, c) = (row(&x_0, k, data_dim), row(&c_0, k, condition_dim));
            solver.trajectory(&model.mlp, &x_0, &c, &mut scratch)
        })
        .collect();
    let path_error = worst(&path, &values("path"));
    println!("{}: worst difference of paths {path_error:e}", model.path.display());
    [velocity_error, path_error]
}

#[track_caller]
fn check_outputs(model: &Model, outputs: &str) {
    let errors = output_errors(model, outputs);
    assert!(errors.iter().all(|error| *error <= 1e-5), "velocities, paths: {errors:?}");
}

fn imported(
    name: &str,
    columns: &str,
    activation: ActivationKind,
    prefix: Option<&str>,
) -> TensorFile {
    let columns: Vec<&str> = columns.split(',').collect();
    let prefix = prefix.map(str::to_string);
    let convention = Convention { prefix, ..Convention::new(&columns, activation) };
    import(&fixture(name), &convention).unwrap().file
}

fn import_and_check(name: &str, columns: &str, activation: ActivationKind, prefix: Option<&str>) {
    let file = imported(name, columns, activation, prefix);
    let model = Model::parse(&file.to_bytes().unwrap(), name.into()).unwrap();
    let stem = name.split('.').next().unwrap();
    check_outputs(&model, &format!("{stem}_outputs.safetensors"));
}

#[test]
fn torchcfms_mlp_is_imported() {
    import_and_check("torchcfm_mlp.safetensors", "x,t", ActivationKind::Selu, None);
}

#[test]
fn metas_mlp_is_imported_from_safetensors_and_from_a_pickle() {
    for name in ["meta_mlp.safetensors", "meta_mlp.pt"] {
        import_and_check(name, "x,t", ActivationKind::Silu, Some("main"));
    }
}

/// Transposed, expanded and interleaved tensors, and a parameter of 64 bits.
#[test]
fn tensors_that_are_views_are_imported() {
    let read = |name: &str| imported(name, "x,t", ActivationKind::Silu, None);
    let views = read("strided.pt");
    assert_eq!(views, read("strided.safetensors"));
    let meta = read("meta_mlp.pt");
    let same = |name: &str| views.tensors[name] == meta.tensors[name];
    assert!(
        same("net.0.weight")
            && same("net.2.weight")
            && same("net.4.weight")
            && same("net.8.weight")
    );
    assert_eq!(views.tensors["net.0.bias"], Block::f32(&[32], &[0.25; 32]));
}

#[test]
fn conditions_between_state_and_time_are_imported() {
    import_and_check("conditional_mlp.safetensors", "x,c,t", ActivationKind::Tanh, None);
}

#[test]
fn a_network_with_more_than_linear_layers_is_refused_unless_a_prefix_selects_them() {
    let mut file = TensorFile::read(&fixture("torchcfm_mlp.safetensors")).unwrap();
    file.tensors.insert("norm.weight".into(), Block::f32(&[64], &[1.0; 64]));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("normed.safetensors");
    std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
    let convention = |prefix: Option<&str>| Convention {
        prefix: prefix.map(str::to_string),
        ..Convention::new(&["x", "t"], ActivationKind::Selu)
    };
    let error = format!("{:#}", import(&path, &convention(None)).unwrap_err());
    assert!(error.contains("tensor norm.weight [64] belongs to a normalisation"), "{error}");
    import(&path, &convention(Some("net"))).unwrap();
}

/// More shapes, with weights as PyTorch initialises them, are in the trainer's tests of `quantize`.
#[test]
fn integer_models_of_pytorchs_networks_sample_as_they_do() {
    let imported = |name: &str, columns: &str, activation: ActivationKind, prefix: Option<&str>| {
        let file = imported(name, columns, activation, prefix);
        Model::parse(&file.to_bytes().unwrap(), name.into()).unwrap()
    };
    for model in [
        Model::open(&fixture("article.safetensors")).unwrap(),
        imported("torchcfm_mlp.safetensors", "x,t", ActivationKind::Selu, None),
        imported("meta_mlp.safetensors", "x,t", ActivationKind::Silu, Some("main")),
        imported("conditional_mlp.safetensors", "x,c,t", ActivationKind::Tanh, None),
    ] {
        let rms = error_of_i16(&model, 20);
        println!("{}, {:?}: {rms:e} rms", model.path.display(), model.shape());
        assert!(rms < 2e-3 && rms > 0.0, "{}: {rms:e}", model.path.display());
    }
}

/// Returns the root mean square difference of samples of the i16 model from the float model's, in flow units.
fn error_of_i16(model: &Model, steps: usize) -> f64 {
    let source = model.source().unwrap();
    let calibration = Calibration::run(model, &source, 200, 0).unwrap();
    let integer = round(model, &source, &calibration, Weights::I16).unwrap();
    let bytes = export(model, &integer).unwrap().to_bytes().unwrap();
    let file = IntegerFile::parse(&bytes, "integer".into()).unwrap();
    let shape = model.shape();
    let x_0 = source.starts(3, 500, shape.data_dim);
    let mut c = Matrix::new(Vec::new(), 500, 0);
    if shape.condition_dim > 0 {
        c = source.starts(4, 500, shape.condition_dim);
        model.units().unwrap().condition.backward(&mut c);
    }
    let (of, own) = (model.solver(None, Some(steps)), file.solver(None, Some(steps)));
    let float = sampling::integrate(&model.mlp, &of.unwrap(), &x_0, &c);
    let found = quantize::sampling::sample(&file.mlp, &own.unwrap(), &x_0, &c);
    difference(&found.flow, &float).rms
}

/// At 512 wide the bound on sums leaves about 9 bits a weight. The limit is wider there.
#[test]
fn the_error_of_a_wide_integer_model_is_known() {
    let shape = Shape {
        data_dim: 2,
        condition_dim: 0,
        hidden_width: 512,
        hidden_layers: 2,
        activation: ActivationKind::Gelu,
    };
    let network = Network::initialize(shape, &mut generator(1, Stream::Weights));
    let file = flowlet_trainer::model::export(
        &network,
        &Units::identity(2, 0),
        &Description { steps: Some(20), ..Description::default() },
    );
    let model = Model::parse(&file.unwrap().to_bytes().unwrap(), "wide".into()).unwrap();
    let rms = error_of_i16(&model, 20);
    println!("512 wide, 2 hidden-to-hidden: {rms:e} rms");
    assert!(rms < 2e-3, "{rms:e}");
}

#[test]
fn the_comparison_notices_a_wrong_order_of_columns() {
    let file = imported("torchcfm_mlp.safetensors", "t,x", ActivationKind::Selu, None);
    let model = Model::parse(&file.to_bytes().unwrap(), "swapped".into()).unwrap();
    let errors = output_errors(&model, "torchcfm_mlp_outputs.safetensors");
    assert!(errors.iter().all(|error| *error > 1e-2), "{errors:?}");
}

#[test]
fn activations_match_pytorch() {
    let file = TensorFile::read(&fixture("activations.safetensors")).unwrap();
    let x = file.tensor("x").unwrap().to_f32().unwrap();
    for &kind in ActivationKind::ALL {
        let expected = file.tensor(kind.name()).unwrap().to_f64().unwrap();
        for (&x, &expected) in x.iter().zip(&expected) {
            let runtime = f64::from(kind.apply(x));
            let allowed = 3e-7 * f64::from(x).abs() + 1e-37;
            assert!((runtime - expected).abs() <= allowed, "{kind}({x}): {runtime}, {expected}");
            let reference = activate(kind, f64::from(x));
            let allowed = 1e-14 * f64::from(x).abs().max(1e-30);
            assert!(
                (reference - expected).abs() <= allowed,
                "{kind}({x}): {reference}, {expected}"
            );
        }
    }
}
