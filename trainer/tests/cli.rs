//! Tests of the command `flowlet`: its arguments, output, exit codes and files.

mod desk;

use std::fs;
use std::path::Path;
use std::process::Stdio;

use flowlet_trainer::disk::tensor_file::TensorFile;

use desk::{Desk, SHORT, npy, npy_rows, npy_shape, text, weights};

/// 400 points with two labels around (100, 0), whose coordinates have very different scales.
fn points() -> String {
    let mut text = "x,y,label,speed\n".to_string();
    for k in 0..400_u32 {
        let angle = f64::from(k) * 2.399;
        let (label, radius) = if k % 2 == 0 { ("cat", 1.0) } else { ("dog", 3.0) };
        let (sin, cos) = angle.sin_cos();
        let speed = f64::from(k * 7919 % 101) / 10.0;
        text.push_str(&format!(
            "{},{},{label},{speed}\n",
            100.0 + 10.0 * radius * cos,
            radius * sin
        ));
    }
    text
}

#[test]
fn a_csv_file_trains_without_a_configuration() {
    let desk = Desk::new();
    desk.write("points.csv", points());
    let summary = desk.succeed(&format!("train points.csv --data x,y --condition label {SHORT}"));
    for expected in ["runs/points", "held-out rows", "verified", "weights", "memory"] {
        assert!(summary.contains(expected), "{summary}");
    }
    for file in ["model.safetensors", "golden.safetensors", "config.toml", "metrics.csv"] {
        assert!(desk.path("runs/points").join(file).exists(), "{file}");
    }
    assert!(desk.succeed("verify runs/points").contains("passed"));

    let samples = desk.succeed("sample runs/points -n 5 --condition dog");
    let mut lines = samples.lines();
    assert_eq!(lines.next(), Some("x,y"));
    let x: Vec<f32> = lines.map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(x.len(), 5);
    // Samples are in data units, around 100, not in flow units, around 0.
    assert!(x.iter().all(|x| (20.0..180.0).contains(x)), "{x:?}");
}

#[test]
fn array_files_train_without_a_configuration() {
    let desk = Desk::new();
    let values: Vec<f32> = (0..600).map(|k| ((k * 31 % 97) as f32).sin()).collect();
    desk.write("actions.npy", npy("100, 3, 2", &values));
    desk.write("obs.npy", npy("100, 2", &values[..200]));
    desk.succeed(&format!("train --data actions.npy --conditions obs.npy {SHORT}"));
    let shape = desk.succeed("inspect runs/actions");
    assert!(shape.contains("D = 6 data dimensions, C = 2 conditions"), "{shape}");

    let out = desk.succeed(&format!("train actions.npy --data 0..2,5 --out three {SHORT}"));
    assert!(out.contains("three"), "{out}");
    assert!(desk.succeed("inspect three").contains("D = 3 data"));

    // Samples have the order of the files' rows.
    desk.succeed("sample runs/actions --conditions obs.npy --out samples.npy");
    desk.write("x0.csv", "0,0,0,0,0,0\n1,1,1,1,1,1\n");
    desk.write("c.csv", "0.5,-0.5\n0.1,0.2\n");
    let both = desk.succeed("sample runs/actions --x0 x0.csv --conditions c.csv");
    assert_eq!(both.lines().count(), 3);
    desk.write("x0.csv", "1,1,1,1,1,1\n0,0,0,0,0,0\n");
    desk.write("c.csv", "0.1,0.2\n0.5,-0.5\n");
    let swapped = desk.succeed("sample runs/actions --x0 x0.csv --conditions c.csv");
    let lines: Vec<&str> = both.lines().collect();
    let swapped: Vec<&str> = swapped.lines().collect();
    assert_eq!([lines[1], lines[2]], [swapped[2], swapped[1]]);
}

#[test]
fn the_same_seed_gives_the_same_bytes_with_one_thread_or_two() {
    let desk = Desk::new();
    let train = |out: &str, seed: u32, threads: &str| {
        let arguments = format!("train moons --iterations 200 --seed {seed} --out {out}");
        let mut command = desk.command(&arguments);
        let command = command.env("RAYON_NUM_THREADS", threads).stdout(Stdio::piped());
        let output = desk.start(command).output();
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::read(desk.path(out).join("model.safetensors")).unwrap()
    };
    let first = train("a", 1, "1");
    assert_eq!(first, train("b", 1, "2"));
    assert_ne!(first, train("c", 2, "2"));
}

#[test]
fn a_written_configuration_reproduces_its_run() {
    let desk = Desk::new();
    desk.write("points.csv", points());
    desk.succeed(&format!("train points.csv --data x,y --holdout 0.2 --seed 9 {SHORT}"));
    desk.succeed("train runs/points/config.toml --out runs/again");
    for file in ["model.safetensors", "golden.safetensors", "config.toml"] {
        let read = |run: &str| fs::read(desk.path(run).join(file)).unwrap();
        assert_eq!(read("runs/points"), read("runs/again"), "{file}");
    }
}

#[test]
fn errors_for_wrong_arguments_list_the_valid_ones() {
    let desk = Desk::new();
    for (arguments, expected) in [
        (
            "train mixture --activation sin",
            "[possible values: gelu, gelu_tanh, silu, selu, tanh, relu",
        ),
        ("train mixture --device tpu", "[possible values: auto, cpu, cuda]"),
        ("train moons --resume run", "cannot be used with"),
    ] {
        let output = desk.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
    }
    assert!(desk.files().is_empty());
}

#[test]
fn flags_override_a_configuration_file() {
    let desk = Desk::new();
    desk.write("c.toml", "seed = 4\n[data]\nsource = \"mixture\"\n[train]\niterations = 7\n");
    desk.succeed("train c.toml --iterations 5");
    let config = fs::read_to_string(desk.path("runs/c/config.toml")).unwrap();
    assert!(config.contains("iterations = 5") && config.contains("seed = 4"), "{config}");
}

/// The sizes in the `config.toml` of a run: width, layers, iterations.
fn sizes(desk: &Desk, run: &str) -> [usize; 3] {
    let config = fs::read_to_string(desk.path(run).join("config.toml")).unwrap();
    let of = |key: &str| {
        let (_, after) = config.split_once(&format!("\n{key} = ")).unwrap();
        after.lines().next().unwrap().parse().unwrap()
    };
    ["hidden_width", "hidden_layers", "iterations"].map(of)
}

#[test]
fn the_data_decide_the_sizes_that_nobody_states() {
    let desk = Desk::new();
    let rows = |n: u32, columns: u32| -> String {
        let line = |row: u32| {
            let cells = (0..columns).map(|k| (row * (7919 + k) % 101).to_string());
            cells.collect::<Vec<_>>().join(",") + "\n"
        };
        (0..=n).map(|row| if row == 0 { line(1) } else { line(row) }).collect()
    };
    let header = |columns: u32| (0..columns).map(|k| format!("x{k}")).collect::<Vec<_>>().join(",");
    for (name, n, columns) in [("few", 20, 2), ("wide", 300, 30), ("many", 300, 2)] {
        desk.write(&format!("{name}.csv"), format!("{}\n{}", header(columns), rows(n, columns)));
    }
    let train = |arguments: &str| {
        desk.succeed(&format!("train {arguments} --batch-size 8 --force --out run"));
        sizes(&desk, "run")
    };
    assert_eq!(train("few.csv"), [32, 1, 2000]);
    assert_eq!(train("wide.csv --iterations 5"), [64, 1, 5]);
    assert_eq!(train("many.csv --iterations 5"), [128, 3, 5]);
    assert_eq!(train("many.csv --iterations 5 --hidden-layers 2"), [128, 2, 5]);
    assert_eq!(train("many.csv --iterations 5 --size small"), [64, 1, 5]);
    // A preset keeps its own.
    assert_eq!(train("moons --iterations 5"), [64, 1, 5]);
    // What a configuration file states wins over the rule, and a flag over the file.
    desk.write(
        "c.toml",
        "[data]\nsource = \"many.csv\"\n[model]\nhidden_width = 9\n[train]\niterations = 4\n",
    );
    assert_eq!(train("c.toml"), [9, 3, 4]);
    assert_eq!(train("c.toml --iterations 5"), [9, 3, 5]);
    assert_eq!(train("c.toml --iterations 5 --size auto"), [128, 3, 5]);
}

#[test]
fn a_run_of_so_many_seconds_can_be_repeated_from_its_configuration() {
    let desk = Desk::new();
    desk.write("points.csv", points());
    let train = "train points.csv --data x,y --condition label --hidden-width 8 --hidden-layers 1 \
                 --batch-size 8";
    desk.succeed(&format!("{train} --seconds 1 --out a"));
    let [width, layers, iterations] = sizes(&desk, "a");
    assert_eq!((width, layers), (8, 1));
    assert!((1..=80_000).contains(&iterations), "{iterations}");
    desk.succeed("train a/config.toml --out b");
    let model = |run: &str| fs::read(desk.path(run).join("model.safetensors")).unwrap();
    assert!(model("a") == model("b"));
}

#[test]
fn sizes_that_cannot_be_chosen_are_refused() {
    let desk = Desk::new();
    desk.write("points.csv", points());
    let train = "train points.csv --data x,y --condition label";
    for seconds in ["0", "-1", "1e9", "nan", "inf", "soon"] {
        desk.fail(
            &format!("{train} --seconds={seconds}"),
            "expected a number of seconds from 1 to",
        );
    }
    let output = desk.run(&format!("{train} --size huge"));
    let error = text(&output.stderr);
    assert!(
        output.status.code() == Some(2) && error.contains("[possible values: auto, small]"),
        "{error}"
    );
    for flag in ["--size auto", "--size small", "--seconds 60"] {
        desk.fail(&format!("train moons {flag}"), "moons is a known distribution");
        desk.fail(
            &format!("{train} --few-steps 1 {flag}"),
            "few steps train a teacher and a student",
        );
    }
    let mut run =
        desk.begin(&format!("{train} --iterations 1000000 --checkpoint-seconds 0 --out run"));
    run.until(|| desk.path("run/checkpoint.safetensors").exists());
    run.kill();
    for flag in ["--size auto", "--seconds 9"] {
        let output = desk.run(&format!("train --resume run {flag}"));
        let error = text(&output.stderr);
        assert!(error.contains("a run is resumed with its own settings"), "{error}");
        assert_eq!(output.status.code(), Some(2));
    }
}

#[test]
fn a_users_mixture_is_trained_on() {
    let desk = Desk::new();
    desk.write(
        "three.toml",
        "[data]\nsource = \"mixture\"\ncondition = [\"class\"]\n\
         [[data.components]]\nweight = 2.0\nmean = [0.0, 0.0, 9.0]\nstd = [1.0, 1.0, 0.5]\n\
         [[data.components]]\nweight = 1.0\nmean = [5.0, 0.0, 0.0]\nstd = [0.1, 0.2, 0.5]\n",
    );
    desk.succeed(&format!("train three.toml {SHORT}"));
    assert!(desk.succeed("inspect runs/three").contains("D = 3 data dimensions, C = 2 conditions"));
}

/// Returns the position in a safetensors file after the last byte of a tensor.
fn end_of(tensor: &str, file: &[u8]) -> usize {
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let names: serde_json::Value = serde_json::from_slice(&file[8..header]).unwrap();
    header + names[tensor]["data_offsets"][1].as_u64().unwrap() as usize
}

#[test]
fn bad_input_is_refused_with_one_clear_error_and_nothing_is_written() {
    let desk = Desk::new();
    let model = fs::read(Path::new(&weights("mixture")).join("model.safetensors")).unwrap();
    let mut file = TensorFile::parse(&model).unwrap();
    file.metadata.insert("flowlet.steps".into(), "7".into());
    desk.write("model.safetensors", &model);
    desk.write("seven.safetensors", file.to_bytes().unwrap());
    desk.write("truncated.safetensors", &model[..9000]);
    let mut huge = (1_u64 << 63).to_le_bytes().to_vec();
    huge.extend(b"{}");
    desk.write("huge.safetensors", huge);
    let mut nan = model.clone();
    let end = end_of("net.4.weight", &nan);
    nan[end - 4..end].copy_from_slice(&f32::NAN.to_le_bytes());
    desk.write("nan.safetensors", nan);
    let header = r#"{"net.0.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"net.0.bias":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},"net.2.weight":{"dtype":"F32","shape":[1,3],"data_offsets":[24,36]},"net.2.bias":{"dtype":"F32","shape":[1],"data_offsets":[36,40]}}"#;
    let mut chain = (header.len() as u64).to_le_bytes().to_vec();
    chain.extend(header.as_bytes());
    chain.extend([0; 40]);
    desk.write("chain.safetensors", chain);
    desk.write("points.csv", points());
    desk.write("text.csv", "x,y\n1,2\n3,four\n5,6\n");
    desk.write("empty.csv", "");
    desk.write("names.csv", "x,y\n");
    desk.write("key.toml", "[data]\nsource = \"moons\"\n[train]\nitertions = 3\n");
    desk.write("three.csv", "1,2,3\n");
    fs::create_dir(desk.path("directory")).unwrap();
    let mixture = weights("mixture");
    let gaussians = weights("8gaussians");

    desk.fail("train missing.csv", "cannot read missing.csv");
    desk.fail("sample missing.safetensors", "cannot read missing.safetensors");
    desk.fail("sample directory", "the directory directory has no model.safetensors");
    desk.fail("sample truncated.safetensors", "truncated.safetensors: the file is truncated");
    desk.fail("sample huge.safetensors", "should have 9223372036854775808 bytes, expected at most");
    desk.fail("sample nan.safetensors", "tensor net.4.weight: element 63 is NaN");
    desk.fail(
        "sample chain.safetensors",
        "tensor net.2.weight: expected shape [1, 2], found [1, 3]",
    );
    desk.fail("import chain.safetensors --out o.safetensors", "layers do not fit together");
    desk.fail("train text.csv", "text.csv, line 3, column y: expected a number, found \"four\"");
    desk.fail("train empty.csv", "empty.csv: the file is empty");
    desk.fail("train names.csv", "no rows");
    desk.fail("train points.csv --data x,yy", "there is no column yy. Did you mean y?");
    desk.fail("train mixture --steps 0", "steps is 0: expected at least 1");
    desk.fail(&format!("sample {gaussians} --condition 1,0"), "all 8 numbers");
    desk.fail(&format!("sample {gaussians} --condition 9"), "\"9\" is not a category");
    desk.fail(&format!("sample {gaussians}"), "the model has conditions: give --condition class");
    desk.fail(&format!("sample {mixture} --condition 1"), "the model has no conditions");
    desk.fail(
        &format!("sample {mixture} --x0 three.csv"),
        "expected 1 columns, a starting point in each row, found 3",
    );
    desk.fail(&format!("sample {gaussians} -n 2 --conditions three.csv"), "found 3 without names");
    desk.fail(&format!("sample {mixture} --out samples.txt"), "ends in .csv, .npy or .safetensors");
    desk.fail(&format!("sample {mixture} --out nowhere/samples.csv"), "cannot write nowhere");
    desk.fail("train mixture --out points.csv/run", "cannot create the directory");
    desk.fail("train key.toml", "unknown key `itertions` in [train]: did you mean `iterations`?");
    desk.fail("train moon", "did you mean moons?");
    desk.fail("train mixture --strict", "strict is about a file's rows");
    desk.fail("train mixture --seed 9223372036854775808", "expected at most 9223372036854775807");
    desk.fail("sample seven.safetensors", "flowlet.steps contradicts the tensor grid");
    desk.fail(
        &format!("sample {mixture} -n 9223372036854775807"),
        "rows are more than a file can have",
    );
    desk.fail(&format!("sample {mixture} --out model.safetensors"), "model.safetensors exists");
    desk.fail(&format!("verify {} {mixture}", weights("moons")), "D = 1, C = 0");
}

#[test]
fn missing_values_are_skipped_and_counted_with_skip_invalid() {
    let desk = Desk::new();
    desk.write("gaps.csv", points().replacen(",cat,", ",,", 3));
    let arguments = format!("train gaps.csv --data x,y --condition label {SHORT}");
    desk.fail(&arguments, "gaps.csv, line 2, column label: expected a value, found \"\"");
    let output = desk.run(&format!("{arguments} --skip-invalid"));
    assert!(text(&output.stderr).contains("skipped 3 rows"), "{}", text(&output.stderr));
    assert!(output.status.success());
}

#[test]
fn a_constant_column_gives_a_warning_or_with_strict_an_error() {
    let desk = Desk::new();
    let rows: String = (0..50).map(|k| format!("{k},7\n")).collect();
    desk.write("flat.csv", format!("x,y\n{rows}"));
    desk.fail(&format!("train flat.csv --strict {SHORT}"), "column y is constant");
    let output = desk.run(&format!("train flat.csv {SHORT}"));
    assert!(
        text(&output.stderr)
            .contains("column y is constant: every sample has the same value there")
    );
    let samples = desk.succeed("sample runs/flat -n 3");
    assert_eq!(samples.lines().count(), 4);
}

#[test]
fn a_model_whose_samples_are_not_finite_is_an_error() {
    let desk = Desk::new();
    let output = desk.run("train moons --iterations 1 --learning-rate 1e12");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not finite"), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn paths_may_start_at_a_preset_or_a_file() {
    let desk = Desk::new();
    let small = "--iterations 30 --hidden-width 8 --batch-size 16 --transport-size 32";
    desk.succeed(&format!("train moons --source 8gaussians --coupling transport {small}"));
    let rows = desk.succeed("sample runs/moons -n 5 --seed 3");
    assert_eq!(rows.lines().count(), 6);
    assert_eq!(rows, desk.succeed("sample runs/moons -n 5 --seed 3"));
    assert!(desk.succeed("inspect runs/moons").contains("8gaussians"));
    // A model whose source is a file needs --x0, since the model file does not hold the source.
    desk.succeed("sample runs/moons -n 200 --out starts.csv");
    desk.succeed(&format!("train moons --source starts.csv --out mapped {small}"));
    desk.fail("sample mapped -n 5", "--x0");
    let rows = desk.succeed("sample mapped --x0 starts.csv");
    assert_eq!(rows.lines().count(), 201);
    desk.fail(
        &format!("train mixture --source moons --out other {small}"),
        "expected 1 dimensions",
    );
    desk.fail(&format!("train mixture --source nowhere --out other {small}"), "nowhere");
}

#[test]
fn plain_transport_of_a_conditional_model_is_refused_before_anything_is_written() {
    let desk = Desk::new();
    let train = "train 8gaussians --condition class --coupling transport --iterations 20 \
                 --hidden-width 8 --transport-size 64";
    desk.fail(train, "--force-transport");
    desk.succeed(&format!("{train} --force-transport"));
}

#[test]
fn guidance_needs_a_model_with_conditions() {
    let desk = Desk::new();
    let small = "--iterations 30 --hidden-width 8 --batch-size 16";
    desk.succeed(&format!("train 8gaussians --condition class --label-dropout 0.2 {small}"));
    let sample =
        |guidance: &str| desk.succeed(&format!("sample runs/8gaussians --condition 3 {guidance}"));
    assert_ne!(sample(""), sample("--guidance 2"));
    desk.succeed(&format!("train moons {small}"));
    desk.fail("sample runs/moons --guidance 2", "no conditions");
}

#[test]
fn a_run_whose_data_have_changed_cannot_be_resumed() {
    let desk = Desk::new();
    let rows: String = (0..50).map(|k| format!("{k}\n")).collect();
    desk.write("data.csv", format!("x\n{rows}"));
    let train =
        "train data.csv --iterations 100000 --hidden-width 8 --checkpoint-seconds 0 --out run";
    let mut run = desk.begin(train);
    run.until(|| desk.path("run/checkpoint.safetensors").exists());
    run.kill();
    desk.write("data.csv", format!("x\n{}", rows.replace("17", "71")));
    let output = desk.run("train --resume run");
    let error = text(&output.stderr);
    assert!(!output.status.success() && error.contains("the data files have changed"), "{error}");
    assert!(!desk.path("run/model.safetensors").exists());
}

#[test]
fn a_damaged_checkpoint_or_another_configuration_is_refused() {
    let desk = Desk::new();
    desk.fail("train --resume nowhere", "holds no run");
    let train = "train mixture --iterations 100000 --hidden-width 8 --checkpoint-seconds 0";
    let mut run = desk.begin(train);
    let checkpoint = desk.path("runs/mixture/checkpoint.safetensors");
    run.until(|| checkpoint.exists());
    run.kill();
    let config = desk.path("runs/mixture/config.toml");
    let written = fs::read_to_string(&config).unwrap();
    fs::write(&config, written.replace("iterations = 100000", "iterations = 99999")).unwrap();
    let refused = |expected: &str| {
        let output = desk.run("train --resume runs/mixture");
        assert!(!output.status.success());
        let error = crate::text(&output.stderr);
        assert!(error.contains(expected), "{error}");
        assert!(!desk.path("runs/mixture/model.safetensors").exists());
    };
    refused("not a checkpoint of this run");
    fs::write(&config, written).unwrap();
    let bytes = fs::read(&checkpoint).unwrap();
    fs::write(&checkpoint, &bytes[..bytes.len() / 2]).unwrap();
    refused("checkpoint.safetensors is damaged");
}

#[test]
fn samples_are_written_in_every_format() {
    let desk = Desk::new();
    let model = weights("moons");
    let stdout = desk.succeed(&format!("sample {model} -n 4 --seed 3"));
    desk.succeed(&format!("sample {model} -n 4 --seed 3 --out s.csv"));
    desk.succeed(&format!("sample {model} -n 4 --seed 3 --out s.npy"));
    desk.succeed(&format!("sample {model} -n 4 --seed 3 --out s.safetensors"));
    assert_eq!(fs::read_to_string(desk.path("s.csv")).unwrap(), stdout);
    let expected: Vec<f32> = stdout
        .lines()
        .skip(1)
        .flat_map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect::<Vec<_>>())
        .collect();
    assert!(fs::read(desk.path("s.npy")).unwrap() == npy("4, 2", &expected));
    let bytes = fs::read(desk.path("s.safetensors")).unwrap();
    let file = flowlet_trainer::disk::tensor_file::TensorFile::parse(&bytes).unwrap();
    assert_eq!(file.tensor("x").unwrap().to_f32().unwrap(), expected);
}

#[test]
fn the_path_of_the_article_is_traced() {
    let desk = Desk::new();
    let table = desk.succeed(&format!("trace {} --x0 0.85 --steps 15", weights("mixture")));
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 17, "{table}");
    let cells: Vec<f32> = lines[16].split_whitespace().map(|cell| cell.parse().unwrap()).collect();
    assert_eq!(cells[0], 1.0);
    assert!((cells[1] - 1.48).abs() < 0.08, "{table}");
}

#[test]
fn the_assumption_about_a_file_without_metadata_is_printed() {
    let desk = Desk::new();
    let article =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pytorch/article.safetensors");
    let output = desk.run(&format!("trace {} --x0 0.85 --steps 15", article.display()));
    assert!(output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("columns t, x, c") && said.contains("exact GELU"), "{said}");
}

#[test]
fn an_imported_state_dict_is_a_model() {
    let desk = Desk::new();
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pytorch/meta_mlp.pt");
    let arguments = "--columns x,t --activation swish --prefix main --out meta.safetensors";
    let said = desk.succeed(&format!("import {} {arguments}", file.display()));
    assert!(said.contains("D = 2, C = 0, H = 32, L = 3, silu"), "{said}");
    let output = desk.run("sample meta.safetensors -n 2");
    assert_eq!(text(&output.stderr), "", "the imported file has metadata, so nothing is assumed");
    assert_eq!(text(&output.stdout).lines().count(), 3);
}

/// As a user has it: a checkpoint of Lightning, whose columns have names for `evaluate --data`.
#[test]
fn a_checkpoint_becomes_a_model_that_is_evaluated_by_name() {
    let desk = Desk::new();
    let file =
        |name: &str| format!("{}/../tests/pytorch/conventions/{name}", env!("CARGO_MANIFEST_DIR"));
    let import =
        format!("import {} --activation elu --mean mean --scale std", file("lightning.ckpt"));
    let said = desk.succeed(&format!("{import} --names a,b,c,wind,load --out m.safetensors"));
    assert!(
        said.contains("D = 3, C = 2, H = 24, L = 1, elu") && said.contains("read from state_dict"),
        "{said}"
    );
    let rows: String = (0..40).map(|k| format!("{k},{},{},1,2\n", k % 7, k % 3)).collect();
    desk.write("data.csv", format!("c,b,a,load,wind\n{rows}"));
    let said = desk.succeed("evaluate m.safetensors --data data.csv --steps 1 -n 20");
    assert!(said.contains("energy distance"), "{said}");
    let average = file("average.pt");
    let arguments = "--activation tanh --out a.safetensors";
    desk.fail(
        &format!("import {average} {arguments}"),
        "choose one with --entry: model, ema.shadow",
    );
    desk.succeed(&format!("import {average} --entry ema.shadow {arguments}"));
    desk.fail(
        &format!("import {average} --entry ema {arguments} --force"),
        "no dictionary of tensors called",
    );
    let fql = file("fql.npz");
    desk.fail(
        &format!("import {fql} --entry a --columns c,x,t --out f.safetensors"),
        "--entry chooses",
    );
    let said =
        desk.run(&format!("import {fql} --time-scale 0 --columns c,x,t --out f.safetensors"));
    assert!(text(&said.stderr).contains("--time-scale is 0: expected a positive number"));
    assert!(!desk.path("f.safetensors").exists());
}

#[test]
fn a_file_of_another_program_names_the_command_that_converts_it() {
    let desk = Desk::new();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/pytorch");
    for name in
        ["meta_mlp.pt", "conventions/lightning.ckpt", "conventions/fql.npz", "meta_mlp.safetensors"]
    {
        let file = format!("{folder}/{name}");
        for command in ["sample", "inspect", "verify", "trace", "export --to c"] {
            desk.fail(
                &format!("{command} {file}"),
                "`flowlet import FILE --out model.safetensors`",
            );
        }
    }
}

#[test]
fn a_golden_file_with_other_bits_fails_verification() {
    let desk = Desk::new();
    desk.succeed(&format!("train mixture --out a {SHORT}"));
    desk.succeed(&format!("train mixture --out b --seed 1 {SHORT}"));
    let output = desk.run("verify a b");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("FAILED"), "{}", text(&output.stdout));
}

#[test]
fn a_tuned_model_is_sampled_with_its_grid() {
    let desk = Desk::new();
    fs::create_dir(desk.path("moons")).unwrap();
    for file in ["model.safetensors", "golden.safetensors"] {
        fs::copy(Path::new(&weights("moons")).join(file), desk.path("moons").join(file)).unwrap();
    }
    let uniform = desk.succeed("sample moons -n 5 --solver heun --steps 3");
    assert_ne!(uniform, desk.succeed("sample moons -n 5 --steps 3"), "another method");

    let tune = "tune moons --solver heun --steps 3 --points 512 --force";
    let aside = desk.succeed(&format!("{tune} --out tuned.safetensors"));
    assert!(aside.contains("heun, 3 steps, 6 evaluations a sample"), "{aside}");
    assert!(!aside.contains("renewed"), "{aside}");
    desk.succeed("verify moons");
    let said = desk.succeed(tune);
    assert!(said.contains("renewed"), "{said}");
    assert_eq!(
        fs::read(desk.path("moons/model.safetensors")).unwrap(),
        fs::read(desk.path("tuned.safetensors")).unwrap()
    );
    desk.succeed("verify moons");

    // The tuned grid is the model's default. Asking for its solver and steps gives the same samples.
    let own = desk.succeed("sample moons -n 5");
    assert_ne!(own, uniform);
    assert_eq!(own, desk.succeed("sample moons -n 5 --solver heun --steps 3"));
    let trace = desk.succeed("trace moons");
    assert_eq!(trace.lines().take_while(|line| !line.is_empty()).count(), 5, "{trace}");
    let embed = desk.succeed("inspect moons");
    let line =
        "static SOLVER: Heun<3> = Heun::from_safetensors(include_bytes!(\"model.safetensors\"))";
    assert!(embed.contains(line), "{embed}");

    desk.fail("tune moons --steps 3 --conditions x.csv --force", "has no conditions");
    let output = desk.run("sample moons --solver dopri5");
    assert!(text(&output.stderr).contains("[possible values: euler, midpoint, heun, rk4, ab2]"));
    let one = desk.run("tune moons --steps 1 --force");
    assert!(text(&one.stderr).contains("nothing to tune"), "{}", text(&one.stderr));
    desk.succeed("verify moons");
}

#[test]
fn a_model_with_conditions_is_tuned_by_category_or_by_a_file() {
    let desk = Desk::new();
    let tune = format!(
        "tune {} --steps 3 --points 64 --out tuned.safetensors --force",
        weights("8gaussians")
    );
    let by_category = desk.succeed(&tune);
    desk.write("conditions.csv", "3\n5\n");
    let by_file = desk.succeed(&format!("{tune} --conditions conditions.csv"));
    assert_ne!(by_category, by_file);
}

#[test]
fn a_golden_file_is_renewed_from_its_own_inputs() {
    let desk = Desk::new();
    let golden = Path::new(&weights("mixture")).join("golden.safetensors");
    let mut file = TensorFile::read(&golden).unwrap();
    let key = "flowlet.digest.path.rk4".to_string();
    assert!(file.metadata.insert(key, "0".repeat(16)).is_some());
    desk.write("golden.safetensors", file.to_bytes().unwrap());
    let verify = format!("verify {} golden.safetensors", weights("mixture"));
    let output = desk.run(&verify);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("OTHER BITS by rk4"), "{}", text(&output.stdout));
    desk.succeed(&format!("{verify} --renew"));
    desk.succeed(&verify);
    let renewed = TensorFile::read(&desk.path("golden.safetensors")).unwrap();
    assert_eq!(renewed.metadata, TensorFile::read(&golden).unwrap().metadata);
    assert_eq!(renewed.tensors["x0"], file.tensors["x0"]);
}

#[test]
fn a_model_is_evaluated_by_solver_and_steps() {
    let desk = Desk::new();
    let moons = weights("moons");
    let evaluate =
        format!("evaluate {moons} -n 300 --steps 1,8 --solver euler,heun --chip thumbv7em");
    let text = desk.succeed(&evaluate);
    for expected in [
        "data units",
        "300 fresh draws",
        "two sets of real data",
        "told apart",
        "real mean",
        "nats",
        "within 5 %",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let last = text.lines().last().unwrap();
    assert!(last.contains("multiply-adds a sample, about "), "{text}");
    assert!(last.ends_with(" instructions on thumbv7em-none-eabihf"), "{text}");
    assert_eq!(desk.succeed(&evaluate), text);
    desk.fail(&format!("evaluate {moons} --chip z80"), "expected one of thumbv6m-none-eabi");

    desk.succeed(&format!("{evaluate} --out a.json"));
    let json: serde_json::Value =
        serde_json::from_slice(&fs::read(desk.path("a.json")).unwrap()).unwrap();
    let rows = json["rows"].as_array().unwrap();
    let evaluations: Vec<_> = rows.iter().map(|row| row["evaluations"].as_u64().unwrap()).collect();
    assert_eq!(evaluations, [1, 8, 2, 16]);
    assert_eq!(rows[1]["multiply_adds"], 8 * 4416);
    let w2 = |row: &serde_json::Value| row["distances"]["w2"].as_f64().unwrap();
    let floor = json["floor"]["w2"].as_f64().unwrap();
    assert!(w2(&rows[0]) > w2(&rows[1]) && w2(&rows[1]) > floor, "{json}");
    assert!(json["path_energy"].as_f64().unwrap() > 0.0);
    // One step of Euler ends near the mean. Every measure sees it.
    let of = |row: usize, name: [&str; 2]| rows[row][name[0]][name[1]].as_f64().unwrap();
    assert!(of(0, ["energy", "value"]) > 10.0 * of(1, ["energy", "value"]), "{json}");
    assert!(of(0, ["told_apart", "auc"]) > 0.99 && of(1, ["told_apart", "auc"]) < 0.9, "{json}");
    assert!(rows[0]["deviation"][1].as_f64().unwrap() < 0.2, "{json}");
    assert!(rows[1]["deviation"][0].as_f64().unwrap() > 0.8, "{json}");
    assert_ne!(json["advice"]["row"], 0);

    // CSV has the same numbers.
    let csv = desk.succeed(&format!("evaluate {moons} -n 300 --steps 1,8 --format csv"));
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(
        lines.iter().map(|line| line[0]).collect::<Vec<_>>(),
        ["solver", "euler", "euler", "real data"]
    );
    assert_eq!(lines[2][7].parse::<f64>().unwrap(), w2(&rows[1]));
    assert_eq!(lines[2][10].parse::<f64>().unwrap(), of(1, ["energy", "value"]));
    assert_eq!(lines[2][12].parse::<f64>().unwrap(), of(1, ["told_apart", "auc"]));
}

#[test]
fn a_conditional_model_is_evaluated_class_by_class() {
    let desk = Desk::new();
    let text = desk.succeed(&format!("evaluate {} -n 400 --steps 4,16", weights("8gaussians")));
    for expected in
        ["conditions and data together in standard deviations", "class 7", "true density"]
    {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(!text.contains("path energy"), "{text}");

    let json =
        desk.succeed(&format!("evaluate {} -n 400 --steps 4 --format json", weights("8gaussians")));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let nats = |name: &str| json["log_likelihood"][name].as_f64().unwrap();
    assert!((nats("mean") - nats("truth")).abs() < 0.15, "{json}");
    assert!(nats("mean") < nats("truth"), "{json}");
    let classes = json["rows"][0]["by_class"].as_array().unwrap();
    assert_eq!(classes.len(), 8);
    for (class, floor) in classes.iter().zip(json["floor_by_class"].as_array().unwrap()) {
        let w2 = |class: &serde_json::Value| class["distances"]["w2"].as_f64().unwrap();
        assert_eq!(class["class"], floor["class"]);
        // About 50 of the 400 points.
        assert!((20..90).contains(&class["points"].as_u64().unwrap()), "{class}");
        assert!(w2(class) > 0.6 * w2(floor) && w2(class) < 4.0 * w2(floor), "{class} {floor}");
        assert!(class["energy"]["value"].is_number() && class["deviation"].is_array(), "{class}");
    }
}

#[test]
fn a_run_is_evaluated_on_its_held_out_rows_or_on_a_file() {
    let desk = Desk::new();
    desk.write("points.csv", points());
    let summary =
        desk.succeed(&format!("train points.csv --data x,y --condition label,speed {SHORT}"));
    let text = desk.succeed("evaluate runs/points --steps 4,50");
    for expected in [
        "40 held-out rows",
        "two sets of 20 points",
        "400 rows of the file",
        "label cat",
        "label dog",
        "nearest-row ratio",
        "40 held-out rows: W1, W2 and energy say little",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    // The summary judges the same samples of the model's own 50 steps.
    let [_, energy] = text.split_once("euler        50").map(|(a, b)| [a, b]).unwrap();
    let energy: Vec<&str> = energy.split_whitespace().take(6).collect();
    let distance = format!("distance    {} ± {} to the target", energy[4], &energy[5]["±".len()..]);
    assert!(summary.contains(&distance), "{distance}: {summary}");
    let text = desk.succeed("evaluate runs/points --steps 4 --data points.csv");
    assert!(text.contains("400 the file's rows") && !text.contains("nearest-row"), "{text}");

    fs::copy(desk.path("runs/points/model.safetensors"), desk.path("alone.safetensors")).unwrap();
    desk.fail("evaluate alone.safetensors", "give --data");
    desk.fail("evaluate runs/points --data moons", "--data moons: the model has");
    desk.fail("evaluate runs/points --out table.png", "ends in .csv, .json or .txt");
    desk.fail("evaluate runs/points -n 10001", "at most 10000");
    desk.fail("evaluate runs/points --units data", "deviations");
}

#[test]
fn distances_between_files_are_exact() {
    let desk = Desk::new();
    desk.write("a.csv", "x,y\n0,0\n5,1\n2,2\n");
    desk.write("b.csv", "x,y\n5,6\n8,5\n3,4\n");
    let text = desk.succeed("distance a.csv b.csv --cityblock");
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for (key, expected) in [("w1", 5.0), ("w1_cityblock", 7.0), ("w2", 5.0), ("w2_squared", 25.0)] {
        assert!((json[key].as_f64().unwrap() - expected).abs() < 1e-12, "{key}: {text}");
    }
    desk.write("c.csv", "x,y\n5,6\n1,1\n");
    desk.fail("distance a.csv c.csv", "expected the same numbers");
}

#[test]
fn the_rows_of_all_shards_are_those_of_the_whole_run() {
    let desk = Desk::new();
    let small = "--iterations 30 --hidden-width 8 --batch-size 16";
    desk.succeed(&format!("train moons --source 8gaussians --out mapped {small}"));
    let starts: String = (0..1000).map(|k| format!("{},{}\n", k % 13, k % 7)).collect();
    desk.write("x0.csv", starts);
    let classes: String = (0..1000).map(|k| format!("{}\n", k * 5 % 8)).collect();
    desk.write("classes.csv", classes);
    let gaussians = weights("8gaussians");
    for run in [
        format!("{} -n 10001", weights("mixture")),
        format!("{gaussians} -n 5000 --condition 3 --solver heun --steps 4"),
        format!("{gaussians} --conditions classes.csv --guidance 1.5"),
        format!("{} --x0 x0.csv", weights("moons")),
        "mapped -n 5000 --seed 7".to_string(),
    ] {
        desk.succeed(&format!("sample {run} --force --out whole.npy"));
        desk.succeed(&format!("sample {run} --force --out whole.csv"));
        let (mut array, mut text) = (Vec::new(), String::new());
        for shard in 0..3 {
            // Machines may have different numbers of cores.
            let part = |out: &str| {
                let arguments = format!("sample {run} --shard {shard}/3 --force --out {out}");
                let threads = ["1", "2", "5"][shard];
                let mut command = desk.command(&arguments);
                let command = command.env("RAYON_NUM_THREADS", threads).stdout(Stdio::piped());
                let output = desk.start(command).output();
                assert!(output.status.success(), "{arguments}: {}", crate::text(&output.stderr));
                fs::read(desk.path(out)).unwrap()
            };
            let file = part("part.npy");
            array.extend_from_slice(npy_rows(&file));
            // Each part is a complete file of its rows.
            let [rows, columns] = npy_shape(&file);
            assert_eq!(npy_rows(&file).len(), 4 * rows * columns);
            let lines = crate::text(&part("part.csv"));
            let (names, rows) = lines.split_once('\n').unwrap();
            if shard == 0 {
                text = format!("{names}\n");
            }
            assert!(text.starts_with(names));
            text.push_str(rows);
        }
        assert!(array == npy_rows(&fs::read(desk.path("whole.npy")).unwrap()), "{run}");
        assert!(text == fs::read_to_string(desk.path("whole.csv")).unwrap(), "{run}");
    }
    // With more parts than rows, a part without rows is still a file.
    desk.succeed(&format!("sample {} -n 2 --shard 0/3 --out none.npy", weights("moons")));
    let none = fs::read(desk.path("none.npy")).unwrap();
    assert_eq!(npy_shape(&none), [0, 2]);
    for shard in ["3/3", "1", "0/0", "-1/3"] {
        let output = desk.run(&format!("sample {} --shard {shard}", weights("moons")));
        assert!(!output.status.success());
        assert!(text(&output.stderr).contains("counted from 0") || shard == "0/0", "{shard}");
    }
}

#[test]
fn bench_measures_the_cost_of_samples() {
    let desk = Desk::new();
    let of = |model: &str| {
        let arguments = "-n 300 --steps 3 --threads 1 --seconds 0 --json";
        let json = desk.succeed(&format!("bench {} {arguments}", weights(model)));
        serde_json::from_str::<serde_json::Value>(&json).unwrap()
    };
    // The second model has conditions, but needs none to be measured.
    for model in ["mixture", "8gaussians"] {
        // Load on the machine may slow one of the compared times and reverse their order now and then. A
        // wrong unit would reverse it each time.
        let plausible = |speed: &serde_json::Value| {
            let number =
                |key: &str| speed[key].as_f64().unwrap_or_else(|| panic!("{key}: {speed}"));
            assert_eq!((number("samples"), number("steps"), number("threads")), (300.0, 3.0, 1.0));
            let evaluations = 900.0 / number("batch_seconds");
            assert!((number("evaluations_per_second") / evaluations - 1.0).abs() < 1e-9, "{speed}");
            let single = 1e-6 * number("single_microseconds");
            assert!(single > 0.0 && number("peak_share") > 0.0, "{speed}");
            // The network cannot be faster than additions and multiplications in registers. One sample alone
            // takes longer than its share of a batch, but less than the whole batch.
            number("peak_share") < 1.0 && single < number("batch_seconds")
        };
        assert!((0..50).any(|_| plausible(&of(model))), "{model}");
    }
    let text = desk.succeed(&format!("bench {} -n 300 --steps 1 --seconds 0", weights("mixture")));
    assert!(text.contains("300 samples in 1 step of euler"), "{text}");
    desk.fail("bench nowhere", "nowhere");
}

#[test]
fn bench_takes_sizes_and_measures_training() {
    let desk = Desk::new();
    let sizes = "--hidden-width 16 --hidden-layers 2 --threads 1 --seconds 0";
    let json = desk.succeed(&format!("bench --training {sizes} --batch-size 32 --json"));
    let speed: serde_json::Value = serde_json::from_str(&json).unwrap();
    let number = |key: &str| speed[key].as_f64().unwrap_or_else(|| panic!("{key}: {speed}"));
    assert_eq!((number("hidden_width"), number("hidden_layers")), (16.0, 2.0));
    assert_eq!((number("batch_size"), number("threads")), (32.0, 1.0));
    assert!(0.0 < number("least_milliseconds"), "{speed}");
    assert!(number("least_milliseconds") <= number("milliseconds"), "{speed}");
    assert!(0.0 < number("peak_share"), "{speed}");

    let samples = desk.succeed(&format!("bench {sizes} -n 100 --steps 2"));
    assert!(samples.contains("100 samples in 2 steps of euler"), "{samples}");
    let moons = weights("moons");
    for (arguments, named) in [
        ("bench".to_owned(), "<MODEL>"),
        (format!("bench {moons} --hidden-width 64"), "--hidden-width"),
        (format!("bench {moons} --hidden-layers 2"), "--hidden-layers"),
        ("bench --training -n 10".to_owned(), "-n <N>"),
        ("bench --hidden-width 64 --batch-size 10".to_owned(), "--training"),
    ] {
        let output = desk.run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(text(&output.stderr).contains(named), "{arguments}: {}", text(&output.stderr));
    }
    desk.fail("bench --hidden-width 0", "expected 1 to 16384");
}

/// `cargo test -p flowlet-trainer --no-default-features`, which `.ci/night` runs.
#[cfg(not(feature = "figures"))]
#[test]
fn a_build_without_figures_writes_the_page_and_names_the_missing_feature() {
    let desk = Desk::new();
    fs::create_dir(desk.path("run")).unwrap();
    let model = Path::new(&weights("moons")).join("model.safetensors");
    fs::copy(model, desk.path("run/model.safetensors")).unwrap();
    desk.fail("report run --out figures", "without its feature `figures`");
    desk.succeed("report run");
    let page = fs::read_to_string(desk.path("run/report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("class=\"moves\""));
    assert!(!page.contains("data:image/gif"));
}
