//! A program that embeds a wrong file does not compile, and the compiler's message says what is wrong. Each
//! test builds a package, since `cargo check` does not evaluate such constants.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use flowlet::ActivationKind;
use flowlet_trainer::disk::tensor_file::{Block, TensorFile};
use flowlet_trainer::model::description::Description;
use flowlet_trainer::network::Shape;
use tempfile::TempDir;

const MIXTURE: &str = "weights/mixture/model.safetensors";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Builds a user's program `code` that embeds `bytes`.
///
/// # Errors
///
/// The compiler's messages, if it does not compile.
fn build(name: &str, bytes: &[u8], code: &str) -> Result<(), String> {
    let package = TempDir::new().unwrap();
    let write = |file: &str, bytes: &[u8]| fs::write(package.path().join(file), bytes).unwrap();
    fs::create_dir(package.path().join("src")).unwrap();
    fs::create_dir_all(package.path().join("weights/mixture")).unwrap();
    let runtime = root().join("runtime");
    write(
        "Cargo.toml",
        format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\n\
             flowlet = {{ path = {runtime:?} }}\n\n[workspace]\n"
        )
        .as_bytes(),
    );
    // The same lock file, so that every dependency is already here and nothing is downloaded.
    fs::copy(root().join("Cargo.lock"), package.path().join("Cargo.lock")).unwrap();
    write(MIXTURE, bytes);
    write("src/main.rs", code.as_bytes());
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--offline", "--quiet", "--target-dir"])
        .arg(target_directory())
        .current_dir(package.path())
        .env("RUSTFLAGS", "")
        .output()
        .unwrap();
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// One target directory for all tests here, so that the runtime is compiled once.
fn target_directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_errors")
}

fn embed(model: &str) -> String {
    format!(
        "use flowlet::{{Euler, Mlp, Silu}};\n\
         static MODEL: {model} = Mlp::from_safetensors(include_bytes!(\"../{MIXTURE}\"));\n\
         fn main() {{\n    let _ = core::any::type_name::<Silu>();\n    \
         println!(\"{{:?}}\", Euler::<15>::UNIFORM.sample(&MODEL, [0.85], []));\n}}\n"
    )
}

#[track_caller]
fn fails_with(name: &str, bytes: &[u8], model: &str, expected: &str) {
    let message = build(name, bytes, &embed(model)).expect_err("a wrong file must not compile");
    assert!(message.contains(expected), "{message}");
}

fn mixture() -> Vec<u8> {
    fs::read(root().join(MIXTURE)).unwrap()
}

#[test]
fn the_readmes_rust_code_compiles() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, code) = readme.split_once("```rust\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();
    let main = "fn main() { let mut state = State::at(0, spawn(7, 0)); tick(&mut state); println!(\"{state:?}\"); }\n";
    build("readme", &mixture(), &format!("{code}{main}")).unwrap();
}

#[test]
fn the_right_type_compiles() {
    build("right", &mixture(), &embed("Mlp<1, 0, 64, 1>")).unwrap();
}

#[test]
fn a_wrong_width_names_the_tensor_and_both_shapes() {
    let expected = "tensor net.0.weight: expected shape [32, 2], found [64, 2]";
    fails_with("width", &mixture(), "Mlp<1, 0, 32, 1>", expected);
}

#[test]
fn a_wrong_number_of_layers_names_both_numbers() {
    let expected = "metadata `flowlet.hidden_layers`: expected `2`, found `1`";
    fails_with("layers", &mixture(), "Mlp<1, 0, 64, 2>", expected);
}

#[test]
fn another_activation_is_refused() {
    let expected = "metadata `flowlet.activation`: expected `silu`, found `gelu`";
    fails_with("activation", &mixture(), "Mlp<1, 0, 64, 1, Silu>", expected);
}

#[test]
fn a_truncated_file_is_refused_with_both_lengths() {
    let expected = "the file is truncated: expected at least 18";
    fails_with("truncated", &mixture()[..9000], "Mlp<1, 0, 64, 1>", expected);
    fails_with("truncated", &mixture()[..9000], "Mlp<1, 0, 64, 1>", "bytes, found 9000");
}

#[test]
fn a_grid_of_another_length_or_solver_is_refused() {
    let solver = |solver: &str| {
        format!(
            "use flowlet::*;\n\
             static SOLVER: {solver} = Solver::from_safetensors(include_bytes!(\"../{MIXTURE}\"));\n\
             fn main() {{ println!(\"{{SOLVER:?}}\"); }}\n"
        )
    };
    build("grid", &mixture(), &solver("Euler<50>")).unwrap();
    for (name, wrong, expected) in [
        ("steps", "Euler<15>", "tensor grid: expected shape [16], found [51]"),
        ("solver", "Heun<50>", "metadata `flowlet.solver`: expected `heun`, found `euler`"),
    ] {
        let message = build(name, &mixture(), &solver(wrong)).expect_err("must not compile");
        assert!(message.contains(expected), "{message}");
    }
}

/// Embeds an integer model.
fn embed_integer(model: &str) -> String {
    embed(model)
        .replace("use flowlet::{Euler, Mlp, Silu};", "use flowlet::{Silu, fixed::{Euler, Mlp}};")
        .replace("[0.85]", "[900_000]")
}

#[test]
fn an_integer_model_compiles_and_one_past_the_bound_is_refused() {
    let path = root().join("weights/mixture-i16/model.safetensors");
    let code = embed_integer("Mlp<1, 0, 64, 1>");
    build("integer", &fs::read(&path).unwrap(), &code).unwrap();
    let mut file = TensorFile::read(&path).unwrap();
    // The last three weights of output 5 of the hidden layer become as large as 16 bits allow.
    let weight = &file.tensors["net.2.weight"];
    let values = weight.to_i32(weight.dtype()).unwrap();
    let mut values: Vec<i16> = values.iter().map(|&value| value as i16).collect();
    values[5 * 64 + 61..6 * 64].fill(i16::MAX);
    let weight = Block::i16(&[64, 64], &values);
    file.tensors.insert("net.2.weight".to_string(), weight);
    let bytes = file.to_bytes().unwrap();
    let message = build("bound", &bytes, &code).expect_err("must not compile");
    let expected = "tensor net.2.weight: output 5 could exceed 32 bits";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn float_and_integer_models_are_told_apart() {
    let message = build("float", &mixture(), &embed_integer("Mlp<1, 0, 64, 1>"))
        .expect_err("a float model is no integer model");
    assert!(message.contains("`flowlet quantize` makes an integer model of this one"), "{message}");
    let integer = fs::read(root().join("weights/mixture-i16/model.safetensors")).unwrap();
    let expected = "integer models are read by `flowlet::fixed`";
    fails_with("whole", &integer, "Mlp<1, 0, 64, 1>", expected);
}

/// A model with `D` = 2, `C` = 0, `L` = 2 and `H` = `hidden_width`, and its number of weights and biases.
fn large(hidden_width: usize) -> (Vec<u8>, usize) {
    let shape = Shape {
        data_dim: 2,
        condition_dim: 0,
        hidden_width,
        hidden_layers: 2,
        activation: ActivationKind::Gelu,
    };
    let block = |dims: &[usize]| {
        let count: usize = dims.iter().product();
        let values: Vec<f32> = (0..count).map(|k| (k % 17) as f32 * 0.01 - 0.08).collect();
        Block::f32(dims, &values)
    };
    let mut file = TensorFile {
        metadata: Description::default().to_metadata(shape).unwrap(),
        ..TensorFile::default()
    };
    for (k, [inputs, outputs]) in shape.layers().into_iter().enumerate() {
        file.tensors.insert(format!("net.{}.weight", 2 * k), block(&[outputs, inputs]));
        file.tensors.insert(format!("net.{}.bias", 2 * k), block(&[outputs]));
    }
    (file.to_bytes().unwrap(), shape.parameters())
}

const ATTRIBUTE: &str = "#[allow(long_running_const_eval)]";

#[test]
fn three_hundred_thousand_weights_compile() {
    let (bytes, parameters) = large(386);
    assert!(parameters > 300_000);
    let code = embed("Mlp<2, 0, 386, 2>").replace("[0.85]", "[0.1, 0.2]");
    let code = code.replace("static MODEL", &format!("{ATTRIBUTE}\nstatic MODEL"));
    let start = Instant::now();
    build("large", &bytes, &code).unwrap();
    println!("{parameters} weights compile in {:.1} s", start.elapsed().as_secs_f64());
}

#[test]
fn four_hundred_thousand_weights_need_the_attribute() {
    let (bytes, parameters) = large(448);
    assert!(parameters > 400_000);
    let code = embed("Mlp<2, 0, 448, 2>").replace("[0.85]", "[0.1, 0.2]");
    let message = build("larger", &bytes, &code).expect_err("the lint must stop the build");
    assert!(message.contains("long_running_const_eval"), "{message}");
}
