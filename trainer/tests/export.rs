//! `flowlet export`.

mod desk;

use std::fs;
use std::path::Path;
use std::process::Command;

use flowlet_trainer::coupling::dataset::Units;
use flowlet_trainer::data::Standardization;
use flowlet_trainer::model::description::Description;
use flowlet_trainer::model::export;
use flowlet_trainer::network::{Network, Shape};

use desk::{Desk, text, weights};

/// The files below a directory, sorted.
fn files(desk: &Desk, directory: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![desk.path(directory)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let path = path.strip_prefix(desk.path(directory)).unwrap().to_path_buf();
                found.push(path.to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_model_becomes_a_header_and_a_source() {
    let desk = Desk::new();
    let moons = weights("moons");
    let said = desk.succeed(&format!("export {moons} --to c --out out"));
    assert!(said.contains("out/moons.h: ") && said.contains("out/moons.c: "), "{said}");
    assert_eq!(files(&desk, "out"), ["moons.c", "moons.h"]);
    let header = fs::read_to_string(desk.path("out/moons.h")).unwrap();
    for expected in [
        "#define MOONS_DATA 2",
        "Numbers in a point: x, y.",
        "int moons_sample_n(uint64_t seed",
        "50 steps",
    ] {
        assert!(header.contains(expected), "{expected}: {header}");
    }
    assert!(!header.contains("condition,"), "{header}");
    // Another solver and name, of a conditional model.
    let command = format!(
        "export {} --to c --out two --name Two --solver heun --steps 3",
        weights("8gaussians")
    );
    desk.succeed(&command);
    let header = fs::read_to_string(desk.path("two/Two.h")).unwrap();
    for expected in
        ["#define TWO_STEPS 3", "#define TWO_EVALUATIONS 6", "Two_sample_guided", "Heun"]
    {
        assert!(header.contains(expected), "{expected}: {header}");
    }
}

#[test]
fn each_layout_has_the_files_that_its_tool_looks_for() {
    let desk = Desk::new();
    let expected: [(&str, &[&str]); 4] = [
        (
            "arduino",
            &["examples/m_sample/m_sample.ino", "library.properties", "src/m.c", "src/m.h"],
        ),
        ("esp-idf", &["CMakeLists.txt", "idf_component.yml", "m.c", "m.h"]),
        (
            "zephyr",
            &[
                "CMakeLists.txt",
                "m.c",
                "m.h",
                "samples/m/CMakeLists.txt",
                "samples/m/prj.conf",
                "samples/m/sample.yaml",
                "samples/m/src/main.c",
                "zephyr/module.yml",
            ],
        ),
        ("cmake", &["CMakeLists.txt", "example.c", "m.c", "m.h"]),
    ];
    for (layout, expected) in expected {
        let model = weights("8gaussians-i8");
        desk.succeed(&format!("export {model} --to c --name m --layout {layout} --out {layout}"));
        assert_eq!(files(&desk, layout), expected);
        for file in expected {
            let text = fs::read_to_string(desk.path(&format!("{layout}/{file}"))).unwrap();
            // Zephyr and CMake have variables of their own: ${…} and $ENV{…}.
            assert!(!text.contains("model_") && !text.contains("$CONDITION$"), "{file}");
        }
    }
}

/// A model without conditions, and one with them, whose name the export begins with `model_`. In the second, the
/// arguments of `flowlet sample` for the condition of the examples.
const EXAMPLES: [(&str, &str, &str); 2] = [
    ("moons", "moons", ""),
    ("8gaussians-i8", "model_8gaussians_i8", "--condition 0,0,0,0,0,0,0,0"),
];

/// Runs a command, which must succeed, and returns its output.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    text(&output.stdout)
}

/// The numbers of the first ten samples of seed 7, as the command line prints them.
fn sampled(desk: &Desk, model: &str, condition: &str) -> Vec<f64> {
    let table = desk.succeed(&format!("sample {} --seed 7 -n 10 {condition}", weights(model)));
    let (_, rows) = table.split_once('\n').unwrap();
    numbers(rows)
}

fn numbers(text: &str) -> Vec<f64> {
    let words = text.split([',', '[', ']', ' ', '\n']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().unwrap()).collect()
}

#[test]
fn a_name_that_contains_model_is_put_in_once() {
    let desk = Desk::new();
    for layout in ["arduino", "esp-idf", "zephyr", "cmake"] {
        let model = weights("8gaussians-i8");
        desk.succeed(&format!("export {model} --to c --layout {layout} --out {layout}"));
        for file in files(&desk, layout) {
            let text = fs::read_to_string(desk.path(&format!("{layout}/{file}"))).unwrap();
            let doubled =
                ["i8_8gaussians", "I8_8GAUSSIANS"].iter().find(|word| text.contains(**word));
            assert_eq!(doubled, None, "{layout}/{file}");
        }
    }
}

#[test]
fn the_example_in_c_prints_what_the_command_samples() {
    let desk = Desk::new();
    for (model, name, condition) in EXAMPLES {
        desk.succeed(&format!("export {} --to c --layout cmake --out {model}", weights(model)));
        let folder = desk.path(model);
        let strict = ["-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror"];
        let sources = ["example.c".to_string(), format!("{name}.c")];
        output(
            Command::new("cc").args(strict).args(sources).args(["-o", "run"]).current_dir(&folder),
        );
        let found = numbers(&output(&mut Command::new(folder.join("run"))));
        let expected = sampled(&desk, model, condition);
        let is_near = |(found, expected): (&f64, &f64)| (found - expected).abs() < 1e-6;
        assert!(
            found.len() == expected.len() && found.iter().zip(&expected).all(is_near),
            "{model}: expected {expected:?}, found {found:?}"
        );
    }
}

#[test]
fn an_exported_crate_prints_what_the_command_samples() {
    let desk = Desk::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let runtime = root.join("runtime").to_string_lossy().replace('\\', "/");
    for (model, _, condition) in EXAMPLES {
        desk.succeed(&format!("export {} --to rust --out {model}", weights(model)));
        let folder = desk.path(model);
        // The versions that the workspace has downloaded.
        fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["run", "--quiet", "--offline"]).current_dir(&folder);
        cargo.args(["--config", &format!("patch.crates-io.flowlet.path='{runtime}'")]);
        // The bits are the same at all levels, and this one is compiled the soonest.
        cargo.args(["--config", "profile.dev.package.flowlet.opt-level=0"]);
        cargo.args(["--config", "profile.dev.debug=false"]);
        cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("exported"));
        let found: Vec<f32> = numbers(&output(&mut cargo)).iter().map(|&x| x as f32).collect();
        let expected: Vec<f32> =
            sampled(&desk, model, condition).iter().map(|&x| x as f32).collect();
        assert_eq!(found, expected, "{model}");
    }
}

#[test]
fn cargo_takes_the_name_of_every_exported_crate() {
    let desk = Desk::new();
    for (name, package) in [("build", "model_build"), ("flowlet", "model_flowlet"), ("Two", "two")]
    {
        let moons = weights("moons");
        desk.succeed(&format!("export {moons} --to rust --name {name} --out {name}"));
        let manifest = fs::read_to_string(desk.path(&format!("{name}/Cargo.toml"))).unwrap();
        assert!(manifest.contains(&format!("\nname = \"{package}\"\n")), "{manifest}");
        let mut cargo = Command::new(env!("CARGO"));
        // Reads the manifest, without looking for the packages that it names.
        output(cargo.args(["read-manifest"]).current_dir(desk.path(name)));
    }
}

#[test]
fn a_model_becomes_a_crate() {
    let desk = Desk::new();
    desk.succeed(&format!("export {} --to rust --out crate", weights("mixture-i8")));
    assert_eq!(files(&desk, "crate"), ["Cargo.toml", "src/main.rs", "src/model.safetensors"]);
    let main = fs::read_to_string(desk.path("crate/src/main.rs")).unwrap();
    for expected in ["use flowlet::fixed::{Euler, Mlp8, Noise, SelfTest};", "Mlp8<1, 0, 64, 1>"] {
        assert!(main.contains(expected), "{expected}: {main}");
    }
    let copied = fs::read(desk.path("crate/src/model.safetensors")).unwrap();
    assert_eq!(copied, fs::read(format!("{}/model.safetensors", weights("mixture-i8"))).unwrap());
}

/// What the graphs compute is tested beside their code, and by `tests/pytorch/out.py` with ONNX Runtime.
#[test]
fn a_model_becomes_graphs_of_onnx() {
    let desk = Desk::new();
    let moons = weights("moons");
    let said = desk.succeed(&format!("export {moons} --to onnx --steps 3 --out graphs"));
    assert!(
        said.contains("graphs/velocity.onnx: ") && said.contains("graphs/sampler.onnx: "),
        "{said}"
    );
    assert_eq!(files(&desk, "graphs"), ["sampler.onnx", "velocity.onnx"]);
    let before = fs::read(desk.path("graphs/sampler.onnx")).unwrap();
    let contains = |text: &str| before.windows(text.len()).any(|bytes| bytes == text.as_bytes());
    assert!(
        contains("3 steps of euler") && contains("in data units") && contains("flowlet.activation")
    );
    // 8gaussians was trained with label dropout.
    desk.succeed(&format!("export {} --to onnx --out guided", weights("8gaussians")));
    assert_eq!(files(&desk, "guided"), ["sampler.onnx", "sampler_guided.onnx", "velocity.onnx"]);
    desk.write("blocked", "mine");
    fs::create_dir(desk.path("half")).unwrap();
    fs::create_dir(desk.path("half/velocity.onnx")).unwrap();
    for (model, arguments, expected) in [
        ("moons", "--to onnx --out graphs", "--force"),
        ("moons", "--to onnx --out blocked", "cannot create the directory blocked"),
        ("moons", "--to onnx --out half --force", "half/velocity.onnx"),
        ("moons", "--to onnx --out other --name m", "--name: the files of --to onnx"),
        (
            "moons",
            "--to onnx --out other --layout cmake",
            "--layout cmake: the layouts are for --to c",
        ),
        ("moons-i8", "--to onnx --out other", "an integer model"),
    ] {
        let output = desk.run(&format!("export {} {arguments}", weights(model)));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected) && said.lines().count() == 1, "{expected}: {said}");
    }
    assert!(!desk.path("other").exists() && !desk.path("half/sampler.onnx").exists());
    assert_eq!(fs::read(desk.path("graphs/sampler.onnx")).unwrap(), before);
    assert_eq!(fs::read_to_string(desk.path("blocked")).unwrap(), "mine");
}

#[test]
fn names_and_folders_that_cannot_be_are_errors() {
    let desk = Desk::new();
    let moons = weights("moons");
    for (name, expected) in [
        ("8gaussians", "expected a C identifier"),
        ("two-moons", "such as two_moons"),
        ("double", "keyword"),
        ("namespace", "keyword"),
        ("math", "math.h"),
        ("Wire", "Arduino"),
        ("a__b", "single underscores"),
        ("abcdefghijklmnopqrstuvwxyzabcdefghij", "at most 31 characters"),
    ] {
        let output = desk.run(&format!("export {moons} --to c --out out --name {name}"));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected) && said.contains(name), "{said}");
        assert!(!desk.path("out").exists());
    }
    let command = format!("export {moons} --to c --out out");
    desk.succeed(&command);
    let before = fs::read(desk.path("out/moons.c")).unwrap();
    fs::remove_file(desk.path("out/moons.h")).unwrap();
    let output = desk.run(&format!("{command} --steps 3"));
    assert!(text(&output.stderr).contains("out/moons.c exists"), "{}", text(&output.stderr));
    // Nothing was written, neither the missing file nor the other one.
    assert!(!desk.path("out/moons.h").exists());
    assert_eq!(fs::read(desk.path("out/moons.c")).unwrap(), before);
    desk.succeed(&format!("{command} --steps 3 --force"));
    assert!(desk.path("out/moons.h").exists());
    desk.write("file", "mine");
    for (arguments, expected) in [
        ("--to c --out file", "file"),
        ("--to c --out -", "expected a directory"),
        ("--to rust --layout arduino --out a", "--to c"),
        ("--to basic --out a", "possible values: c, rust"),
        ("--to c --out a --steps 0", "--steps"),
    ] {
        let output = desk.run(&format!("export {moons} {arguments}"));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert_eq!(fs::read_to_string(desk.path("file")).unwrap(), "mine");
}

#[test]
fn a_large_model_gets_a_warning_with_its_size() {
    let desk = Desk::new();
    let shape = Shape {
        data_dim: 2,
        condition_dim: 0,
        hidden_width: 512,
        hidden_layers: 3,
        activation: flowlet::ActivationKind::Relu,
    };
    let network = Network::new(shape, vec![0.001; shape.parameters()]).unwrap();
    let identity = |n: usize| Standardization { mean: vec![0.0; n], scale: vec![1.0; n] };
    let units = Units { data: identity(2), condition: identity(0) };
    let file = export(&network, &units, &Description::default()).unwrap();
    desk.write("large.safetensors", file.to_bytes().unwrap());
    let output = desk.run("export large.safetensors --to c");
    let said = text(&output.stderr);
    assert!(output.status.success() && said.contains("791,042 weights"), "{said}");
    assert_eq!(files(&desk, "large-c"), ["large.c", "large.h"]);
}
