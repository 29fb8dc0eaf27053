//! Commands that are killed, interrupted, or started twice at once: nothing is lost, and the final bytes are those of
//! an undisturbed run.
#![cfg(unix)]

mod desk;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use flowlet_trainer::disk::tensor_file::TensorFile;

use desk::{Desk, Random, Running, SHORT, ignores, npy_rows, npy_shape, text, weights};

#[test]
fn ctrl_c_keeps_the_trained_model() {
    let desk = Desk::new();
    let mut run = desk.begin("train mixture --iterations 1000000 --hidden-width 8 --batch-size 8");
    // Metrics can be read during the run.
    let metrics = desk.path("runs/mixture/metrics.csv");
    run.until(|| fs::read_to_string(&metrics).unwrap_or_default().lines().count() >= 2);
    run.signal("INT");
    let output = run.output();
    let (status, error) = (output.status, text(&output.stderr));
    assert_eq!(status.code(), Some(130), "{error}");
    assert!(error.contains("flowlet train --resume"), "{error}");
    assert_eq!(desk.succeed("sample runs/mixture -n 3").lines().count(), 4);
    // The run can be resumed.
    assert!(desk.path("runs/mixture/checkpoint.safetensors").exists());
}

/// The run is killed and resumed ten times, and must give the bytes of an uninterrupted run. It trains a
/// student, so that it is killed in every phase and at the end of every phase but the last.
#[test]
fn a_run_killed_at_any_moment_resumes_to_the_same_bytes() {
    let desk = Desk::new();
    desk.write(
        "run.toml",
        "[data]\nsource = \"8gaussians\"\ncondition = [\"class\"]\n\
         [model]\nhidden_width = 8\n\
         [train]\niterations = 400\nbatch_size = 32\ntransport_size = 48\nema = 0.9\n\
         coupling = \"conditional-transport\"\nlabel_dropout = 0.1\nschedule = \"cosine\"\n\
         checkpoint_seconds = 0\n\
         [few_steps]\nsteps = 2\nteacher_hidden_width = 12\nteacher_samples = 500\niterations = 300\n\
         batch_size = 32\nown_iterations = 200\ntransport_size = 64\n",
    );
    desk.succeed("train run.toml --out whole");
    let phase = |row: &String| row.split(',').next().unwrap().to_string();
    let rows: Vec<String> = metrics(&desk, "whole").iter().skip(1).map(phase).collect();
    let ends: Vec<usize> = (1..rows.len()).filter(|&k| rows[k - 1] != rows[k]).collect();
    assert_eq!(ends.len(), 2, "three phases");
    // Rows of metrics.csv after which the run is killed: the last rows of phases, and pseudorandom others.
    let mut moment: u32 = 12345;
    let mut step = || {
        moment = moment.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(moment >> 8) / f64::from(1 << 24)
    };
    let mut places: Vec<usize> =
        (0..8).map(|k| ((f64::from(k) + step()) / 8.0 * rows.len() as f64) as usize).collect();
    places.extend(ends);
    places.sort_unstable();
    let mut command = "train run.toml --out killed";
    let mut runs = 1;
    for place in places {
        let written = || {
            let text = fs::read_to_string(desk.path("killed/metrics.csv")).unwrap_or_default();
            text.lines().count() > place
        };
        loop {
            let mut run = desk.begin(command);
            run.until(written);
            // Kills at a pseudorandom moment of an iteration.
            sleep(Duration::from_secs_f64(0.002 * step()));
            if run.kill() {
                break;
            }
            // The run ended before it was killed, so it is started again.
            assert_same_run(&desk, "whole", "killed");
            fs::remove_dir_all(desk.path("killed")).unwrap();
            command = "train run.toml --out killed";
            runs += 1;
            assert!(runs < 50, "the run always ends before it is killed");
        }
        if desk.path("killed/config.toml").exists() {
            command = "train --resume killed";
        }
    }
    desk.succeed(command);
    assert_same_run(&desk, "whole", "killed");
    // A job that is started again does no harm.
    let before = desk.files();
    let output = desk.run("train --resume killed");
    assert!(output.status.success() && text(&output.stderr).contains("complete run"));
    assert_eq!(desk.files(), before);
}

/// Checks that two runs have the same files with the same bytes, except the times in metrics.csv.
#[track_caller]
fn assert_same_run(desk: &Desk, one: &str, other: &str) {
    for file in ["model.safetensors", "golden.safetensors", "config.toml"] {
        let read = |run: &str| fs::read(desk.path(run).join(file)).unwrap();
        assert!(read(one) == read(other), "{file}");
    }
    assert_eq!(metrics(desk, one), metrics(desk, other));
    let names = |run: &str| -> BTreeSet<_> {
        let entries = fs::read_dir(desk.path(run)).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect()
    };
    assert_eq!(names(one), names(other));
}

/// Returns the rows of a run's metrics without the last column, the time, which differs between runs.
fn metrics(desk: &Desk, run: &str) -> Vec<String> {
    let text = fs::read_to_string(desk.path(run).join("metrics.csv")).unwrap();
    text.lines().map(|line| line.rsplit_once(',').unwrap().0.to_string()).collect()
}

/// A run that stops between two rows of metrics.csv writes an extra row, which is removed on resuming.
#[cfg(unix)]
#[test]
fn a_run_stopped_by_ctrl_c_resumes_to_the_same_metrics() {
    let desk = Desk::new();
    let train = "train mixture --iterations 20000 --hidden-width 8 --batch-size 8";
    let loss = |summary: &str| {
        let line =
            summary.lines().find(|line| line.contains("the mean of the last 1,000 iterations"));
        line.map(str::to_string).expect(summary)
    };
    let whole = loss(&desk.succeed(&format!("{train} --out whole")));
    for attempt in 0.. {
        assert!(attempt < 50, "no run was stopped between two rows");
        let mut run = desk.begin(&format!("{train} --out stopped --force"));
        let rows = || fs::read_to_string(desk.path("stopped/metrics.csv")).unwrap_or_default();
        run.until(|| rows().lines().count() >= 60);
        run.signal("INT");
        assert_eq!(run.output().status.code(), Some(130));
        let last = metrics(&desk, "stopped").pop().unwrap();
        let iteration: usize = last.split(',').nth(1).unwrap().parse().unwrap();
        if !iteration.is_multiple_of(20) {
            break;
        }
        fs::remove_dir_all(desk.path("stopped")).unwrap();
    }
    // Only the losses that are needed are kept, and those are enough.
    let checkpoint = TensorFile::read(&desk.path("stopped/checkpoint.safetensors")).unwrap();
    let iteration: usize = checkpoint.metadata["iteration"].parse().unwrap();
    assert_eq!(checkpoint.tensor("losses").unwrap().shape(), [iteration.min(1000)]);
    assert_eq!(loss(&desk.succeed("train --resume stopped")), whole);
    assert_eq!(metrics(&desk, "whole"), metrics(&desk, "stopped"));
}

/// A sampling run of a few seconds. Rows are kept once a second.
struct Long<'a> {
    desk: &'a Desk,
    model: String,
    n: u64,
}

impl<'a> Long<'a> {
    fn new(desk: &'a Desk, model: &str) -> Self {
        Self { desk, model: weights(model), n: 20_000 }
    }

    fn arguments(&self, out: &str) -> String {
        format!("sample {} -n {} --steps 400 --seed 5 --out {out}", self.model, self.n)
    }

    /// Returns the number of kept rows of an incomplete file; 0 if it is complete.
    fn kept(&self, out: &str) -> u64 {
        let record = fs::read(self.desk.path(&format!(".flowlet.{out}.json"))).unwrap_or_default();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap_or_default();
        let complete = record["complete"] == true;
        record["rows"].as_u64().filter(|_| !complete).unwrap_or(0)
    }

    /// Starts or resumes a run on one core, and calls `stop` when it has kept more rows. If the run ends
    /// before that, starts again with twice as many samples.
    #[track_caller]
    fn stopped<T>(&mut self, out: &str, stop: impl Fn(Running, &str) -> T) -> T {
        loop {
            let before = self.kept(out);
            let arguments = format!("{} --resume", self.arguments(out));
            let mut command = self.desk.command(&arguments);
            let command = command.env("RAYON_NUM_THREADS", "1").stdout(Stdio::null());
            let mut run = self.desk.start(command);
            if run.reaches(|| self.kept(out) > before) {
                let result = stop(run, &arguments);
                if self.kept(out) > 0 {
                    return result;
                }
            } else {
                let output = run.output();
                assert!(output.status.success(), "{}", text(&output.stderr));
            }
            for name in [out.to_string(), format!("{out}.part"), format!(".flowlet.{out}.json")] {
                let _ = fs::remove_file(self.desk.path(&name));
            }
            self.n *= 2;
        }
    }
}

#[test]
fn sampling_killed_at_any_moment_resumes_to_the_same_bytes() {
    let desk = Desk::new();
    let mut long = Long::new(&desk, "moons");
    for out in ["killed.npy", "killed.csv"] {
        // Kills twice: right after rows were kept, and after more rows were written.
        for moment in [0, 300] {
            long.stopped(out, |run, _| {
                sleep(Duration::from_millis(moment));
                run.kill()
            });
            // The incomplete file does not have the final name.
            assert!(!desk.path(out).exists());
        }
        let part = fs::read(desk.path(&format!("{out}.part"))).unwrap();
        if out.ends_with("npy") {
            let [rows, columns] = npy_shape(&part);
            assert!(npy_rows(&part).len() < 4 * rows * columns);
        }
        let output = desk.run(&format!("{} --resume", long.arguments(out)));
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("continuing after"), "{}", text(&output.stderr));
        assert!(!desk.path(&format!("{out}.part")).exists());
        // The record stays, so that a job that is started again finds that there is nothing left to do.
        let before = desk.files();
        let output = desk.run(&format!("{} --resume", long.arguments(out)));
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("is complete"), "{}", text(&output.stderr));
        assert_eq!(desk.files(), before);
        desk.fail(&format!("{} --resume --shard 0/2", long.arguments(out)), "its shard is");
        let read = |name: &str| fs::read(desk.path(name)).unwrap();
        let whole = out.replace("killed", "whole");
        desk.succeed(&long.arguments(&whole));
        assert!(read(&whole) == read(out), "{out}");
    }
}

#[test]
fn interrupted_samples_are_not_mixed_with_others() {
    let desk = Desk::new();
    let mut long = Long::new(&desk, "moons");
    let (second, output) = long.stopped("out.npy", |mut run, arguments| {
        // A second process cannot write the same file.
        let second = desk.run(arguments);
        run.signal("INT");
        (second, run.output())
    });
    let arguments = long.arguments("out.npy");
    assert!(text(&second.stderr).contains("another process is writing out.npy.part"));
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("continue with --resume"), "{}", text(&output.stderr));
    assert!(!desk.path("out.npy").exists());
    assert!(long.kept("out.npy") > 0);

    // A run with other settings can neither resume nor overwrite it.
    desk.fail(&arguments, "of a run that was interrupted: continue with --resume, or replace it");
    let resume = format!("{arguments} --resume");
    desk.fail(&resume.replace("--seed 5", "--seed 6"), "its seed is 5, not 6");
    desk.fail(&resume.replace("--steps 400", "--steps 3"), "its steps is 400, not 3");
    desk.fail(&format!("{resume} --solver heun"), "its solver is \"euler\", not \"heun\"");
    desk.fail(&format!("{resume} --shard 0/2"), "its shard is \"0/1\", not \"0/2\"");
    let more = resume.replace(&format!("-n {}", long.n), &format!("-n {}", long.n + 1));
    desk.fail(&more, "its samples is");
    let other = desk.path("other.safetensors");
    let mut model =
        TensorFile::read(&Path::new(&weights("moons")).join("model.safetensors")).unwrap();
    model.metadata.insert("flowlet.seed".into(), "77".into());
    fs::write(&other, model.to_bytes().unwrap()).unwrap();
    desk.fail(&resume.replace(&long.model, "other.safetensors"), "its model is");

    desk.succeed(&resume);
    desk.succeed(&long.arguments("whole.npy"));
    let read = |name: &str| fs::read(desk.path(name)).unwrap();
    assert!(read("whole.npy") == read("out.npy"));
}

/// A limit on the size of a file simulates a full disk.
#[test]
fn a_full_disk_leaves_no_incomplete_file_with_the_final_name() {
    let desk = Desk::new();
    let on_a_full_disk = |blocks: u64, arguments: &str| {
        let script = format!("ulimit -f {blocks}; exec \"$0\" {arguments}");
        let mut command = Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_flowlet")]).current_dir(desk.path("."));
        desk.start(command.stdout(Stdio::piped())).output()
    };
    // Before any rows are kept, nothing is left.
    let before = desk.files();
    let few = format!("sample {} -n 20000 --steps 1 --out few.npy", weights("moons"));
    let output = on_a_full_disk(100, &few);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("cannot write few.npy.part"), "{error}");
    assert_eq!(error.trim().lines().count(), 1, "{error}");
    assert_eq!(desk.files(), before);

    // Kept rows stay, and the run can be resumed when there is room.
    let mut long = Long::new(&desk, "moons");
    let kept = loop {
        long.stopped("out.npy", |run, _| run.kill());
        let kept = long.kept("out.npy");
        if kept * 3 < long.n {
            break kept;
        }
        // Too few rows are left for the next steps of the test.
        for file in ["out.npy.part", ".flowlet.out.npy.json"] {
            fs::remove_file(desk.path(file)).unwrap();
        }
        long.n *= 2;
    };
    let arguments = format!("{} --resume", long.arguments("out.npy"));
    // A block is 512 bytes, or 1024 in some shells. So there is room for at least a few more rows, and for at
    // most twice as many.
    let output = on_a_full_disk((128 + kept * 8) / 512 + 4, &arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("rows are kept: continue with --resume"), "{error}");
    assert!(!desk.path("out.npy").exists());
    assert!(long.kept("out.npy") >= kept);
    desk.succeed(&arguments);
    desk.succeed(&long.arguments("whole.npy"));
    let read = |name: &str| fs::read(desk.path(name)).unwrap();
    assert!(read("whole.npy") == read("out.npy"));
}

/// A command that is ended again and again at any moment, and started again each time.
struct Victim<'a> {
    /// The command that starts the work, and that starts it again if nothing is left of it.
    first: &'a str,
    /// The command that continues the work.
    again: &'a str,
    /// Whether there is something to continue.
    begun: fn(&Desk) -> bool,
    /// Prepares the desk.
    prepare: fn(&Desk),
    /// Returns the bytes of the result.
    result: fn(&Desk) -> Vec<Vec<u8>>,
}

impl Victim<'_> {
    /// Ends the command `kills` times, and compares the results with those of an undisturbed run.
    #[track_caller]
    fn survives(&self, kills: usize) {
        let desk = Desk::new();
        (self.prepare)(&desk);
        let start = Instant::now();
        desk.succeed(self.first);
        let whole = start.elapsed();
        let expected = (self.result)(&desk);
        let (mut desk, mut random) = (Desk::new(), Random::new(kills as u64));
        (self.prepare)(&desk);
        let (mut killed, mut done) = (0, 0);
        while killed < kills {
            let command = if (self.begun)(&desk) { self.again } else { self.first };
            let mut run = desk.begin(command);
            sleep(whole.mul_f64(random.share() * 1.2));
            let signal = random.choose(&["KILL", "KILL", "TERM", "HUP", "INT"]);
            run.signal(signal);
            let output = run.output();
            let (status, error) = (output.status, text(&output.stderr));
            if status.success() {
                // It ended before it was killed.
                self.check(&desk, &expected, killed);
                done += 1;
                desk = Desk::new();
                (self.prepare)(&desk);
                continue;
            }
            let number = match signal {
                "KILL" => 9,
                "TERM" => 15,
                "HUP" => 1,
                _ => 2,
            };
            // The command ended with the exit code of an interrupt, or the signal ended it.
            assert!(
                status.code() == Some(128 + number) || status.signal() == Some(number),
                "{command} after {killed} kills, by {signal}: {status}: {error}"
            );
            killed += 1;
        }
        desk.succeed(if (self.begun)(&desk) { self.again } else { self.first });
        self.check(&desk, &expected, killed);
        println!("{}: {killed} kills, {} runs with the same bytes", self.first, done + 1);
    }
}

impl Victim<'_> {
    #[track_caller]
    fn check(&self, desk: &Desk, expected: &[Vec<u8>], killed: usize) {
        let found = (self.result)(desk);
        let differs = found.iter().zip(expected).position(|(found, expected)| found != expected);
        let names: Vec<_> = desk.files().into_iter().map(|(path, _)| path).collect();
        assert!(
            found.len() == expected.len() && differs.is_none(),
            "{} after {killed} kills: part {differs:?} differs, in {names:?}",
            self.first
        );
    }
}

fn read_all(desk: &Desk, names: &[&str]) -> Vec<Vec<u8>> {
    names.iter().map(|name| fs::read(desk.path(name)).unwrap()).collect()
}

/// Returns the files of a run, and the names of all files around it.
fn run_files(desk: &Desk) -> Vec<Vec<u8>> {
    let names = ["model", "golden"].map(|name| format!("runs/run/{name}.safetensors"));
    let mut files = read_all(desk, &names.each_ref().map(String::as_str));
    files.push(metrics(desk, "runs/run").join("\n").into_bytes());
    let names = desk.files().into_iter().map(|(path, _)| {
        path.strip_prefix(desk.path("")).unwrap().display().to_string().into_bytes()
    });
    files.extend(names);
    files
}

const TINY: &str =
    "--iterations 200 --hidden-width 8 --batch-size 16 --checkpoint-seconds 0 --out runs/run";

fn survive_training(kills: usize) {
    Victim {
        first: &format!("train moons {TINY}"),
        again: "train --resume runs/run",
        begun: |desk| desk.path("runs/run/config.toml").exists(),
        prepare: |_| {},
        result: run_files,
    }
    .survives(kills);
}

fn survive_few_steps(kills: usize) {
    Victim {
        first: "train run.toml --out runs/run",
        again: "train --resume runs/run",
        begun: |desk| desk.path("runs/run/config.toml").exists(),
        prepare: |desk| {
            desk.write(
                "run.toml",
                "[data]\nsource = \"moons\"\n[model]\nhidden_width = 8\n\
                 [train]\niterations = 150\nbatch_size = 16\ncheckpoint_seconds = 0\n\
                 [few_steps]\nsteps = 2\nteacher_hidden_width = 8\nteacher_samples = 200\niterations = 100\n\
                 batch_size = 16\nown_iterations = 100\ntransport_size = 32\n",
            );
        },
        result: run_files,
    }
    .survives(kills);
}

fn survive_pairs(kills: usize) {
    Victim {
        first: "train run.toml --out runs/run",
        again: "train --resume runs/run",
        begun: |desk| desk.path("runs/run/config.toml").exists(),
        prepare: |desk| {
            let rows = desk.succeed(&format!("sample {} -n 300", weights("moons")));
            let rows = rows.lines().skip(1).map(|row| format!("{row},{row}\n"));
            desk.write(
                "pairs.csv",
                format!("x_0.0,x_0.1,x_1.0,x_1.1\n{}", rows.collect::<String>()),
            );
            desk.write(
                "run.toml",
                "[data]\nsource = \"moons\"\n[model]\nhidden_width = 8\nhidden_layers = 1\n\
                 [train]\ncheckpoint_seconds = 0\n\
                 [few_steps]\npairs = \"pairs.csv\"\nsteps = 2\niterations = 150\nbatch_size = 16\n\
                 own_iterations = 100\ntransport_size = 32\n",
            );
        },
        result: run_files,
    }
    .survives(kills);
}

fn survive_replacing(kills: usize) {
    Victim {
        first: &format!("train moons --seed 1 --force {TINY}"),
        again: "train --resume runs/run",
        // Without `NAME.new` and its mark, the replacement has not begun, or is complete.
        begun: |desk| {
            ["runs/run.new/config.toml", "runs/run.new/.replaces"]
                .iter()
                .all(|name| desk.path(name).exists())
                || desk.path("runs/run/.replaces").exists()
                || !desk.path("runs/run").exists()
        },
        prepare: |desk| {
            desk.succeed(&format!("train moons {SHORT} --out runs/run"));
        },
        result: run_files,
    }
    .survives(kills);
}

fn survive_sampling(kills: usize) {
    let sample =
        format!("sample {} -n 60000 --steps 100 --seed 3 --out s.npy --resume", weights("moons"));
    Victim {
        first: &sample,
        again: &sample,
        begun: |_| true,
        prepare: |_| {},
        result: |desk| {
            assert_eq!(desk.files().len(), 2, "the samples and their record");
            read_all(desk, &["s.npy"])
        },
    }
    .survives(kills);
}

fn survive_tuning(kills: usize) {
    let tune = "tune moons --steps 3 --points 256 --force";
    Victim {
        first: tune,
        again: tune,
        begun: |_| true,
        prepare: |desk| {
            fs::create_dir(desk.path("moons")).unwrap();
            for file in ["model.safetensors", "golden.safetensors"] {
                let from = Path::new(&weights("moons")).join(file);
                fs::copy(from, desk.path("moons").join(file)).unwrap();
            }
        },
        result: |desk| {
            assert_eq!(desk.files().len(), 2, "no leftovers");
            assert!(desk.succeed("verify moons").contains("passed"));
            read_all(desk, &["moons/model.safetensors", "moons/golden.safetensors"])
        },
    }
    .survives(kills);
}

fn survive_importing(kills: usize) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pytorch/meta_mlp.pt");
    let import = format!(
        "import {} --columns x,t --activation swish --prefix main --out m.safetensors --force",
        file.display()
    );
    Victim {
        first: &import,
        again: &import,
        begun: |_| true,
        prepare: |_| {},
        result: |desk| {
            assert_eq!(desk.files().len(), 1, "no leftovers");
            read_all(desk, &["m.safetensors"])
        },
    }
    .survives(kills);
}

/// Kills of each command in `cargo test`.
const FEW: usize = 4;

/// Kills of each command in `.ci/night`, which takes minutes.
const MANY: usize = 100;

#[test]
fn training_survives_kills() {
    survive_training(FEW);
}

#[test]
fn training_for_few_steps_survives_kills() {
    survive_few_steps(FEW);
}

#[test]
fn training_on_pairs_survives_kills() {
    survive_pairs(FEW);
}

#[test]
fn replacing_a_run_survives_kills() {
    survive_replacing(FEW);
}

#[test]
fn sampling_survives_kills() {
    survive_sampling(FEW);
}

#[test]
fn tuning_survives_kills() {
    survive_tuning(FEW);
}

#[test]
fn importing_survives_kills() {
    survive_importing(FEW);
}

mod night {
    use super::*;

    #[test]
    #[ignore = "takes minutes; .ci/night runs it"]
    fn training_survives_many_kills() {
        survive_training(MANY);
    }

    #[test]
    #[ignore = "takes minutes; .ci/night runs it"]
    fn training_for_few_steps_survives_many_kills() {
        survive_few_steps(MANY);
        survive_pairs(MANY);
    }

    #[test]
    #[ignore = "takes minutes; .ci/night runs it"]
    fn replacing_a_run_survives_many_kills() {
        survive_replacing(MANY);
    }

    #[test]
    #[ignore = "takes minutes; .ci/night runs it"]
    fn sampling_survives_many_kills() {
        survive_sampling(MANY);
    }

    #[test]
    #[ignore = "takes minutes; .ci/night runs it"]
    fn tuning_survives_many_kills() {
        survive_tuning(MANY);
    }

    #[test]
    #[ignore = "takes minutes; .ci/night runs it"]
    fn importing_survives_many_kills() {
        survive_importing(MANY);
    }
}

/// Both processes end, the file is whole, and at most one of them is told of the other.
#[test]
fn two_processes_at_once_leave_whole_files() {
    let desk = Desk::new();
    let sample = format!("sample {} -n 20000 --steps 20 --out s.npy", weights("moons"));
    desk.succeed(&sample.replace("s.npy", "alone.npy"));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pytorch/meta_mlp.pt");
    let import = format!(
        "import {} --columns x,t --activation swish --prefix main --out m.safetensors",
        file.display()
    );
    desk.succeed(&import.replace("m.safetensors", "alone.safetensors"));
    let train = format!("train moons {SHORT} --out run");
    desk.succeed(&train.replace("run", "alone"));
    for (command, result, alone) in [
        (sample, "s.npy", "alone.npy"),
        (import, "m.safetensors", "alone.safetensors"),
        (train, "run/model.safetensors", "alone/model.safetensors"),
    ] {
        for force in ["", " --force"] {
            let command = format!("{command}{force}");
            let [one, two] = [desk.begin(&command), desk.begin(&command)].map(Running::output);
            let outputs = [&one, &two];
            assert!(outputs.iter().any(|output| output.status.success()), "{command}: {outputs:?}");
            for output in outputs {
                let error = text(&output.stderr);
                let told = error.contains("another") || error.contains("exists");
                assert!(output.status.success() || told, "{command}: {error}");
            }
            assert_eq!(read_all(&desk, &[result]), read_all(&desk, &[alone]), "{command}");
        }
    }
    let left = desk.files().into_iter().map(|(path, _)| path);
    let left: Vec<_> =
        left.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Starts a long training, and waits until it has written a row of its metrics.
fn training(desk: &Desk) -> Running {
    let mut run = desk.begin("train moons --iterations 1000000 --hidden-width 8 --out run");
    let metrics = desk.path("run/metrics.csv");
    run.until(|| fs::read_to_string(&metrics).unwrap_or_default().lines().count() >= 2);
    run
}

/// SIGTERM and SIGHUP, as clusters and closed terminals send them, stop as Ctrl-C does.
#[test]
fn each_signal_stops_the_training_with_a_checkpoint_and_a_model() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        if signal == "HUP" && ignores(1) {
            continue;
        }
        let desk = Desk::new();
        let mut run = training(&desk);
        run.signal(signal);
        let output = run.output();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{signal}: {error}");
        assert!(error.contains("continue with `flowlet train --resume run`"), "{error}");
        let names: Vec<String> = desk
            .files()
            .into_iter()
            .map(|(path, _)| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        let expected =
            ["checkpoint.safetensors", "config.toml", "metrics.csv", "model.safetensors"];
        assert_eq!(names, expected, "{signal}");
    }
}

/// A closed terminal, or a service that is stopped, sends two signals at once.
#[test]
fn two_signals_at_once_keep_what_was_trained() {
    for signals in [["TERM", "INT"], ["TERM", "TERM"], ["INT", "TERM"]] {
        let desk = Desk::new();
        let mut run = training(&desk);
        for signal in signals {
            run.signal(signal);
        }
        let error = text(&run.output().stderr);
        assert!(desk.path("run/checkpoint.safetensors").exists(), "{signals:?}: {error}");
        assert!(desk.path("run/model.safetensors").exists(), "{signals:?}: {error}");
    }
}

/// While goldens are made and the model is judged, everything is on the disk already.
#[test]
fn a_signal_after_training_ends_the_command() {
    let desk = Desk::new();
    let train = "train 8gaussians --condition class --iterations 20 --hidden-width 8";
    desk.succeed(&format!("{train} --out whole"));
    let mut stopped = false;
    for attempt in 0..50 {
        let out = format!("run{attempt}");
        let mut run = desk.begin(&format!("{train} --out {out}"));
        run.until(|| desk.path(&format!("{out}/model.safetensors")).exists());
        run.signal("TERM");
        let output = run.output();
        if !output.status.success() {
            assert_eq!(output.status.code(), Some(143), "{}", text(&output.stderr));
            desk.succeed(&format!("train --resume {out}"));
            assert_same_run(&desk, "whole", &out);
            stopped = true;
            break;
        }
    }
    assert!(stopped, "the command always ends before the signal");
}

/// A kill between the two renames of `train --force`: the new run is complete, and its name is free.
#[test]
fn every_command_finds_a_run_whose_replacement_was_cut_off() {
    for command in [
        "sample run -n 2",
        "inspect run",
        "verify run",
        "report run --force --terminal",
        "train moons --force --out run --iterations 1 --hidden-width 8",
        "train --resume run",
    ] {
        let desk = Desk::new();
        for (name, from) in [("run.new", "moons"), ("run.replaced", "mixture")] {
            fs::create_dir(desk.path(name)).unwrap();
            for file in ["model.safetensors", "golden.safetensors", "config.toml"] {
                fs::copy(Path::new(&weights(from)).join(file), desk.path(name).join(file)).unwrap();
            }
        }
        desk.write("run.new/.replaces", "run/done");
        desk.write("run.new/checkpoint.safetensors", "");
        desk.succeed(command);
        let names: Vec<_> = fs::read_dir(desk.path("."))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        assert_eq!(names, ["run"], "{command}");
        assert!(!desk.path("run/checkpoint.safetensors").exists(), "{command}");
        let columns = desk.succeed("inspect run");
        assert!(columns.contains("D = 2 data dimensions"), "{command}: the new run");
    }
}

/// `nohup` starts a command with SIGHUP ignored, and a shell without job control its background jobs with SIGINT.
#[cfg(target_os = "linux")]
#[test]
fn signals_that_are_ignored_at_the_start_stay_ignored() {
    let desk = Desk::new();
    let mut command = Command::new("sh");
    let train = "train moons --iterations 3000 --hidden-width 8 --out run";
    let script = format!("trap '' HUP INT; exec \"$0\" {train}");
    command.args(["-c", &script, env!("CARGO_BIN_EXE_flowlet")]).current_dir(desk.path("."));
    let mut run = desk.start(command.stdout(Stdio::null()));
    run.until(|| desk.path("run/metrics.csv").exists());
    for signal in ["HUP", "INT", "INT"] {
        run.signal(signal);
    }
    let output = run.output();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!desk.path("run/checkpoint.safetensors").exists());
}

/// A stopped run says so, its checkpoint is read only if it is whole, and its directory must stay where it is.
#[test]
fn a_stopped_run_is_known_as_such_and_damage_to_its_checkpoint_is_noticed() {
    if ignores(2) {
        return;
    }
    let desk = Desk::new();
    let mut run = training(&desk);
    let error = text(&desk.run("train --resume run").stderr);
    assert!(
        error.contains("another run is being written to run: wait until it has ended"),
        "{error}"
    );
    run.signal("INT");
    run.output();
    for command in ["inspect run", "sample run -n 2", "evaluate run -n 20 --steps 1"] {
        let output = desk.run(command);
        let error = text(&output.stderr);
        assert!(output.status.success(), "{command}: {error}");
        assert_eq!(
            error.lines().filter(|line| line.contains("is not complete")).count(),
            1,
            "{error}"
        );
        assert!(error.contains("`flowlet train --resume run` continues it"), "{error}");
    }
    let checkpoint = desk.path("run/checkpoint.safetensors");
    let mut bytes = fs::read(&checkpoint).unwrap();
    let last = bytes.len() - 3;
    bytes[last] ^= 1;
    fs::write(&checkpoint, bytes).unwrap();
    desk.fail("train --resume run", "checkpoint.safetensors is damaged");
}

#[test]
fn a_run_whose_directory_is_moved_says_so_and_loses_nothing() {
    for again in [false, true] {
        let desk = Desk::new();
        let train =
            "train moons --iterations 1000000 --hidden-width 8 --checkpoint-seconds 0 --out run";
        let mut run = desk.begin(train);
        run.until(|| desk.path("run/checkpoint.safetensors").exists());
        fs::rename(desk.path("run"), desk.path("moved")).unwrap();
        if again {
            fs::create_dir(desk.path("run")).unwrap();
        }
        let output = run.output();
        let error = text(&output.stderr);
        // A write at the moment of the move may fail in another way.
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("cannot write run/checkpoint.safetensors"), "{error}");
        assert!(
            error.contains("was moved or removed") || error.contains("No such file"),
            "{error}"
        );
        assert!(desk.path("moved/checkpoint.safetensors").exists());
        assert!(!desk.path("run/checkpoint.safetensors").exists());
    }
}
