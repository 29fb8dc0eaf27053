//! What commands read: damaged and hostile files, streams, devices, and sizes beyond all limits.

mod desk;

use std::io::Write;
use std::path::Path;
use std::process::{Output, Stdio};

use desk::{Desk, text, weights};

/// Copies a file that once hung or ended the process.
fn fault(desk: &Desk, name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults").join(name);
    desk.write(name, std::fs::read(path).unwrap());
}

/// Runs `flowlet` with `input` on standard input.
fn with_input(desk: &Desk, arguments: &str, input: &str) -> Output {
    let mut command = desk.command(arguments);
    let [output, error] = [Stdio::piped(), Stdio::piped()];
    let mut child = command.stdin(Stdio::piped()).stdout(output).stderr(error).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs `flowlet` with `input` on standard input. Returns its standard output.
#[track_caller]
fn piped(desk: &Desk, arguments: &str, input: &str) -> String {
    let output = with_input(desk, arguments, input);
    assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn hostile_archives_and_arrays_are_refused_with_one_error() {
    let desk = Desk::new();
    for (name, expected) in [
        ("pickle-4TB-alloc-abort.pt", "more numbers than the file can hold"),
        ("pickle-deep-tuple-stack-overflow.pt", "no dictionary of tensors"),
        ("pickle-memo-doubling-hang.pt", "in the middle of a value"),
    ] {
        fault(&desk, name);
        desk.fail(&format!("import {name} --out m.safetensors"), expected);
    }
    let name = "nested-header-hang.npy";
    fault(&desk, name);
    desk.fail(&format!("train {name}"), "not one that numpy.save writes");
    desk.fail(&format!("distance {name} {name}"), "not one that numpy.save writes");
    desk.fail(
        &format!("sample {} --x0 {name}", weights("moons")),
        "not one that numpy.save writes",
    );
}

#[test]
fn standard_input_is_a_table() {
    let desk = Desk::new();
    let rows = "0.5,1\n-2,3\n0.25,0\n";
    desk.write("x0.csv", rows);
    let moons = weights("moons");
    let expected = desk.succeed(&format!("sample {moons} --x0 x0.csv"));
    assert_eq!(piped(&desk, &format!("sample {moons} --x0 -"), rows), expected);
    let expected = desk.succeed("distance x0.csv x0.csv");
    assert_eq!(piped(&desk, "distance - x0.csv", rows), expected);
    desk.write("c.csv", "0\n3\n");
    let eight = weights("8gaussians");
    let expected = desk.succeed(&format!("sample {eight} --conditions c.csv"));
    assert_eq!(piped(&desk, &format!("sample {eight} --conditions -"), "0\n3\n"), expected);
    // Standard input can be read only once: a second reader would see an empty file.
    let error = text(&with_input(&desk, "distance - -", rows).stderr);
    assert!(error.contains("can be read only once"), "{error}");
}

#[test]
fn a_run_on_standard_input_equals_that_on_the_file() {
    let desk = Desk::new();
    let rows = (0..200).map(|k| format!("{},{}\n", k as f32 * 0.37 % 1.0, k % 7));
    let rows = "x,y\n".to_string() + &rows.collect::<String>();
    desk.write("points.csv", &rows);
    let options = "--iterations 20 --hidden-width 8";
    desk.succeed(&format!("train points.csv {options} --out a"));
    piped(&desk, &format!("train - {options} --out b"), &rows);
    let model = |run: &str| std::fs::read(desk.path(run).join("model.safetensors")).unwrap();
    assert!(model("a") == model("b"));
    desk.fail("evaluate b", "came from standard input: give them with --data");
    let evaluated = piped(&desk, "evaluate b --data - -n 100 --steps 1", &rows);
    assert!(evaluated.contains("euler"), "{evaluated}");
}

/// Opening a FIFO waits for a writer, and a device does not end.
#[cfg(unix)]
#[test]
fn pipes_and_devices_are_refused_wherever_a_file_is_read() {
    let desk = Desk::new();
    let fifo = desk.path("fifo.csv");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", desk.path("zero.npy")).unwrap();
    std::os::unix::fs::symlink("fifo.csv", desk.path("fifo.toml")).unwrap();
    std::os::unix::fs::symlink("fifo.csv", desk.path("fifo.pt")).unwrap();
    std::os::unix::fs::symlink("fifo.csv", desk.path("fifo.safetensors")).unwrap();
    let moons = weights("moons");
    for (arguments, expected) in [
        ("train fifo.csv".to_string(), "it is a pipe"),
        ("train zero.npy".to_string(), "it is a device"),
        ("distance /dev/zero /dev/zero".to_string(), "it is a device"),
        ("train fifo.toml".to_string(), "it is a pipe"),
        ("import fifo.pt --out m.safetensors".to_string(), "it is a pipe"),
        ("import fifo.safetensors --out m.safetensors".to_string(), "it is a pipe"),
        ("inspect fifo.safetensors".to_string(), "it is a pipe"),
        (format!("evaluate {moons} --data fifo.csv"), "it is a pipe"),
        (format!("sample {moons} --x0 fifo.csv"), "it is a pipe"),
        (format!("verify {moons} fifo.safetensors"), "it is a pipe"),
    ] {
        let output = desk.run(&arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(expected), "{arguments}: {error}");
    }
    // The data that the configuration beside a model names, too.
    std::fs::create_dir(desk.path("run")).unwrap();
    desk.write("run/config.toml", "[data]\nsource = \"../fifo.csv\"\n");
    desk.write(
        "run/model.safetensors",
        std::fs::read(Path::new(&moons).join("model.safetensors")).unwrap(),
    );
    let error = text(&desk.run("evaluate run").stderr);
    assert!(error.contains("it is a pipe"), "{error}");
}

#[test]
fn sizes_have_limits_that_the_error_names() {
    let desk = Desk::new();
    let moons = weights("moons");
    let mixture = weights("mixture");
    for (arguments, expected) in [
        (
            format!("bench {moons} --threads 100000"),
            "'--threads <N>': expected 1 to 1024, found 100000",
        ),
        (format!("bench {moons} -n 4611686018427387904"), "expected 1 to 100000000"),
        (format!("bench {moons} --steps 0"), "'--steps <N>': expected 1 to 16777216, found 0"),
        (format!("evaluate {moons} --steps 0"), "'--steps <N>': expected 1 to 16777216, found 0"),
        (format!("tune {moons} --steps 0"), "'--steps <N>': expected 1 to 10000, found 0"),
        (format!("trace {moons} --steps 0"), "'--steps <N>': expected 1 to 100000, found 0"),
        (format!("sample {moons} -n 0"), "'-n <N>': expected 1 to 18446744073709551615, found 0"),
        (
            "train moons --checkpoint-seconds 9223372036854775808".to_string(),
            "expected at most 9223372036854775807",
        ),
        ("train moons --learning-rate inf".to_string(), "expected a finite number above 0"),
        (format!("sample {moons} --steps 0"), "'--steps <N>': expected 1 to 16777216, found 0"),
        (format!("bench {moons} --seconds 1000000000"), "--seconds"),
        (format!("evaluate {moons} -n 4611686018427387904"), "expected 1 to 100000000"),
        (format!("evaluate {mixture} -n 4611686018427387904"), "expected 1 to 100000000"),
        (format!("evaluate {moons} -n 10001"), "at most 10000 points"),
        (
            format!("evaluate {moons} --steps 2,100000000"),
            "expected 1 to 16777216, found 100000000",
        ),
        (format!("tune {moons} --steps 3 --points 4000000000"), "expected 2 to 1000000"),
        (format!("tune {moons} --steps 4611686018427387904"), "expected 1 to 10000"),
        (format!("trace {moons} --steps 16000000"), "expected 1 to 100000"),
        (format!("sample {moons} --steps 4611686018427387904"), "expected 1 to 16777216"),
        (
            format!("sample {moons} -n 18446744073709551615 --out big.npy"),
            "more than a file can have",
        ),
        (
            format!("sample {moons} -n 18446744073709551615 --out big.safetensors"),
            "more than a file can have",
        ),
        ("train moons --batch-size 4611686018427387904".to_string(), "at most 16777216"),
        ("train moons --hidden-width 100000".to_string(), "at most 16384"),
        ("train moons --hidden-layers 65".to_string(), "at most 64"),
        ("train moons --transport-size 100000".to_string(), "at most 16384"),
        ("train moons --steps 100000".to_string(), "at most 10000"),
        ("train moons --iterations 4611686018427387904".to_string(), "at most 4294967295"),
        (
            "train moons --batch-size 16777216 --hidden-width 16384 --hidden-layers 64".to_string(),
            "of memory, but",
        ),
    ] {
        let before = desk.files();
        let output = desk.run(&arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(expected), "{arguments}: {error}");
        assert_eq!(desk.files(), before, "{arguments}");
    }
}

/// A table may have a cell of megabytes, thousands of columns, and names that no model's file can hold.
#[test]
fn errors_and_warnings_about_a_table_are_short_and_come_before_the_training() {
    let desk = Desk::new();
    let cell = "z".repeat(5_000_000);
    desk.write("cell.csv", format!("x,y\n1,2\n3,{cell}\n5,6\n"));
    let rows: String = (0..40).map(|k| format!("{k}{}\n", ",1".repeat(300))).collect();
    let names = |name: &str| (0..=300).map(|k| format!("{name}{k}")).collect::<Vec<_>>().join(",");
    desk.write("constant.csv", format!("{}\n{rows}", names("c")));
    desk.write("names.csv", format!("{}\n{rows}", names(&"n".repeat(4000))));
    let categories: String = (0..40).map(|k| format!("{k},{}{k}\n", "c".repeat(40_000))).collect();
    desk.write("categories.csv", format!("x,k\n{categories}"));
    let short = |arguments: &str, expected: &str| {
        let before = desk.files();
        let output = desk.run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.len() < 5000 && error.contains(expected), "{arguments}: {error}");
        assert_eq!(desk.files(), before, "{arguments}");
    };
    short("train cell.csv", "line 3, column y: expected a number, found \"zzz");
    short("distance cell.csv cell.csv", "line 3, column y");
    short("train cell.csv --condition y --data none", "there is no column none");
    short(&format!("sample {} --x0 cell.csv", weights("moons")), "line 3, column y");
    short(&format!("sample {} --conditions cell.csv", weights("8gaussians")), "expected columns");
    short("train names.csv", "bytes in the header of the model's file, expected at most");
    short("train categories.csv --condition k", "fewer categories");
    let output = desk.run(&format!("train constant.csv {} --out run", desk::SHORT));
    let error = text(&output.stderr);
    assert_eq!(error.matches("constant").count(), 1, "{error}");
    assert!(error.contains("columns c1, c2, c3") && error.contains("and 290 more"), "{error}");
}

/// Names of data are text in the configuration.
#[cfg(unix)]
#[test]
fn names_of_data_that_are_not_text_are_refused_by_name() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    let name = std::ffi::OsStr::from_bytes(b"a\xff.csv");
    std::fs::write(desk.path(".").join(name), "x\n1\n2\n3\n").unwrap();
    desk.write("a.csv", "x\n1\n2\n3\n");
    for arguments in ["train", "train a.csv --source", "train a.csv --conditions", "train --data"] {
        let mut command = desk.command(arguments);
        let output = desk.start(command.arg(name).stdout(Stdio::piped())).output();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains("a\u{fffd}.csv: expected") && error.contains("UTF-8"), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
        assert!(!desk.path("runs").exists(), "{arguments}");
    }
}

/// A report reserves hundreds of megabytes, and would be aborted in the middle of its work.
#[cfg(target_os = "linux")]
#[test]
fn a_report_with_too_little_memory_is_one_error() {
    let desk = Desk::new();
    std::fs::copy(
        Path::new(&weights("moons")).join("model.safetensors"),
        desk.path("m.safetensors"),
    )
    .unwrap();
    for megabytes in [60, 200] {
        let script = format!("ulimit -v {}; exec \"$0\" report m.safetensors", megabytes * 1024);
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &script, env!("CARGO_BIN_EXE_flowlet")]).current_dir(desk.path("."));
        let output = desk.start(command.stdout(Stdio::piped())).output();
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{megabytes}: {error}");
        assert!(error.contains("drawing a report needs about"), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
    }
}

/// Returns the peak of a command's memory in bytes. It must succeed.
#[cfg(target_os = "linux")]
#[track_caller]
fn peak(desk: &Desk, arguments: &str) -> u64 {
    // Each thread takes some memory of its own.
    let mut command = desk.command(arguments);
    let mut running = desk.start(command.env("RAYON_NUM_THREADS", "2").stdout(Stdio::null()));
    let status = format!("/proc/{}/status", running.child().id());
    let peak = std::cell::Cell::new(0);
    running.reaches(|| {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes =
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak.set(kilobytes.map_or(peak.get(), |kilobytes| kilobytes * 1024));
        false
    });
    let output = running.output();
    assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
    peak.get()
}

#[cfg(target_os = "linux")]
#[test]
fn training_takes_three_times_the_rows_as_floats_and_32_megabytes() {
    let desk = Desk::new();
    let rows = 1_500_000_u32;
    let value = |k: u32| (k.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0;
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 4), }}\n");
    let mut array = b"\x93NUMPY\x01\x00".to_vec();
    array.extend((header.len() as u16).to_le_bytes());
    array.extend(header.into_bytes());
    array.extend((0..4 * rows).flat_map(|k| value(k).to_le_bytes()));
    desk.write("rows.npy", array);
    let lines = (0..rows).map(|row| {
        let [a, b, c, d] = [0, 1, 2, 3].map(|k| value(4 * row + k));
        format!("{a:.5},{b:.5},{c:.5},{d:.5}\n")
    });
    desk.write("rows.csv", "a,b,c,d\n".to_string() + &lines.collect::<String>());
    let bytes = u64::from(rows) * 16;
    for name in ["rows.npy", "rows.csv"] {
        let peak =
            peak(&desk, &format!("train {name} --iterations 3 --hidden-width 8 --out {name}.run"));
        let most = 3 * bytes + 32_000_000;
        assert!((bytes..most).contains(&peak), "{name}: {peak} bytes, expected at most {most}");
    }
}
