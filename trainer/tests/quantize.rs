//! `flowlet quantize`, and integer models in the other commands.

mod desk;

use std::fs;

use flowlet_trainer::disk::tensor_file::TensorFile;

use desk::{Desk, SHORT, text, weights};

/// A desk with the run `runs/moons`.
fn trained() -> Desk {
    let desk = Desk::new();
    desk.succeed(&format!("train moons {SHORT}"));
    desk
}

const QUICK: &str = "--calibrate 100 --iterations 20";

#[test]
fn an_integer_model_is_written_beside_its_run_verified_and_sampled() {
    let desk = trained();
    let said = desk.succeed(&format!("quantize runs/moons --weights i8 {QUICK}"));
    for expected in ["runs/moons-i8/model.safetensors", "i8 between", "to the target", ": verified"]
    {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let config = |run: &str| fs::read(desk.path(&format!("runs/{run}/config.toml"))).unwrap();
    assert_eq!(config("moons-i8"), config("moons"));
    let said = desk.succeed("verify runs/moons-i8");
    assert!(said.contains("passed") && said.contains("self-test                  as expected"));
    let said = desk.succeed("inspect runs/moons-i8");
    for expected in ["integer contract 1", "use flowlet::fixed::{Euler, Mlp8, Noise}", "[i32; 2]"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    // The same rows in one file, in two shards, and on standard output.
    let rows = desk.succeed("sample runs/moons-i8 -n 50 --seed 3");
    assert_eq!(rows.lines().count(), 51, "{rows}");
    desk.succeed("sample runs/moons-i8 -n 50 --seed 3 --out whole.csv --resume");
    assert_eq!(fs::read_to_string(desk.path("whole.csv")).unwrap(), rows);
    let shard = |k: usize| {
        desk.succeed(&format!("sample runs/moons-i8 -n 50 --seed 3 --shard {k}/2 --out {k}.csv"));
        fs::read_to_string(desk.path(&format!("{k}.csv"))).unwrap()
    };
    let second = shard(1);
    assert_eq!(format!("{}{}", shard(0), second.split_once('\n').unwrap().1), rows);
    // They are near those of the float model.
    let float = desk.succeed("sample runs/moons -n 50 --seed 3");
    let numbers = |text: &str| -> Vec<f32> {
        let cells = text.lines().skip(1).flat_map(|line| line.split(','));
        cells.map(|cell| cell.parse().unwrap()).collect()
    };
    let (a, b) = (numbers(&rows), numbers(&float));
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.05) && a != b);
}

#[test]
fn the_same_seed_writes_the_same_bytes_and_nothing_is_replaced_without_force() {
    let desk = trained();
    let command = format!("quantize runs/moons --weights i4 --out small.safetensors {QUICK}");
    desk.succeed(&command);
    let read = || {
        ["small.safetensors", "small.golden.safetensors"]
            .map(|name| fs::read(desk.path(name)).unwrap())
    };
    let first = read();
    desk.fail(&command, "small.safetensors exists: choose another name with --out");
    desk.succeed(&format!("{command} --force"));
    assert_eq!(read(), first);
    desk.succeed("verify small.safetensors small.golden.safetensors");
    let file = TensorFile::parse(&first[0]).unwrap();
    assert_eq!(file.metadata["flowlet.integer"], "1");
    assert!(file.metadata.contains_key("flowlet.integer_from"));
    let float = TensorFile::read(&desk.path("runs/moons/model.safetensors")).unwrap();
    for (key, value) in &float.metadata {
        assert_eq!(file.metadata[key], *value);
    }
}

#[test]
fn other_bits_are_told_by_the_exit_code() {
    let desk = trained();
    desk.succeed(&format!("quantize runs/moons {QUICK}"));
    desk.succeed(&format!("quantize runs/moons --weights i4 --out other.safetensors {QUICK}"));
    let output = desk.run("verify other.safetensors runs/moons-i16/golden.safetensors");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("NUMBERS DIFFER"), "{}", text(&output.stdout));
    // Renewed, the golden outputs are those of the other model.
    desk.succeed("verify other.safetensors runs/moons-i16/golden.safetensors --renew");
}

#[test]
fn bad_input_is_one_error_and_leaves_nothing() {
    let desk = trained();
    desk.succeed(&format!("quantize runs/moons {QUICK}"));
    desk.fail("quantize nothing", "cannot read nothing");
    let output = desk.run("quantize runs/moons --weights i5");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("[possible values: i16, i8, i4]"));
    desk.fail("quantize runs/moons --calibrate 0", "expected 1 to 1000000, found 0");
    desk.fail("quantize runs/moons --out -", "expected a file");
    let input = "quantize runs/moons --out runs/moons/golden.safetensors --force";
    desk.fail(input, "is an input of this command");
    for command in ["quantize", "report", "tune --steps 2 --force"] {
        let expected =
            "an integer model, as `flowlet quantize` writes it: expected the float model";
        desk.fail(&format!("{command} runs/moons-i16"), expected);
    }
    desk.fail("verify runs/moons-i16 runs/moons", "not a golden file of an integer model");
    desk.fail("verify runs/moons runs/moons-i16", "not a golden file");
    desk.fail("sample runs/moons-i16 --guidance 2", "the model has no conditions");
    // A refused model leaves no directory.
    let path = desk.path("runs/moons/model.safetensors");
    let mut file = TensorFile::read(&path).unwrap();
    let bias = file.tensors["net.4.bias"].to_f32().unwrap();
    let block = flowlet_trainer::disk::tensor_file::Block::f32(&[2], &[bias[0], 5000.0]);
    file.tensors.insert("net.4.bias".to_string(), block);
    fs::create_dir(desk.path("far")).unwrap();
    fs::write(desk.path("far/model.safetensors"), file.to_bytes().unwrap()).unwrap();
    desk.fail("quantize far", "standard deviations in the column y");
    assert!(!desk.path("far-i16").exists());
}

#[test]
fn conditions_and_guidance_work_as_for_floats() {
    let desk = Desk::new();
    let model = weights("8gaussians");
    desk.succeed(&format!("quantize {model} --weights i8 --out small.safetensors {QUICK}"));
    let said = desk.succeed("verify small.safetensors small.golden.safetensors");
    assert!(said.contains("guided"), "{said}");
    let rows = |model: &str, more: &str| {
        desk.succeed(&format!("sample {model} -n 20 --condition 3 {more}")).lines().skip(1).fold(
            Vec::new(),
            |mut all: Vec<f32>, line| {
                all.extend(line.split(',').map(|cell| cell.parse::<f32>().unwrap()));
                all
            },
        )
    };
    for more in ["", "--steps 7 --solver heun", "--guidance 1.5"] {
        let (integer, float) = (rows("small.safetensors", more), rows(&model, more));
        let near = integer.iter().zip(&float).all(|(a, b)| (a - b).abs() < 0.05);
        assert!(near && integer.len() == 40, "{more}: {integer:?} {float:?}");
    }
}

/// An integer model is taken where a float one is.
#[test]
fn an_integer_model_is_traced_evaluated_and_measured() {
    let desk = trained();
    desk.succeed(&format!("quantize runs/moons {QUICK}"));
    // The last point of the path is the first sample of the seed.
    let trace = desk.succeed("trace runs/moons-i16 --seed 5 --steps 7");
    assert_eq!(trace.lines().filter(|line| line.contains('.')).count(), 8 + 1, "{trace}");
    let rows = desk.succeed("sample runs/moons-i16 -n 1 --seed 5 --steps 7");
    let last: Vec<f32> = numbers(trace.lines().last().unwrap().split_whitespace());
    let row: Vec<f32> = numbers(rows.lines().nth(1).unwrap().split(','));
    assert!(last.iter().zip(&row).all(|(a, b)| (a - b).abs() < 6e-4), "{trace}{rows}");
    let near = desk.succeed("trace runs/moons --x0 0.5,-0.25 --steps 7");
    let own = desk.succeed("trace runs/moons-i16 --x0 0.5,-0.25 --steps 7");
    for (near, own) in near.lines().zip(own.lines()).skip(1) {
        let (near, own) = (cells(near), cells(own));
        assert!(near.iter().zip(&own).all(|(a, b)| (a - b).abs() < 0.01), "{near:?} {own:?}");
    }
    desk.fail("trace runs/moons-i16 --x0 1", "--x0: expected 2 finite numbers");

    // The data are those of the float model's run.
    let evaluated = |run: &str| -> serde_json::Value {
        let text = desk.succeed(&format!("evaluate runs/{run} -n 500 --steps 2,10 --format json"));
        serde_json::from_str(&text).unwrap()
    };
    let (integer, float) = (evaluated("moons-i16"), evaluated("moons"));
    for (a, b) in integer["rows"].as_array().unwrap().iter().zip(float["rows"].as_array().unwrap())
    {
        for name in ["w1", "w2"] {
            let (a, b) = (a["distances"][name].as_f64().unwrap(), b["distances"][name].as_f64());
            assert!((a - b.unwrap()).abs() < 0.02, "{name}: {a} {b:?}");
        }
    }
    assert_ne!(integer["rows"], float["rows"]);
    let notes = integer["notes"].to_string();
    assert!(notes.contains("those of a float network with the integer model's weights"), "{notes}");
    assert!(!float["notes"].to_string().contains("integer"));
    desk.fail("evaluate runs/moons-i16 --chip thumbv6m", "--chip: the instructions that are known");

    let speed = desk.succeed("bench runs/moons-i16 -n 100 --steps 2 --seconds 0 --json");
    let speed: serde_json::Value = serde_json::from_str(&speed).unwrap();
    assert!(speed["single_microseconds"].as_f64().unwrap() > 0.0 && speed.get("peak").is_none());
    let said = desk.succeed("bench runs/moons-i16 -n 100 --steps 2 --seconds 0");
    assert!(said.contains("evaluations a second\n") && said.contains("one sample"), "{said}");
}

fn numbers<'a>(cells: impl Iterator<Item = &'a str>) -> Vec<f32> {
    cells.map(|cell| cell.parse().unwrap()).collect()
}

/// The numbers in a line.
fn cells(line: &str) -> Vec<f32> {
    line.split_whitespace().filter_map(|cell| cell.parse().ok()).collect()
}

/// A complete file is left as it is, and one of another model is not continued.
#[test]
fn samples_of_an_integer_model_are_not_mixed_with_others() {
    let desk = trained();
    desk.succeed(&format!("quantize runs/moons {QUICK}"));
    let again = "-n 300 --seed 1 --out whole.csv --resume";
    desk.succeed(&format!("sample runs/moons-i16 {again}"));
    let whole = fs::read(desk.path("whole.csv")).unwrap();
    desk.succeed(&format!("sample runs/moons-i16 {again}"));
    desk.fail(&format!("sample runs/moons {again}"), "whole.csv");
    assert_eq!(fs::read(desk.path("whole.csv")).unwrap(), whole);
}

#[test]
fn a_run_may_end_with_its_integer_model() {
    let desk = Desk::new();
    let said = desk.succeed(&format!("train mixture {SHORT} --weights i8"));
    assert!(said.contains("runs/mixture-i8/model.safetensors"), "{said}");
    desk.succeed("verify runs/mixture-i8");
    // Known before the training.
    fs::remove_dir_all(desk.path("runs/mixture")).unwrap();
    let again = format!("train mixture {SHORT} --weights i8");
    desk.fail(&again, "runs/mixture-i8/model.safetensors exists");
    desk.succeed(&format!("{again} --force"));
}
