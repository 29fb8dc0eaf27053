//! Imports networks as libraries of the field save them, and compares with what the libraries compute.
//! `pytorch/conventions.py` makes the files.

use std::path::{Path, PathBuf};

use flowlet::ActivationKind::{self, Elu, Gelu, GeluTanh, Mish, Relu, Selu, Silu, Tanh};
use flowlet_trainer::data::Matrix;
use flowlet_trainer::disk::tensor_file::{Block, TensorFile};
use flowlet_trainer::model::Model;
use flowlet_trainer::model::import::{Convention, Imported, Time, import};
use flowlet_trainer::solve::sampling;

/// The worst difference that is allowed, relative to the largest number of the library's output.
const ALLOWED: f32 = 1e-6;

/// A folder with the networks in their real widths, by `conventions.py --large FOLDER`.
const LARGE: &str = "FLOWLET_NETWORKS";

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pytorch/conventions").join(name)
}

fn convention(columns: &str, activation: ActivationKind) -> Convention {
    Convention::new(&columns.split(',').collect::<Vec<_>>(), activation)
}

/// A network and what its library computes.
struct Case {
    model: Model,
    outputs: TensorFile,
    notes: Vec<String>,
}

impl Case {
    fn open(path: &Path, convention: &Convention) -> Self {
        let Imported { file, notes, .. } = import(path, convention).unwrap();
        let model = Model::parse(&file.to_bytes().unwrap(), path.into()).unwrap();
        let outputs = TensorFile::read(&path.with_extension("outputs.safetensors")).unwrap();
        Self { model, outputs, notes }
    }

    fn values(&self, name: &str) -> Vec<f32> {
        self.outputs.tensors.get(name).map(|block| block.to_f32().unwrap()).unwrap_or_default()
    }

    /// Returns the velocities at the places of the file, `[n][D]`.
    fn velocities(&self) -> Vec<f32> {
        let mlp = &self.model.mlp;
        let (data, conditions) = (mlp.data_dim(), mlp.condition_dim());
        let [t, x, c] = ["t", "x", "c"].map(|name| self.values(name));
        let mut scratch = mlp.scratch();
        let at = |k: usize| {
            let (x, c) = (&x[k * data..][..data], &c[k * conditions..][..conditions]);
            mlp.velocity(t[k], x, c, &mut scratch).to_vec()
        };
        (0..t.len()).flat_map(at).collect()
    }

    /// Returns where the paths from the places of the file end, `[n][D]`, in flow units.
    fn ends(&self, steps: Option<usize>) -> Vec<f32> {
        let mlp = &self.model.mlp;
        let [x, c] = ["x", "c"].map(|name| self.values(name));
        let (n, conditions) = (x.len() / mlp.data_dim(), mlp.condition_dim());
        let (x, c) = (Matrix::new(x, n, mlp.data_dim()), Matrix::new(c, n, conditions));
        let solver = self.model.solver(None, steps).unwrap();
        sampling::integrate(mlp, &solver, &x, &c).values().to_vec()
    }

    /// Compares with the library's numbers.
    fn check(&self, name: &str, found: &[f32]) {
        self.check_beside(name, found, &[]);
    }

    /// Compares with the library's numbers, which were computed from numbers as large as those `beside`.
    fn check_beside(&self, name: &str, found: &[f32], beside: &[f32]) {
        let expected = self.values(name);
        assert_eq!(found.len(), expected.len());
        assert!(!found.is_empty());
        let all = expected.iter().chain(beside);
        let largest = all.fold(0.0, |largest: f32, value| largest.max(value.abs()));
        let worst = found.iter().zip(&expected).map(|(a, b)| (a - b).abs() / largest);
        // `f32::max` would ignore NaN.
        let worst = worst.fold(0.0, |worst, error| if error <= worst { worst } else { error });
        let weights = self.model.shape().parameters();
        println!("{}, {name}, {weights} weights: {worst:e}", self.model.path.display());
        assert!(worst <= ALLOWED, "{}: {worst:e}", self.model.path.display());
    }
}

fn check_velocities(name: &str, convention: &Convention) -> Case {
    let case = Case::open(&file(name), convention);
    case.check("velocity", &case.velocities());
    case
}

#[test]
fn torchcfms_own_mlp() {
    check_velocities("torchcfm.pt", &convention("x,t", Selu));
}

/// The paths are by the library's own solver.
#[test]
fn the_network_of_metas_notebook() {
    let case = check_velocities("notebook.pth", &convention("x,t", Silu));
    case.check("ends", &case.ends(Some(15)));
}

#[test]
fn a_checkpoint_of_lightning_with_units_and_names() {
    let units = Some(["mean", "std"].map(String::from));
    let names = ["a", "b", "c", "wind", "load"].map(String::from).to_vec();
    let case = check_velocities(
        "lightning.ckpt",
        &Convention { units, names, ..convention("t,x,c", Elu) },
    );
    assert_eq!(case.notes, ["read from state_dict"]);
    let units = case.model.data_units().unwrap();
    assert_eq!([units.mean, units.scale], ["mean", "scale"].map(|name| case.values(name)));
    assert_eq!(case.model.data_columns(), ["a", "b", "c"]);
    let conditions = case.model.condition_columns();
    assert_eq!(
        conditions.iter().map(|column| &column.name[..]).collect::<Vec<_>>(),
        ["wind", "load"]
    );
    let refused = |convention: Convention| {
        format!("{:#}", import(&file("lightning.ckpt"), &convention).unwrap_err())
    };
    let error = refused(convention("t,x,c", Elu));
    assert!(error.contains("--mean or --scale"), "{error}");
    let units = Some(["mean", "deviation"].map(String::from));
    let error = refused(Convention { units, ..convention("t,x,c", Elu) });
    assert!(error.contains("--scale: the file has no tensor called deviation"), "{error}");
    let units = Some(["mean", "mean"].map(String::from));
    let error = refused(Convention { units, ..convention("t,x,c", Elu) });
    assert!(error.contains("--scale: the file has no tensor called mean"), "{error}");
}

#[test]
fn an_average_in_a_checkpoint_is_chosen() {
    let own = convention("t,x", Tanh);
    let error = format!("{:#}", import(&file("average.pt"), &own).unwrap_err());
    assert!(error.contains("choose one with --entry: model, ema.shadow"), "{error}");
    check_velocities("average.pt", &Convention { entry: Some("ema.shadow".into()), ..own });
}

#[test]
fn a_time_of_the_other_direction_and_scale_is_folded_into_the_weights() {
    let own = convention("x,t", Silu);
    let time = Time { reversed: true, scale: 1000.0 };
    check_velocities("reversed.pt", &Convention { time, ..own.clone() });
    // Each part of the convention matters.
    for time in [Time { reversed: false, ..time }, Time { scale: 1.0, ..time }] {
        let case = Case::open(&file("reversed.pt"), &Convention { time, ..own.clone() });
        let found = case.velocities();
        let differs = found.iter().zip(case.values("velocity")).any(|(a, b)| (a - b).abs() > 1e-2);
        assert!(differs, "{time:?}");
    }
}

#[test]
fn layers_of_unequal_width_are_padded() {
    let layers = ["enter", "first", "second", "leave"].map(String::from).to_vec();
    let case = check_velocities("unequal.bin", &Convention { layers, ..convention("t,x", Mish) });
    assert!(case.notes[0].contains("40, 48, 44 units padded to 48"), "{:?}", case.notes);
    let error =
        format!("{:#}", import(&file("unequal.bin"), &convention("t,x", Mish)).unwrap_err());
    assert!(error.contains("--layers: enter, first, leave, second"), "{error}");
}

#[test]
fn fqls_actor_by_flax() {
    let case = check_velocities("fql.npz", &convention("c,x,t", GeluTanh));
    assert!(case.notes[0].contains("transposed"), "{:?}", case.notes);
    assert!(case.notes[1].contains("5 inputs beside t and the 2 data columns"), "{:?}", case.notes);
}

/// It maps noise to an action without t. One step of Euler's method gives the action.
#[test]
fn fqls_actor_of_one_step() {
    let own = Convention { gives_samples: true, ..convention("c,x", GeluTanh) };
    let case = Case::open(&file("fql_one_step.npz"), &own);
    assert_eq!(case.model.own_steps(), 1);
    // The layers carry the starting point, so that its rounding errors are part of the sample's.
    case.check_beside("sample", &case.ends(None), &case.values("x"));
    let error = import(
        &file("fql.npz"),
        &Convention { gives_samples: true, ..convention("c,x,t", GeluTanh) },
    );
    assert!(format!("{:#}", error.unwrap_err()).contains("without t"));
}

#[test]
fn equinoxs_mlp_by_the_paths_of_its_tree() {
    let case = check_velocities("equinox.safetensors", &convention("t,x", Relu));
    assert_eq!(case.notes, [""; 0]);
}

/// Its eleven hidden layers are `dense` to `dense_10`.
#[test]
fn kerass_layers_are_sorted_by_their_numbers() {
    check_velocities("keras.npz", &convention("x,t", Gelu));
}

/// Writes a file of these tensors, and imports it.
fn import_of(tensors: &[(&str, &[usize])], convention: &Convention) -> Result<Imported, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("net.safetensors");
    let mut file = TensorFile::default();
    for (name, shape) in tensors {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|k| (k as f32 * 0.37).sin()).collect();
        file.tensors.insert((*name).to_string(), Block::f32(shape, &values));
    }
    std::fs::write(&path, file.to_bytes().unwrap()).unwrap();
    import(&path, convention).map_err(|error| format!("{error:#}"))
}

#[test]
fn square_weights_without_a_word_ask_for_their_orientation() {
    let own = convention("x,c", Tanh);
    let square: [(&str, &[usize]); 4] =
        [("a.0.w", &[4, 4]), ("a.0.b", &[4]), ("a.1.w", &[4, 4]), ("a.1.b", &[4])];
    let error = import_of(&square, &own).unwrap_err();
    assert!(error.contains("--transposed yes"), "{error}");
    let with = |transposed| {
        let own = Convention { transposed: Some(transposed), ..own.clone() };
        import_of(&square, &own).unwrap().file.tensors["net.0.weight"].to_f32().unwrap()
    };
    // The first column is that of t, which the network does not take.
    let (plain, transposed) = (with(false), with(true));
    for (k, value) in plain.iter().enumerate() {
        let (row, column) = (k / 5, k % 5);
        assert_eq!(*value == 0.0, column == 0 || k == 1);
        if column > 0 {
            assert_eq!(*value, transposed[(column - 1) * 5 + 1 + row]);
        }
    }
    let kernels = square.map(|(name, shape)| (name.replace('w', "kernel"), shape));
    let kernels = kernels.each_ref().map(|(name, shape)| (&name[..], *shape));
    assert!(import_of(&kernels, &own).unwrap().notes[0].contains("transposed"));
    // Without biases, the shapes of the neighbours tell it.
    let tall: [(&str, &[usize]); 3] = [("a.0.w", &[3, 8]), ("a.1.w", &[8, 8]), ("a.2.w", &[8, 2])];
    let notes = import_of(&tall, &convention("t,x", Tanh)).unwrap().notes;
    assert!(notes[0].contains("transposed") && notes[1].contains("a.0 has no bias"), "{notes:?}");
    let flat: [(&str, &[usize]); 2] = [("a.0.w", &[8, 3]), ("a.1.w", &[2, 8])];
    assert!(!import_of(&flat, &convention("t,x", Tanh)).unwrap().notes[0].contains("transposed"));
    let mixed: [(&str, &[usize]); 4] =
        [("a.0.w", &[8, 3]), ("a.0.b", &[8]), ("a.1.w", &[8, 2]), ("a.1.b", &[2])];
    let error = import_of(&mixed, &convention("t,x", Tanh)).unwrap_err();
    assert!(error.contains("different orientations"), "{error}");
}

#[test]
fn networks_of_other_layers_are_refused_with_the_tensor_and_a_way() {
    let chain: [(&str, &[usize]); 4] = [
        ("net.0.weight", &[8, 3]),
        ("net.0.bias", &[8]),
        ("net.2.weight", &[2, 8]),
        ("net.2.bias", &[2]),
    ];
    let own = convention("t,x", Silu);
    import_of(&chain, &own).unwrap();
    for (more, expected) in [
        (
            &[("net.1.weight", &[8][..]), ("net.1.bias", &[8])][..],
            "net.1.weight [8] belongs to a normalisation",
        ),
        (&[("time_embed.0.weight", &[8, 16])], "time_embed.0 [8, 16] belongs to an embedding"),
        (&[("film.0.weight", &[8, 16]), ("film.0.bias", &[8])], "belongs to a modulation"),
        (
            &[("blocks.0.fc.weight", &[8, 8]), ("blocks.1.fc.weight", &[8, 8])],
            "belongs to a residual block",
        ),
        (&[("conv.0.weight", &[8, 2, 3])], "belongs to a convolution"),
        (&[("attn.in_proj_weight", &[24, 8])], "belongs to an attention layer"),
        (
            &[("other.0.weight", &[8, 8]), ("other.0.bias", &[8])],
            "choose one with --prefix: net, other",
        ),
    ] {
        let error = import_of(&[&chain[..], more].concat(), &own).unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(
            error.contains("flowlet train --pairs FILE") || error.contains("--layers"),
            "{error}"
        );
    }
    let embedded: [(&str, &[usize]); 2] = [("net.0.weight", &[8, 34]), ("net.2.weight", &[2, 8])];
    let error = import_of(&embedded, &own).unwrap_err();
    assert!(error.contains("features of the time (sines"), "{error}");
    let error =
        import_of(&[("net.0.weight", &[8, 3]), ("net.2.weight", &[2, 9])], &own).unwrap_err();
    assert!(error.contains("net.0 has 8 outputs, net.2 has 9 inputs"), "{error}");
    let wide: [(&str, &[usize]); 3] =
        [("net.0.weight", &[8, 3]), ("net.2.weight", &[99, 8]), ("net.4.weight", &[2, 99])];
    let error = import_of(&wide, &own).unwrap_err();
    assert!(error.contains("8, 99 units wide"), "{error}");
    let names = |names: &[&str]| Convention {
        names: names.iter().map(|n| n.to_string()).collect(),
        ..own.clone()
    };
    assert!(import_of(&chain, &names(&["a"])).unwrap_err().contains("--names: expected 2 names"));
    assert!(import_of(&chain, &names(&["a", "a"])).unwrap_err().contains("a is given twice"));
}

/// `FLOWLET_NETWORKS=FOLDER cargo test --test networks -- --ignored --nocapture`
#[test]
#[ignore = "needs the networks in their real widths, which are too large to commit"]
fn networks_in_their_real_widths() {
    let folder = PathBuf::from(std::env::var(LARGE).expect("the folder of the networks"));
    let notebook = Case::open(&folder.join("notebook.pth"), &convention("x,t", Silu));
    assert_eq!(notebook.model.shape().parameters(), 791_042);
    let fql = Case::open(&folder.join("fql.npz"), &convention("c,x,t", GeluTanh));
    for case in [notebook, fql] {
        case.check("velocity", &case.velocities());
    }
    let one = Convention { gives_samples: true, ..convention("c,x", GeluTanh) };
    let one = Case::open(&folder.join("fql_one_step.npz"), &one);
    one.check_beside("sample", &one.ends(None), &one.values("x"));
}
