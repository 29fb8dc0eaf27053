//! Commands use the data, the source and the settings that a run was trained with, in whatever directory they
//! run and wherever the files have been moved.

mod desk;

use std::fs;
use std::process::Stdio;

use flowlet_trainer::disk::tensor_file::{Block, TensorFile};

use desk::{Desk, text, weights};

/// `n` points around (`at`, 0), with a label.
fn points(n: u32, at: f64) -> String {
    let mut text = "x,y,label\n".to_string();
    for k in 0..n {
        let (sin, cos) = (f64::from(k) * 2.399).sin_cos();
        let label = if k % 2 == 0 { "cat" } else { "dog" };
        text.push_str(&format!("{},{sin},{label}\n", at + cos));
    }
    text
}

const SHORT: &str = "--iterations 40 --batch-size 32 --hidden-width 8";

/// A project with a run of its `points.csv`.
fn project() -> Desk {
    let desk = Desk::new();
    fs::create_dir(desk.path("project")).unwrap();
    desk.write("project/points.csv", points(300, 0.0));
    within(&desk, "project", &format!("train points.csv --condition label {SHORT}"));
    desk
}

/// Runs `flowlet` in a folder of the desk, where it must succeed. Returns its standard output.
#[track_caller]
fn within(desk: &Desk, folder: &str, arguments: &str) -> String {
    let mut command = desk.command(arguments);
    let command = command.current_dir(desk.path(folder)).stdout(Stdio::piped());
    let output = desk.start(command).output();
    assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Evaluates the run from a folder. Leaves out the first line, which names the model as it was given.
#[track_caller]
fn evaluated(desk: &Desk, folder: &str, run: &str) -> String {
    let said = within(desk, folder, &format!("evaluate {run} --steps 2 --format csv"));
    assert!(said.lines().count() > 1, "{said}");
    said
}

#[test]
fn a_run_finds_its_data_from_any_folder() {
    let desk = project();
    let expected = evaluated(&desk, "project", "runs/points");
    // A folder with another file of the same name.
    fs::create_dir(desk.path("elsewhere")).unwrap();
    desk.write("elsewhere/points.csv", points(300, 90.0));
    assert_eq!(evaluated(&desk, "elsewhere", "../project/runs/points"), expected);
    let run = desk.path("project/runs/points");
    assert_eq!(evaluated(&desk, "elsewhere", run.to_str().unwrap()), expected);
    assert_eq!(evaluated(&desk, "project/runs/points", "."), expected);
    assert_eq!(evaluated(&desk, "project/runs/points", "model.safetensors"), expected);
}

#[test]
fn a_project_can_be_moved_as_a_whole() {
    let desk = project();
    let expected = evaluated(&desk, "project", "runs/points");
    fs::create_dir(desk.path("archive")).unwrap();
    fs::rename(desk.path("project"), desk.path("archive/old")).unwrap();
    assert_eq!(evaluated(&desk, ".", "archive/old/runs/points"), expected);
    within(&desk, ".", &format!("train archive/old/runs/points/config.toml --out again {SHORT}"));
    let model = |run: &str| fs::read(desk.path(run).join("model.safetensors")).unwrap();
    assert_eq!(model("again"), model("archive/old/runs/points"));
    assert_eq!(evaluated(&desk, "archive", "../again"), expected);
}

#[test]
fn other_data_are_refused_unless_they_are_asked_for() {
    let desk = project();
    desk.write("project/points.csv", points(300, 90.0));
    let refused = "points.csv are not those that project/runs/points/model.safetensors was trained";
    desk.fail("evaluate project/runs/points --steps 2", refused);
    desk.fail("report project/runs/points --terminal", refused);
    desk.succeed("evaluate project/runs/points --steps 2 --data project/points.csv");
    desk.succeed("report project/runs/points --terminal --data project/points.csv");
    // One row fewer, and another order of the columns.
    desk.write("project/points.csv", points(299, 0.0));
    desk.fail("evaluate project/runs/points --steps 2", refused);

    desk.write("project/points.csv", points(300, 0.0));
    desk.succeed("evaluate project/runs/points --steps 2");
    // Another split would judge the model on rows that it was trained on.
    let path = desk.path("project/runs/points/config.toml");
    let config = fs::read_to_string(&path).unwrap();
    for (from, to) in [("seed = 0", "seed = 1"), ("holdout = 0.1", "holdout = 0.5")] {
        fs::write(&path, config.replacen(from, to, 1)).unwrap();
        desk.fail("evaluate project/runs/points --steps 2", refused);
    }
    fs::write(&path, config.replacen("iterations = 40", "iterations = 41", 1)).unwrap();
    desk.fail("evaluate project/runs/points --steps 2", "are not those that");
}

#[test]
fn data_that_have_been_moved_are_missed_with_their_place() {
    let desk = project();
    fs::rename(desk.path("project/points.csv"), desk.path("moved.csv")).unwrap();
    let missed = "there is no file project/points.csv, which project/runs/points/config.toml names under [data] source";
    desk.fail("evaluate project/runs/points --steps 2", missed);
    desk.fail("evaluate project/runs/points --steps 2", "write its new place there");
    let output = desk.run("report project/runs/points --terminal");
    assert!(output.status.success() && text(&output.stderr).contains(missed), "{output:?}");
    let path = desk.path("project/runs/points/config.toml");
    let config = fs::read_to_string(&path).unwrap();
    let moved = config.replace("\"../../points.csv\"", "\"../../../moved.csv\"");
    assert_ne!(config, moved, "{config}");
    fs::write(&path, moved).unwrap();
    desk.succeed("evaluate project/runs/points --steps 2");
}

/// A run that keeps its files apart: conditions and source are files too.
#[test]
fn the_models_bytes_do_not_depend_on_folders() {
    let desk = Desk::new();
    for folder in ["a", "a/deep/er", "b"] {
        fs::create_dir_all(desk.path(folder)).unwrap();
        for (name, at) in [("data", 0.0), ("starts", 3.0)] {
            let rows: String = points(200, at).lines().map(two).collect();
            desk.write(&format!("{folder}/{name}.csv"), rows);
        }
        desk.write(
            &format!("{folder}/given.csv"),
            (0..200).map(|k| format!("{k}\n")).collect::<String>(),
        );
    }
    let train = |folder: &str, place: &str, out: &str| {
        let files =
            format!("{place}data.csv --conditions {place}given.csv --source {place}starts.csv");
        within(&desk, folder, &format!("train {files} --out {out} {SHORT}"));
        fs::read(desk.path(folder).join(out).join("model.safetensors")).unwrap()
    };
    let first = train("a", "", "run");
    assert_eq!(first, train("b", "../a/deep/er/", "runs/sweep/1"));
    let whole = format!("{}/", desk.path("b").display());
    assert_eq!(first, train("a/deep", &whole, desk.path("far").to_str().unwrap()));
    // Each run finds all three files.
    let expected = evaluated(&desk, "b", "../a/run");
    for run in ["b/runs/sweep/1", "far"] {
        assert_eq!(evaluated(&desk, ".", run), expected, "{run}");
    }
}

/// The first two cells of a row.
fn two(row: &str) -> String {
    let cells: Vec<&str> = row.split(',').take(2).collect();
    format!("{}\n", cells.join(","))
}

#[test]
fn a_configuration_names_files_from_its_own_folder() {
    let desk = Desk::new();
    fs::create_dir(desk.path("configs")).unwrap();
    desk.write("configs/points.csv", points(300, 0.0));
    let config =
        "[data]\nsource = \"points.csv\"\ncolumns = [\"x\", \"y\"]\n[train]\niterations = 20\n";
    desk.write("configs/c.toml", config);
    desk.succeed("train configs/c.toml --hidden-width 8");
    desk.write("c.toml", config);
    desk.fail(
        "train c.toml --hidden-width 8 --out other",
        "there is no file points.csv, which c.toml names under [data] source",
    );
    desk.write("configs/typo.toml", "[data]\nsource = \"moon\"\n");
    desk.fail("train configs/typo.toml", "did you mean moons?");
    desk.fail("train configs/c.toml --conditions none.csv --out other", "cannot read none.csv");
}

#[test]
fn a_run_whose_data_were_moved_is_resumed_where_they_lie_now() {
    let desk = Desk::new();
    desk.write("points.csv", points(300, 0.0));
    let settings = "--data x,y --iterations 400 --hidden-width 8 --seed 5 --checkpoint-seconds 0";
    desk.succeed(&format!("train points.csv {settings} --out whole"));
    let mut run = desk.begin(&format!("train points.csv {settings} --out run"));
    run.until(|| desk.path("run/checkpoint.safetensors").exists());
    assert!(run.kill(), "the run had ended");
    fs::create_dir(desk.path("moved")).unwrap();
    fs::rename(desk.path("points.csv"), desk.path("moved/here.csv")).unwrap();
    let refused = |arguments: &str, expected: &str| {
        let output = desk.run(arguments);
        let error = text(&output.stderr);
        assert!(!output.status.success() && error.contains(expected), "{arguments}: {error}");
        assert_eq!(error.trim().lines().count(), 1, "{arguments}: {error}");
    };
    refused("train --resume run", "there is no file points.csv, which run/config.toml names");
    refused("train --resume run", "say where with `--data FILE`");
    desk.write("other.csv", points(300, 1.0));
    refused("train --resume run --data other.csv", "other.csv: the data files have changed");
    refused("train --resume run --data moons", "--data \"moons\"");
    refused("train --resume run --data none.csv", "cannot read none.csv");
    refused(
        "train --resume run --data moved/here.csv --seed 1 --batch-size 256",
        "says --seed 1 (the run has 5): leave it out",
    );
    refused(
        "train --resume run --seed 1 --batch-size 7",
        "says --seed 1 (the run has 5), --batch-size 7 (the run has 256): leave them out",
    );
    refused("train --resume run --few-steps 1", "--few-steps 1 (the run has 0)");
    // Settings that the run already has may be given again.
    let summary = desk.succeed("train --resume run --data moved/here.csv --seed 5 --device auto");
    assert!(summary.contains("on cpu"), "{summary}");
    for file in ["model.safetensors", "golden.safetensors"] {
        let read = |run: &str| fs::read(desk.path(run).join(file)).unwrap();
        assert_eq!(read("run"), read("whole"), "{file}");
    }
    // The run knows the new place.
    desk.succeed("evaluate run --steps 2");
}

#[test]
fn a_target_and_places_do_not_go_with_a_run_to_resume() {
    let desk = Desk::new();
    for (arguments, named) in [
        ("train moons --resume run", "[TARGET]"),
        ("train --resume run --out other --seed 1", "--out"),
        ("train --resume run --force", "--force"),
    ] {
        let output = desk.run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}");
        assert!(error.contains("cannot be used with") && error.contains(named), "{error}");
        let first = error.lines().next().unwrap();
        assert!(!first.contains("--seed") && !first.contains("--hidden-width"), "{error}");
    }
}

#[test]
fn a_model_is_tuned_for_starts_of_its_own_source() {
    let desk = Desk::new();
    desk.succeed(&format!("train moons --source 8gaussians {SHORT}"));
    let tune = |model: &str, rest: &str| {
        desk.succeed(&format!(
            "tune {model} --steps 3 --points 64 --out tuned.safetensors --force {rest}"
        ))
    };
    let from_source = tune("runs/moons", "");
    assert!(from_source.contains("64 points of 8gaussians"), "{from_source}");
    assert!(tune(&weights("moons"), "").contains("64 points of noise"));
    // The same weights without their source are tuned for other starts, to other times.
    let times = |said: &str| {
        said.lines().find(|line| line.trim_start().starts_with("times")).unwrap().to_string()
    };
    let bytes = fs::read(desk.path("runs/moons/model.safetensors")).unwrap();
    let mut file = TensorFile::parse(&bytes).unwrap();
    file.metadata.remove("flowlet.source");
    desk.write("noise.safetensors", file.to_bytes().unwrap());
    assert_ne!(times(&from_source), times(&tune("noise.safetensors", "")));

    // The golden paths start there too, as `trace` does with the seed of the run.
    let golden = fs::read(desk.path("runs/moons/golden.safetensors")).unwrap();
    let golden = TensorFile::parse(&golden).unwrap();
    let x_0 = golden.tensor("x0").unwrap().to_f32().unwrap();
    let first: Vec<String> = x_0[..2].iter().map(|x| format!("{x:.3}")).collect();
    let trace = desk.succeed("trace runs/moons");
    let row: Vec<&str> = trace.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[1..], first);

    // A program that embeds the model must not start at noise either.
    let embed = desk.succeed("inspect runs/moons");
    assert!(embed.contains("a point of 8gaussians") && !embed.contains("Noise"), "{embed}");

    // A file as source is asked for, as `sample` does.
    desk.succeed("sample runs/moons -n 100 --out starts.csv");
    desk.succeed(&format!("train moons --source starts.csv --out mapped {SHORT}"));
    let asked = "the model's starting points are from starts.csv, which the model's file does not hold: give them with --x0";
    desk.fail("sample mapped -n 5", asked);
    desk.fail("trace mapped", asked);
    desk.fail("tune mapped --steps 3 --force", asked);
    assert!(tune("mapped", "--x0 starts.csv").contains("64 points of starts.csv"));
    let all = desk.succeed("tune mapped --steps 3 --x0 starts.csv --out tuned.safetensors --force");
    assert!(all.contains("100 points of starts.csv"), "{all}");
    desk.fail(
        "tune mapped --steps 3 --points 101 --x0 starts.csv --force",
        "at least 101 starting points, found 100",
    );

    // Commands without --x0 take the source from the run, or do not need it.
    desk.succeed("evaluate mapped --steps 2 -n 50 --data moons");
    desk.succeed("bench mapped -n 10 --seconds 0");
    fs::copy(desk.path("mapped/model.safetensors"), desk.path("alone.safetensors")).unwrap();
    desk.fail(
        "evaluate alone.safetensors --steps 2 --data moons",
        "there is no config.toml beside the model",
    );
}

#[test]
fn a_run_records_the_device_that_trains_it() {
    let desk = Desk::new();
    let output = desk.run(&format!("train moons --device auto {SHORT}"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    desk.succeed(&format!("train moons --out plain {SHORT}"));
    if cfg!(feature = "cuda") {
        return;
    }
    assert!(text(&output.stderr).contains("--device auto: training on cpu"), "{output:?}");
    assert!(text(&output.stdout).contains("on cpu"), "{output:?}");
    for file in ["model.safetensors", "config.toml"] {
        let read = |run: &str| fs::read(desk.path(run).join(file)).unwrap();
        assert_eq!(read("runs/moons"), read("plain"), "{file}");
    }
    let path = desk.path("plain/config.toml");
    let config = fs::read_to_string(&path).unwrap();
    assert!(config.contains("device = \"cpu\""), "{config}");
    desk.fail("train moons --device cuda --out none", "or train with --device cpu");

    let mut run =
        desk.begin("train moons --iterations 1000000 --checkpoint-seconds 0 --out stopped");
    run.until(|| desk.path("stopped/checkpoint.safetensors").exists());
    run.kill();
    let refused = |expected: &str| {
        let output = desk.run("train --resume stopped");
        let error = text(&output.stderr);
        let error = error.lines().find(|line| line.starts_with("error:")).unwrap();
        assert!(!output.status.success() && error.contains(expected), "{error}");
    };
    // A checkpoint of a GPU, which draws its batches in another way, in a run whose configuration names the CPU.
    let path = desk.path("stopped/checkpoint.safetensors");
    let mut checkpoint = TensorFile::parse(&fs::read(&path).unwrap()).unwrap();
    checkpoint.tensors.insert("supply".into(), Block::text("{\"drawn\":3}"));
    checkpoint.seal();
    fs::write(&path, checkpoint.to_bytes().unwrap()).unwrap();
    refused("the checkpoint is of another device");
    // A run of a GPU.
    let path = desk.path("stopped/config.toml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace("device = \"cpu\"", "device = \"cuda\"")).unwrap();
    refused("stopped is trained on cuda");
}

/// The mean condition and none are different inputs of the network.
#[test]
fn label_dropout_with_numbers_tells_the_network_that_there_is_a_condition() {
    let desk = Desk::new();
    let rows: String = (0..60).map(|k| format!("{},{k}\n", k * k % 17)).collect();
    desk.write("rows.csv", format!("x,c\n{rows}"));
    let train = format!("train rows.csv --condition c {SHORT}");
    desk.succeed(&format!("{train} --label-dropout 0.3 --out with"));
    desk.succeed(&format!("{train} --out without"));
    let model = |run: &str| {
        let file = fs::read(desk.path(run).join("model.safetensors")).unwrap();
        flowlet::HeapMlp::try_from_safetensors(&file).unwrap()
    };
    assert_eq!(model("without").condition_dim(), 1);
    let with = model("with");
    assert_eq!(with.condition_dim(), 2);
    let none = with.null_condition().to_vec();
    assert!((none[0] - 29.5).abs() < 4.0 && none[1] == 0.0, "{none:?}");

    // The mean condition is not the null condition, and guidance has a second field to leave.
    let rows = |arguments: &str| desk.succeed(&format!("sample with -n 3 {arguments}"));
    let mean = format!("--condition {}", none[0]);
    let solver = flowlet::HeapSolver::uniform(flowlet::SolverKind::Euler, 9.try_into().unwrap());
    let under = |c: [f32; 2]| {
        let mut x = [0.5];
        solver.sample(&with, &mut x, &c, &mut with.scratch());
        x
    };
    assert_ne!(under([none[0], 1.0]), under([none[0], 0.0]));
    assert_ne!(rows(&mean), rows(&format!("{mean} --guidance 2")));
    desk.write("c.csv", "c\n3\n4\n");
    assert_eq!(desk.succeed("sample with --conditions c.csv").lines().count(), 3);
    desk.fail("sample with -n 3", "give --condition c: 1 values");
    desk.fail(
        "sample without -n 3 --condition 3 --guidance 2",
        "the model was trained without --label-dropout",
    );
    desk.succeed("evaluate with --steps 1,2");
    desk.succeed("tune with --steps 2 --force");
    desk.succeed("report with");
}

#[test]
fn a_negative_number_is_a_value_and_not_a_flag() {
    let desk = Desk::new();
    desk.fail(
        "train moons --learning-rate -1",
        "learning_rate is -1: expected a finite number above 0",
    );
    desk.fail("train moons --ema -0.5", "ema is -0.5");
    desk.fail("train moons --holdout -0.5", "holdout is -0.5");
    let mixture = weights("mixture");
    desk.fail(&format!("evaluate {mixture} --within -2"), "--within -2: expected");
    for arguments in [
        "train moons --iterations -1",
        &format!("sample {mixture} --seed -1"),
        &format!("bench {mixture} -n -3"),
    ] {
        let error = text(&desk.run(arguments).stderr);
        assert!(error.contains("invalid value '-"), "{arguments}: {error}");
    }
}

#[test]
fn one_is_in_the_singular() {
    let desk = Desk::new();
    let mixture = weights("mixture");
    desk.fail(
        &format!("trace {mixture} --x0 1,2"),
        "--x0: expected 1 finite number, found [1.0, 2.0]",
    );
    let summary = desk.succeed(&format!("train mixture --steps 1 {SHORT}"));
    assert!(summary.contains("in 1 step, ") && !summary.contains("1 steps"), "{summary}");
}

#[test]
fn errors_advise_only_flags_of_their_command() {
    let desk = Desk::new();
    desk.write("text.csv", "x,y\n1,2\n3,four\n5,6\n");
    desk.write("gap.csv", "x,y\n1,2\n3,\n5,6\n");
    let error = |arguments: &str| {
        let output = desk.run(arguments);
        assert!(!output.status.success(), "{arguments}");
        text(&output.stderr)
    };
    let moons = weights("moons");
    for (arguments, own) in [
        ("distance text.csv gap.csv", "Choose the columns with --columns"),
        ("distance gap.csv gap.csv", "Correct the row"),
        (&format!("evaluate {moons} --data text.csv"), "Correct the row"),
        (&format!("evaluate {moons} --data gap.csv"), "Correct the row"),
    ] {
        let error = error(arguments);
        assert!(error.contains(own), "{arguments}: {error}");
        for other in ["--condition", "--skip-invalid", "--categorical"] {
            assert!(!error.contains(other), "{arguments}: {error}");
        }
    }
    assert!(error("train text.csv").contains("--condition y"));
    assert!(error("train gap.csv").contains("--skip-invalid"));
}
