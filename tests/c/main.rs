//! Exported C computes the runtime's bits, on this machine and on emulated chips.
//!
//! `cargo test` compiles every committed model with the system's C compiler. `tests/c/run` compiles them with the
//! compilers of README.md and runs them on emulated chips.

mod chip;
mod matrix;
mod subject;

use std::path::{Path, PathBuf};

use flowlet::{ActivationKind, SolverKind};
use flowlet_trainer::export::SolverChoice;
use flowlet_trainer::network::Shape;
use flowlet_trainer::quantize::Weights;

use chip::{Chip, HOST};
use subject::{Inputs, Subject, committed, golden_path, open, random, whole};

/// The repository's root.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

const OWN: SolverChoice = SolverChoice { kind: None, steps: None };

/// Warnings that exported code must not give.
const STRICT: &[&str] = &[
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wdouble-promotion",
    "-Wpedantic",
    "-Wno-unknown-warning-option",
    "-Werror",
];

/// Compiles with the system's C compiler, runs, and compares with the runtime.
fn check(subject: &Subject, flags: &[&str]) {
    let run = HOST.run(subject, &[flags, STRICT].concat()).unwrap();
    subject.compare(&run).unwrap();
}

#[test]
fn every_committed_model_has_the_golden_bits_in_c() {
    for name in committed() {
        let subject = Subject::new(&name, &open(&name), OWN, &Inputs::golden(&name, None)).unwrap();
        assert_eq!(subject.expected.path, golden_path(&name), "{name}");
        check(&subject, &["-std=c99", "-O2"]);
    }
}

#[test]
fn no_level_and_no_dialect_changes_a_bit() {
    for name in ["mixture", "8gaussians-i8"] {
        let inputs = Inputs::golden(name, Some(8));
        let subject = Subject::new(name, &open(name), OWN, &inputs).unwrap();
        for flags in [["-std=c99", "-O0"], ["-std=gnu11", "-O3"], ["-std=gnu11", "-Os"]] {
            check(&subject, &flags);
        }
        // Fused operations would be used where the processor has them.
        if cfg!(target_arch = "x86_64") && std::arch::is_x86_feature_detected!("fma") {
            check(&subject, &["-O3", "-march=native", "-ffp-contract=fast"]);
        }
        check(&subject, &["-O1", "-fsanitize=undefined,address", "-fno-sanitize-recover"]);
    }
}

#[test]
fn a_cpp_compiler_takes_it_too() {
    for name in ["moons", "8gaussians", "moons-i8", "mixture-one-step-i4"] {
        let inputs = Inputs::golden(name, Some(8));
        let subject = Subject::new(name, &open(name), OWN, &inputs).unwrap();
        HOST.compile_as_cpp(&subject, &[&["-O0"], STRICT].concat()).unwrap();
    }
}

#[test]
fn every_method_has_the_golden_bits() {
    for name in ["mixture", "8gaussians", "moons-i16"] {
        let model = open(name);
        for &kind in SolverKind::ALL {
            let choice = SolverChoice { kind: Some(kind), steps: Some(8) };
            let subject =
                Subject::new(name, &model, choice, &Inputs::golden(name, Some(8))).unwrap();
            assert_eq!(subject.expected.path, subject::golden_method(name, kind), "{name} {kind}");
            check(&subject, &["-O1"]);
        }
    }
}

#[test]
fn every_activation_and_shape_has_the_runtimes_bits() {
    let shapes = [(1, 0, 7, 0), (2, 3, 20, 2), (5, 1, 33, 1)];
    for (k, &activation) in ActivationKind::ALL.iter().enumerate() {
        let (data_dim, condition_dim, hidden_width, hidden_layers) = shapes[k % shapes.len()];
        let shape = Shape { data_dim, condition_dim, hidden_width, hidden_layers, activation };
        let float = random(shape);
        let weights = Weights::ALL[k % 3];
        for (label, model) in [("float", &float), (weights.name(), &whole(&float, weights))] {
            let name = format!("{activation} {label}");
            let subject = Subject::new(&name, model, OWN, &Inputs::drawn(model)).unwrap();
            check(&subject, &["-O1"]);
        }
    }
}

#[test]
fn options_that_would_change_bits_are_refused() {
    let subject =
        Subject::new("mixture", &open("mixture"), OWN, &Inputs::golden("mixture", Some(1)));
    let subject = subject.unwrap();
    for flag in ["-ffast-math", "-Ofast", "-ffinite-math-only"] {
        let error = HOST.run(&subject, &[flag]).unwrap_err().to_string();
        assert!(error.contains("needs"), "{flag}: {error}");
    }
}

/// The whole matrix, or one level for each chip: `tests/c/run`.
#[test]
#[ignore = "needs the compilers and emulators of tests/c/README.md: tests/c/run"]
fn chips() {
    matrix::run(&root()).unwrap();
}

/// All chips of the matrix.
fn chips_named(names: &[String]) -> Vec<&'static Chip> {
    let all = chip::CHIPS.iter();
    all.filter(|chip| {
        names.is_empty() || names.iter().any(|name| chip.name.starts_with(name.as_str()))
    })
    .collect()
}

/// Whether a program can be called.
fn is_there(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|directory| Path::new(&directory).join(program).is_file())
}
