//! The runtime's modules import one way.

use std::path::Path;

/// From the ground up: a room takes only from those before it.
const ROOMS: [&str; 23] = [
    "nan",
    "text",
    "digest",
    "panel",
    "lanes",
    "vectors",
    "elementary",
    "activation",
    "kernel",
    "network",
    "method",
    "grid",
    "safetensors",
    "model_file",
    "velocity",
    "guidance",
    "solver",
    "mlp",
    "heap",
    "self_test",
    "noise",
    "columns",
    "fixed",
];

#[test]
fn imports_run_one_way() {
    if let Err(found) = rooms::check(Path::new("src/lib.rs"), &ROOMS) {
        panic!("{found}");
    }
}
