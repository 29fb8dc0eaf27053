//! The runtime's modules depend on each other without cycles.

use std::path::Path;

/// The modules ("rooms") in order: each may import only from those before it.
const ROOMS: [&str; 29] = [
    "nan",
    "text",
    "digest",
    "registers",
    "panel",
    "scalar",
    "lanes",
    "vectors",
    "elementary",
    "activation",
    "units",
    "kernel",
    "network",
    "method",
    "grid",
    "tensor",
    "safetensors",
    "model_file",
    "velocity",
    "guidance",
    "integrate",
    "solver",
    "mlp",
    "heap",
    "self_test",
    "noise",
    "columns",
    "fixed",
    "interop",
];

#[test]
fn imports_run_one_way() {
    if let Err(found) = rooms::check(Path::new("src/lib.rs"), &ROOMS) {
        panic!("{found}");
    }
}
