//! Runs the command `flowlet` in a temporary directory.

// Each test binary uses only a part of this module.
#![allow(dead_code)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A command that takes longer hangs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(600);

/// The temporary directory.
pub struct Desk(TempDir);

impl Desk {
    pub fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.path(name), contents).unwrap();
    }

    pub fn command(&self, arguments: &str) -> Command {
        // A shell's background job ignores Ctrl-C, and `flowlet` would go on ignoring it; `env` ends that.
        let flowlet = env!("CARGO_BIN_EXE_flowlet");
        let mut command = if ignores_signals() {
            let mut command = Command::new("env");
            command.args(["--default-signal=INT,TERM,HUP", flowlet]);
            command
        } else {
            Command::new(flowlet)
        };
        command.args(arguments.split_whitespace()).current_dir(self.0.path());
        command
    }

    pub fn run(&self, arguments: &str) -> Output {
        self.start(self.command(arguments).stdout(Stdio::piped())).output()
    }

    /// Starts a command, with standard error piped. It is killed when the returned value is dropped.
    pub fn start(&self, command: &mut Command) -> Running {
        Running(Some(command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    /// Starts `flowlet` without its standard output.
    pub fn begin(&self, arguments: &str) -> Running {
        self.start(self.command(arguments).stdout(Stdio::null()))
    }

    /// Runs `flowlet`, which must succeed. Returns its standard output.
    #[track_caller]
    pub fn succeed(&self, arguments: &str) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs `flowlet`, which must succeed and leave all files as they are.
    #[track_caller]
    pub fn succeed_in_place(&self, arguments: &str) {
        let names = || {
            let entries = fs::read_dir(self.path(".")).unwrap();
            entries.map(|entry| entry.unwrap().file_name()).collect::<BTreeSet<_>>()
        };
        let before = names();
        self.succeed(arguments);
        assert_eq!(names(), before, "{arguments}");
    }

    /// Runs `flowlet`, which must fail with exit code 2 and one line of error that contains `expected`, and must
    /// not change any file. Below the line, an error about an argument may name `--help`.
    #[track_caller]
    pub fn fail(&self, arguments: &str, expected: &str) {
        let before = self.files();
        let output = self.run(arguments);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments}: {error}");
        assert!(error.contains(expected), "{arguments}: {error}");
        let line = error.trim().trim_end_matches("For more information, try '--help'.").trim();
        assert_eq!(line.lines().count(), 1, "{arguments}: {error}");
        assert_eq!(self.files(), before, "{arguments}");
    }

    pub fn files(&self) -> BTreeSet<(PathBuf, Vec<u8>)> {
        fn collect(directory: &Path, files: &mut BTreeSet<(PathBuf, Vec<u8>)>) {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    collect(&path, files);
                } else {
                    let contents = fs::read(&path).unwrap();
                    files.insert((path, contents));
                }
            }
        }
        let mut files = BTreeSet::new();
        collect(self.0.path(), &mut files);
        files
    }
}

/// A running command.
pub struct Running(Option<Child>);

impl Running {
    pub fn child(&mut self) -> &mut Child {
        self.0.as_mut().unwrap()
    }

    /// Waits until `happened` returns `true` or the command ends. Returns whether it happened. Panics after
    /// [`LIMIT`].
    #[track_caller]
    pub fn reaches(&mut self, happened: impl Fn() -> bool) -> bool {
        let start = Instant::now();
        loop {
            if happened() {
                return true;
            }
            if self.child().try_wait().unwrap().is_some() {
                return happened();
            }
            assert!(start.elapsed() < LIMIT, "waited for {LIMIT:?}");
            sleep(Duration::from_millis(2));
        }
    }

    /// Waits until `happened` returns `true`. Panics if the command ends before that, or after [`LIMIT`].
    #[track_caller]
    pub fn until(&mut self, happened: impl Fn() -> bool) {
        assert!(self.reaches(happened), "the command ended before that");
    }

    /// Sends SIGKILL. Returns `false` if the command had already exited.
    pub fn kill(mut self) -> bool {
        let mut child = self.0.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap().code().is_none()
    }

    /// Sends a signal, such as INT, which Ctrl-C sends. Does nothing if the command has already ended.
    pub fn signal(&mut self, name: &str) {
        signal(&format!("-{name}"), self.child().id());
    }

    /// Waits until the command ends, and returns its piped output. Panics after [`LIMIT`].
    #[track_caller]
    pub fn output(mut self) -> Output {
        let child = self.0.take().unwrap();
        let (id, (done, ended)) = (child.id(), channel::<()>());
        let watch = spawn(move || {
            let hangs =
                ended.recv_timeout(LIMIT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
            if hangs {
                signal("-KILL", id);
            }
            hangs
        });
        let output = child.wait_with_output().unwrap();
        drop(done);
        assert!(!watch.join().unwrap(), "the command did not end within {LIMIT:?}");
        output
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // Fails if the command has already ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether these tests were started with a signal ignored, such as by `nohup`, so that the commands that they start
/// ignore it too. SIGHUP is 1, SIGINT is 2.
pub fn ignores(signal: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

/// Pseudorandom numbers.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number from 0 to 1.
    pub fn share(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn choose<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.share() * of.len() as f64) as usize]
    }
}

/// Whether this process ignores SIGHUP, SIGINT or SIGTERM. Only Linux tells.
fn ignores_signals() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    [1, 2, 15].iter().any(|signal| mask & 1 << (signal - 1) != 0)
}

fn signal(signal: &str, id: u32) {
    // Fails if the command has already ended.
    let _ = Command::new("kill").args([signal, &id.to_string()]).stderr(Stdio::null()).status();
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Returns the directory of a committed model.
pub fn weights(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../weights").join(name).display().to_string()
}

/// Options of a run that trains in a moment.
pub const SHORT: &str = "--iterations 60 --batch-size 32 --hidden-width 8";

/// Returns an array file of 32-bit floats in C order, as numpy writes it.
pub fn npy(shape: &str, values: &[f32]) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({shape}), }}");
    let values = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    [b"\x93NUMPY\x01\x00\x76\x00".to_vec(), format!("{header:117}\n").into_bytes(), values].concat()
}

/// Splits an array file at the end of its header.
pub fn npy_parts(file: &[u8]) -> (&[u8], &[u8]) {
    file.split_at(10 + usize::from(u16::from_le_bytes([file[8], file[9]])))
}

/// Returns the bytes of the rows of an array file.
pub fn npy_rows(file: &[u8]) -> &[u8] {
    npy_parts(file).1
}

/// Returns the shape in an array file's header.
pub fn npy_shape(file: &[u8]) -> [usize; 2] {
    let header = String::from_utf8_lossy(npy_parts(file).0);
    let shape = header.split_once("'shape': (").unwrap().1.split_once(')').unwrap().0;
    let shape: Vec<usize> = shape.split(", ").map(|size| size.parse().unwrap()).collect();
    shape.try_into().unwrap()
}
