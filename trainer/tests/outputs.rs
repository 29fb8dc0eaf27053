//! What commands write: never onto an input, over an existing file only with `--force`, through links, with the mode of
//! the earlier file, and whole or not at all.

mod desk;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use desk::{Desk, SHORT, text, weights};

#[test]
fn a_run_is_not_overwritten_without_force() {
    let desk = Desk::new();
    desk.succeed(&format!("train mixture {SHORT}"));
    desk.fail(&format!("train mixture {SHORT}"), "runs/mixture exists");
    let model = || fs::read(desk.path("runs/mixture/model.safetensors")).unwrap();
    let first = model();
    desk.succeed(&format!("train mixture --force --seed 1 {SHORT}"));
    assert_ne!(model(), first);
    // A run that fails does not replace the existing one.
    let second = model();
    let output = desk.run(&format!("train mixture --force --learning-rate 1e30 {SHORT}"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("training diverged"));
    assert_eq!(model(), second);
    // The next run may use the directory of the failed one, and replaces the existing run.
    desk.succeed(&format!("train mixture --force {SHORT}"));
    assert_eq!(model(), first);
    assert_eq!(fs::read_dir(desk.path("runs")).unwrap().count(), 1);
}

#[test]
fn a_second_run_in_the_directory_of_a_running_one_is_refused() {
    let desk = Desk::new();
    let mut first = desk.begin("train mixture --iterations 1000000 --out runs/one");
    first.until(|| desk.path("runs/one/metrics.csv").exists());
    let second = desk.run(&format!("train mixture {SHORT} --out runs/one"));
    first.kill();
    assert_eq!(second.status.code(), Some(2));
    assert!(text(&second.stderr).contains("another run"), "{}", text(&second.stderr));
    // A killed run does not block the directory.
    desk.succeed(&format!("train mixture {SHORT} --out runs/one"));
}

#[test]
fn training_continues_when_its_output_is_closed() {
    let desk = Desk::new();
    let mut run =
        desk.start(desk.command(&format!("train mixture {SHORT}")).stdout(Stdio::piped()));
    drop((run.child().stdout.take(), run.child().stderr.take()));
    assert!(run.output().status.success());
    desk.succeed("verify runs/mixture");
}

/// As other tools: says nothing, and the exit code is that of SIGPIPE, so that a script can tell.
#[test]
fn a_reader_that_leaves_early_is_told_by_the_exit_code_alone() {
    let desk = Desk::new();
    let sample = format!("sample {} -n 200000 --steps 1", weights("mixture"));
    let mut run = desk.start(desk.command(&sample).stdout(Stdio::piped()));
    let mut first = String::new();
    BufReader::new(run.child().stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert_eq!(first, "x\n");
    let output = run.output();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(141), String::new()));
    #[cfg(unix)]
    {
        let fifo = desk.path("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let run = desk.begin(&format!("{sample} --out fifo"));
        BufReader::new(fs::File::open(fifo).unwrap()).read_line(&mut first).unwrap();
        let output = run.output();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(141), String::new()));
    }
}

#[cfg(unix)]
mod table {
    use std::fs::{self, Permissions};
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::Path;
    use std::process::{Command, Output, Stdio};
    use std::thread;

    use crate::desk::{Desk, text, weights};

    /// A command with `--out`, without the name of the file.
    struct Writer {
        command: String,
        /// An option that names a file, and the file that the command reads by it.
        input: (&'static str, &'static str),
        extension: &'static str,
    }

    /// Every command whose `--out` is a file.
    fn writers(desk: &Desk) -> Vec<Writer> {
        let [mixture, moons, gaussians] = ["mixture", "moons", "8gaussians"].map(weights);
        let rows: String = (0..40).map(|k| format!("{}\n", f64::from(k) / 10.0)).collect();
        desk.write("held.csv", format!("x\n{rows}"));
        desk.write("x0.csv", "0.5,1\n-1,0.25\n");
        desk.write("c.csv", "class\n0\n3\n");
        let state = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/pytorch/meta_mlp.pt");
        fs::copy(state, desk.path("state.pt")).unwrap();
        let writer = |command: String, input, extension| Writer { command, input, extension };
        vec![
            writer(format!("sample {moons}"), ("--x0", "x0.csv"), "csv"),
            writer(
                format!("evaluate {mixture} -n 40 --steps 1 --units data"),
                ("--data", "held.csv"),
                "csv",
            ),
            writer(
                format!("tune {gaussians} --steps 2 --points 16"),
                ("--conditions", "c.csv"),
                "safetensors",
            ),
            writer(
                "import --columns x,t --activation swish --prefix main".to_string(),
                ("", "state.pt"),
                "safetensors",
            ),
        ]
    }

    impl Writer {
        fn to(&self, input: &str, out: &str) -> String {
            let Self { command, input: (option, _), .. } = self;
            format!("{command} {option} {input} --out {out}")
        }

        /// Runs the command after `before` in a shell.
        fn after(&self, desk: &Desk, before: &str, out: &str) -> Output {
            let arguments = self.to(self.input.1, out);
            let script = format!("{before}; exec \"$0\" {arguments}");
            let mut command = Command::new("sh");
            command.args(["-c", &script, env!("CARGO_BIN_EXE_flowlet")]);
            desk.start(command.current_dir(desk.path(".")).stdout(Stdio::piped())).output()
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn each_command_writes_to_everything_that_it_may_and_to_nothing_else() {
        for number in 0..writers(&Desk::new()).len() {
            let desk = Desk::new();
            let writer = writers(&desk).swap_remove(number);
            let (name, input) = (&writer.command, writer.input.1);
            let file = |stem: &str| format!("{stem}.{}", writer.extension);
            let read = |name: &str| fs::read(desk.path(name)).unwrap();
            let to = |out: &str| writer.to(input, out);
            let plain = file("plain");
            let output = writer.after(&desk, "umask 027", &plain);
            assert!(output.status.success(), "{}", text(&output.stderr));
            assert_eq!(mode(&desk.path(&plain)), 0o640, "{name}: the user's umask");
            let expected = read(&plain);

            // Onto its input, under any of its names.
            let (hard, soft) = (file("hard"), file("soft"));
            fs::hard_link(desk.path(input), desk.path(&hard)).unwrap();
            symlink(input, desk.path(&soft)).unwrap();
            let dotted = format!("./{input}");
            for out in [input, dotted.as_str(), hard.as_str(), soft.as_str()] {
                for force in ["", " --force"] {
                    desk.fail(&format!("{}{force}", to(out)), "is an input of this command");
                }
            }
            desk.fail(&format!("{} --force", writer.to(&hard, input)), "is an input");
            for name in [&hard, &soft] {
                fs::remove_file(desk.path(name)).unwrap();
            }

            // An existing file, which nobody but its owner may read.
            let old = file("old");
            desk.write(&old, "years of work");
            fs::set_permissions(desk.path(&old), Permissions::from_mode(0o600)).unwrap();
            desk.fail(
                &to(&old),
                "exists: choose another name with --out, or replace it with --force",
            );
            desk.succeed(&format!("{} --force", to(&old)));
            assert!(read(&old) == expected, "{name}");
            assert_eq!(mode(&desk.path(&old)), 0o600, "{name}");

            // Through a link, whose target may not exist yet.
            fs::create_dir_all(desk.path("deep")).unwrap();
            let (link, dangling) = (file("link"), file("dangling"));
            symlink(&old, desk.path(&link)).unwrap();
            desk.write(&old, "years of work");
            desk.fail(&to(&link), "exists");
            desk.succeed(&format!("{} --force", to(&link)));
            let target = format!("deep/{plain}");
            symlink(&target, desk.path(&dangling)).unwrap();
            desk.succeed(&to(&dangling));
            for (link, target) in [(&link, &old), (&dangling, &target)] {
                assert!(desk.path(link).is_symlink(), "{name}");
                assert!(read(target) == expected, "{name}");
            }
            assert_eq!(mode(&desk.path(&old)), 0o600, "{name}");

            // Pipes, devices and standard output get the bytes as they come, and need no --force.
            let pipe = file("pipe");
            let made = Command::new("mkfifo").arg(desk.path(&pipe)).status().unwrap();
            assert!(made.success());
            let path = desk.path(&pipe);
            let reader = thread::spawn(move || {
                let mut bytes = Vec::new();
                fs::File::open(path).unwrap().read_to_end(&mut bytes).unwrap();
                bytes
            });
            desk.succeed_in_place(&to(&pipe));
            assert!(reader.join().unwrap() == expected, "{name}");
            assert!(fs::metadata(desk.path(&pipe)).unwrap().file_type().is_fifo());
            fs::remove_file(desk.path(&pipe)).unwrap();
            for out in ["-", "/dev/stdout"] {
                let output = desk.run(&to(out));
                assert!(output.status.success(), "{name}: {}", text(&output.stderr));
                // A stream without an extension gets what standard output gets.
                let standard = if name.starts_with("evaluate") {
                    desk.run(&to("-").replace("--out -", "")).stdout
                } else {
                    expected.clone()
                };
                assert!(output.stdout == standard, "{name} --out {out}");
            }
            // The shell has opened the file; what was in it stays.
            let output = writer.after(&desk, "exec >> log; echo before", "/dev/stdout");
            assert!(output.status.success(), "{}", text(&output.stderr));
            assert!(read("log").starts_with(b"before\n"), "{name}");
            fs::remove_file(desk.path("log")).unwrap();
            // A regular file that the shell has opened: what it writes next follows the result.
            for (before, out) in [("exec > log", "/proc/self/fd/1"), ("exec 2> log", "/dev/stderr")]
            {
                let script = format!(
                    "{before}; echo first >&{0}; \"$0\" {1} && echo last >&{0}",
                    if out == "/dev/stderr" { 2 } else { 1 },
                    to(out)
                );
                let mut command = Command::new("sh");
                command.args(["-c", &script, env!("CARGO_BIN_EXE_flowlet")]);
                let output = desk.start(command.current_dir(desk.path("."))).output();
                let log = read("log");
                assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&log));
                assert!(log.starts_with(b"first\n") && log.ends_with(b"last\n"), "{name} {out}");
                fs::remove_file(desk.path("log")).unwrap();
            }
            let output = writer.after(&desk, "exec 3> log; echo before >&3", "/dev/fd/3");
            assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
            assert!(text(&output.stderr).contains("/dev/fd/3: a regular file is open there"));
            assert_eq!(read("log"), b"before\n", "{name}");
            fs::remove_file(desk.path("log")).unwrap();
            desk.succeed(&to("/dev/null"));
            assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
            let before = desk.files();
            let output = desk.run(&to("/dev/full"));
            assert_eq!(output.status.code(), Some(2), "{name}");
            assert!(text(&output.stderr).contains("No space left"), "{}", text(&output.stderr));

            // What cannot be written.
            desk.fail(&format!("{} --force", to("deep")), "is a directory");
            desk.fail(&to("none/file.csv"), "there is no directory none");
            let socket = file("socket");
            let listener = UnixListener::bind(desk.path(&socket)).unwrap();
            let output = desk.run(&format!("{} --force", to(&socket)));
            assert_eq!(output.status.code(), Some(2), "{name}");
            assert!(text(&output.stderr).contains("neither a regular file nor a pipe"));
            drop(listener);
            fs::remove_file(desk.path(&socket)).unwrap();
            // Nobody can create a file there, not even root.
            let read_only = format!("/proc/{plain}");
            if cfg!(target_os = "linux") {
                desk.fail(&to(&read_only), "cannot write /proc/plain");
            }

            // A limit of the file size is like a full disk. The signal that it sends does not end the command.
            for out in [&old, &file("new")] {
                let output = writer.after(&desk, "ulimit -f 0", &format!("{out} --force"));
                let error = text(&output.stderr);
                assert_eq!(output.status.code(), Some(2), "{name}: {error}");
                assert!(error.contains("File too large"), "{name}: {error}");
                assert_eq!(error.trim().lines().count(), 1, "{error}");
            }
            assert_eq!(desk.files(), before, "{name}: nothing is changed and nothing is left");
        }
    }

    /// `tune` without `--out` replaces the model itself.
    #[test]
    fn a_model_is_tuned_in_place_only_with_force_and_keeps_its_mode() {
        let desk = Desk::new();
        fs::create_dir(desk.path("run")).unwrap();
        let from = Path::new(&weights("moons")).join("model.safetensors");
        fs::copy(from, desk.path("run/model.safetensors")).unwrap();
        fs::set_permissions(desk.path("run/model.safetensors"), Permissions::from_mode(0o600))
            .unwrap();
        symlink("run/model.safetensors", desk.path("link.safetensors")).unwrap();
        let tune = "tune link.safetensors --steps 2 --points 16";
        desk.fail(tune, "link.safetensors exists");
        desk.succeed(&format!("{tune} --force"));
        assert_eq!(mode(&desk.path("run/model.safetensors")), 0o600);
        assert!(desk.path("link.safetensors").is_symlink());
        assert!(desk.succeed("inspect run").contains("flowlet.steps"));
    }

    /// Goldens beside the link, and beside the file that it leads to.
    #[test]
    fn a_model_that_is_a_link_is_tuned_with_all_its_goldens() {
        let desk = Desk::new();
        for directory in ["run", "link"] {
            fs::create_dir(desk.path(directory)).unwrap();
            let from = Path::new(&weights("moons")).join("golden.safetensors");
            fs::copy(from, desk.path(directory).join("golden.safetensors")).unwrap();
        }
        let from = Path::new(&weights("moons")).join("model.safetensors");
        fs::copy(from, desk.path("run/model.safetensors")).unwrap();
        symlink("../run/model.safetensors", desk.path("link/model.safetensors")).unwrap();
        symlink("run", desk.path("folder")).unwrap();
        symlink("run/model.safetensors", desk.path("link.safetensors")).unwrap();
        for (model, steps, goldens) in
            [("link", 2, 2), ("link.safetensors", 3, 1), ("folder", 4, 1)]
        {
            let said = desk.succeed(&format!("tune {model} --steps {steps} --points 16 --force"));
            assert_eq!(said.matches("renewed").count(), goldens, "{said}");
            desk.succeed("verify run");
        }
        desk.fail("tune link --steps 2 --points 16", "exists");
        // Goldens of another model stop the command before it writes.
        let other = Path::new(&weights("mixture")).join("golden.safetensors");
        fs::copy(other, desk.path("run/golden.safetensors")).unwrap();
        desk.fail("tune run --steps 2 --points 16 --force", "cannot renew run/golden.safetensors");
    }

    /// A name that is one of flowlet's own, is too long for the part, or is not text.
    #[test]
    fn odd_names_get_their_own_files_or_one_clear_error() {
        let desk = Desk::new();
        let sample = format!("sample {} -n 2 --out", weights("moons"));
        for name in [".flowlet-a.csv", ".flowlet.a.csv"] {
            desk.fail(&format!("{sample} {name}"), "names that begin with .flowlet");
        }
        let name = |bytes: usize| format!("{}.csv", "n".repeat(bytes - 4));
        for bytes in [241, 250] {
            desk.succeed(&format!("{sample} {} --resume", name(bytes)));
            desk.succeed(&format!("{sample} {} --resume", name(bytes)));
        }
        desk.fail(&format!("{sample} {}", name(251)), "expected at most 250");
        desk.fail(&format!("{sample} {}", name(256)), "File name too long");
        for command in ["train moons --out -", "man --out -", "report m.safetensors --out -"] {
            fs::copy(
                Path::new(&weights("moons")).join("model.safetensors"),
                desk.path("m.safetensors"),
            )
            .unwrap();
            let before = desk.files();
            let output = desk.run(command);
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{command}: {error}");
            assert!(error.contains("--out -: expected a directory"), "{command}: {error}");
            assert_eq!(desk.files(), before, "{command}");
            assert!(!desk.path("-").exists());
        }
    }

    /// The rows of a file with a record, and an output whose name is that of the record with another prefix.
    #[test]
    fn an_output_does_not_touch_the_record_of_another() {
        let desk = Desk::new();
        let sample = format!("sample {} -n 2 --out s.csv --resume", weights("moons"));
        desk.succeed(&sample);
        let evaluate = format!("evaluate {} -n 40 --steps 1 --out s.csv.json", weights("mixture"));
        desk.succeed(&evaluate);
        let before = desk.files();
        let output = desk.run(&sample);
        assert!(text(&output.stderr).contains("is complete"), "{}", text(&output.stderr));
        assert_eq!(desk.files(), before);
    }

    /// The files that a run was made from, named only in its configuration.
    #[test]
    fn the_data_of_a_run_are_inputs_too() {
        let desk = Desk::new();
        let rows: String = (0..100).map(|k| format!("{}\n", k % 10)).collect();
        desk.write("metrics.csv", format!("x\n{rows}"));
        // A folder that holds nothing but a metrics.csv looks like a run that has just started.
        let train = format!("train metrics.csv {}", crate::desk::SHORT);
        desk.fail(&format!("{train} --out . --force"), "an input of this run");
        desk.succeed(&format!("{train} --out run"));
        for out in ["metrics.csv", "run/config.toml", "run/model.safetensors"] {
            let evaluate = format!("evaluate run -n 10 --steps 1 --format csv --force --out {out}");
            desk.fail(&evaluate, "is an input of this command");
        }
        fs::hard_link(desk.path("metrics.csv"), desk.path("run/report.html")).unwrap();
        desk.fail("report run --force", "is an input of this command");
    }

    #[test]
    fn nothing_is_written_over_the_files_of_the_run_or_a_part_that_is_an_input() {
        let desk = Desk::new();
        desk.succeed("train moons --iterations 2 --hidden-width 8 --batch-size 16 --out run");
        for name in ["config.toml", "metrics.csv", "golden.safetensors"] {
            for command in ["tune run --steps 2 --points 8", "evaluate run --data moons"] {
                desk.fail(&format!("{command} --force --out run/{name}"), "is an input");
            }
        }
        for name in ["metrics.csv", "golden.safetensors", "model.safetensors"] {
            desk.fail(&format!("sample run --force --out run/{name}"), "is an input");
        }
        fs::copy(desk.path("run/model.safetensors"), desk.path("m.npy.part")).unwrap();
        desk.fail("sample m.npy.part --force --out m.npy", "is an input");
        desk.fail("sample run --out m.npy", "is in the way");
    }

    #[cfg(feature = "figures")]
    #[test]
    fn pages_and_figures_are_replaced_only_with_force() {
        let desk = Desk::new();
        desk.succeed("man --out pages");
        desk.write("pages/flowlet-train.1", "years of work");
        fs::remove_file(desk.path("pages/flowlet.1")).unwrap();
        desk.fail("man --out pages", "pages/flowlet-train.1 exists");
        desk.succeed("man --out pages --force");
        assert!(desk.path("pages/flowlet.1").exists());
        let report = format!("report {} --out figures", weights("moons"));
        desk.succeed(&report);
        fs::remove_file(desk.path("figures/report.html")).unwrap();
        let error = text(&desk.run(&report).stderr);
        assert!(error.contains("exists: choose another name with --out"), "{error}");
        assert!(!desk.path("figures/report.html").exists());
        desk.succeed(&format!("{report} --force"));
    }

    /// Every command, with standard output closed by its reader, and on a full disk.
    #[test]
    fn no_command_panics_when_its_output_cannot_be_written() {
        let desk = Desk::new();
        fs::create_dir(desk.path("run")).unwrap();
        for file in ["model.safetensors", "golden.safetensors", "config.toml"] {
            fs::copy(Path::new(&weights("mixture")).join(file), desk.path("run").join(file))
                .unwrap();
        }
        desk.write("a.csv", "1\n2\n");
        for (k, arguments) in [
            "train mixture --iterations 20 --hidden-width 8 --report --out",
            "sample run",
            "trace run",
            "tune run --steps 2 --points 16 --force",
            "evaluate run -n 20 --steps 1",
            "report run --force",
            "report run --terminal",
            "distance a.csv a.csv",
            "verify run",
            "inspect run",
            "bench run -n 10 --steps 1 --seconds 0",
            "completions bash",
            "man",
            "help",
        ]
        .iter()
        .enumerate()
        {
            let arguments = |way: &str| match arguments.strip_suffix("--out") {
                Some(arguments) => format!("{arguments} --out {way}{k}"),
                None => arguments.to_string(),
            };
            let mut run = desk.start(desk.command(&arguments("closed")).stdout(Stdio::piped()));
            drop(run.child().stdout.take());
            let output = run.output();
            let error = text(&output.stderr);
            // The results of these commands are files, or the exit code. The others' are what they print.
            let elsewhere = ["train", "tune", "report run --force", "verify", "help"];
            let is_result = !elsewhere.iter().any(|name| arguments("").starts_with(name));
            let expected = if is_result { 141 } else { 0 };
            assert_eq!(output.status.code(), Some(expected), "{}: {error}", arguments("closed"));
            let full = fs::OpenOptions::new().write(true).open("/dev/full");
            let Ok(full) = full else { continue };
            let output = desk.start(desk.command(&arguments("full")).stdout(full)).output();
            let error = text(&output.stderr);
            assert!(!error.contains("panicked"), "{}: {error}", arguments("full"));
            // clap prints the help, and ignores errors.
            let expected = if arguments("") == "help" { Some(0) } else { Some(2) };
            assert_eq!(output.status.code(), expected, "{}: {error}", arguments("full"));
        }
        // The run was complete before its summary could not be printed.
        for way in ["closed0", "full0"] {
            assert!(
                desk.path(way).join("report.html").exists()
                    && desk.path(way).join("golden.safetensors").exists()
            );
        }
    }
}
