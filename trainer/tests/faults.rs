//! Files on which a command once failed get one clear error, within 5 seconds of CPU time and 256 MB of memory.
#![cfg(unix)]

mod desk;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use desk::{Desk, text, weights};

/// The commands that read a file with this extension. `FILE` stands for the file, `MODEL` for a valid model.
fn commands(extension: &str) -> &'static [&'static str] {
    match extension {
        "npy" => &[
            "train FILE --iterations 1 --out run",
            "train points.csv --conditions FILE --iterations 1 --out run",
            "evaluate MODEL --data FILE",
            "distance FILE FILE",
            "sample MODEL --x0 FILE --out samples.csv",
        ],
        "pt" => &["import FILE --columns t,x --activation relu --out model.safetensors"],
        "safetensors" => &[
            "import FILE --columns t,x --activation relu --out model.safetensors",
            "inspect FILE",
            "sample FILE --out samples.csv",
            "trace FILE",
            "evaluate FILE --data points.csv",
            "tune FILE --steps 2 --out tuned.safetensors",
            "bench FILE",
        ],
        _ => panic!("no command reads {extension} files"),
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension() != Some("md".as_ref())).collect();
    files.sort();
    assert!(files.len() >= 8, "{files:?}");
    files
}

#[test]
fn files_that_failed_get_one_clear_error_in_little_time_and_memory() {
    let desk = Desk::new();
    desk.write("points.csv", "x\n1\n2\n3\n");
    for path in files() {
        let name = path.file_name().unwrap().to_str().unwrap();
        fs::copy(&path, desk.path(name)).unwrap();
        for command in commands(path.extension().unwrap().to_str().unwrap()) {
            let arguments = command.replace("FILE", name).replace("MODEL", &weights("mixture"));
            let before = desk.files();
            let limited = format!(
                "ulimit -t 5; ulimit -v 262144; exec {} {arguments}",
                env!("CARGO_BIN_EXE_flowlet")
            );
            let mut shell = Command::new("sh");
            shell.args(["-c", &limited]).current_dir(desk.path(""));
            let output = desk.start(shell.stdout(std::process::Stdio::piped())).output();
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{arguments}: {} {error}", output.status);
            assert!(error.starts_with("error: ") && error.contains(name), "{arguments}: {error}");
            assert_eq!(error.trim().lines().count(), 1, "{arguments}: {error}");
            assert_eq!(desk.files(), before, "{arguments}");
        }
    }
}
