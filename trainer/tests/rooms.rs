//! The trainer's modules import one way.

use std::path::Path;

/// From the ground up: a room takes only from those before it.
const ROOMS: [&str; 15] = [
    "disk",
    "data",
    "config",
    "solve",
    "network",
    "optimiser",
    "coupling",
    "objective",
    "model",
    "training",
    "judge",
    "quantize",
    "export",
    "report",
    "cli",
];

#[test]
fn imports_run_one_way() {
    if let Err(found) = rooms::check(Path::new("src/lib.rs"), &ROOMS) {
        panic!("{found}");
    }
}
