//! Writes the golden starting points and digests of the committed models as Rust code, and passes the linker
//! the machine's memory layout.
//!
//! `FLOWLET_MEMORY` is the path of a linker memory file, for a board other than the emulated one.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use safetensors::SafeTensors;

const MODELS: [&str; 3] = ["mixture", "moons", "8gaussians"];

/// The models in whole numbers.
const INTEGER_MODELS: [&str; 7] = [
    "mixture-i16",
    "mixture-i8",
    "mixture-one-step-i4",
    "moons-i16",
    "moons-i8",
    "8gaussians-i16",
    "8gaussians-i8",
];

/// The methods, in the order of `SolverKind::ALL`.
const METHODS: [&str; 5] = ["euler", "midpoint", "heun", "rk4", "ab2"];

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let weights = Path::new("../../../weights");
    let mut code = String::new();
    for model in MODELS.iter().chain(&INTEGER_MODELS) {
        let path = weights.join(model).join("golden.safetensors");
        println!("cargo::rerun-if-changed={}", path.display());
        code += &golden(model, &fs::read(path).unwrap());
    }
    fs::write(out.join("goldens.rs"), code).unwrap();
    let target = env::var("TARGET").unwrap();
    let counts = ["thumbv7", "thumbv8m.main", "riscv32"].iter().any(|t| target.starts_with(t));
    if env::var_os("CARGO_FEATURE_CYCLES").is_some() && !counts {
        println!(
            "cargo::error={target} has no cycle counter that this image can read: build without `cycles`"
        );
    }
    link(&out, &target);
}

/// Returns the code of a module with the inputs of a golden file's paths, exact to the bit, and the digests.
fn golden(model: &str, bytes: &[u8]) -> String {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let metadata = header.metadata().clone().unwrap();
    let file = SafeTensors::deserialize(bytes).unwrap();
    let steps = file.tensor("times").unwrap().shape()[0] - 1;
    let module = model.trim_start_matches('8').replace('-', "_");
    let mut code = format!("/// `{model}`\npub mod {module} {{\n");
    let integer = INTEGER_MODELS.contains(&model);
    let number = if integer { "i32" } else { "f32" };
    for (name, about, tensor) in [
        ("X_0", "Starting points.", file.tensor("x0").unwrap()),
        ("CONDITION", "Their conditions.", file.tensor("condition").unwrap()),
    ] {
        let [rows, columns] = *tensor.shape() else { panic!("{name}: expected a matrix") };
        write!(code, "/// {about}\npub static {name}: [[{number}; {columns}]; {rows}] = [")
            .unwrap();
        let bits: Vec<String> = tensor
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|&b| match integer {
                true => i32::from_le_bytes(b).to_string(),
                false => format!("f32::from_bits({:#010x})", u32::from_le_bytes(b)),
            })
            .collect();
        for row in 0..rows {
            write!(code, "[{}],", bits[row * columns..][..columns].join(",")).unwrap();
        }
        code += "];\n";
    }
    let methods = METHODS.map(|method| {
        let digest = &metadata[&format!("flowlet.digest.path.{method}")];
        format!("0x{digest}")
    });
    write!(
        code,
        "/// Digest of the first few paths by each method.\npub const METHODS: [u64; 5] = "
    )
    .unwrap();
    writeln!(code, "[{}];", methods.join(", ")).unwrap();
    let digest = &metadata["flowlet.digest.path"];
    write!(code, "/// Steps of each path.\npub const STEPS: usize = {steps};\n").unwrap();
    write!(
        code,
        "/// Digest of the points after each step.\npub const DIGEST: u64 = 0x{digest};\n}}\n"
    )
    .unwrap();
    code
}

/// Tells the linker where to put code and data.
fn link(out: &Path, target: &str) {
    let script = match target {
        t if t.starts_with("thumbv6m") => "microbit.x",
        t if t.starts_with("thumbv7") => "mps2.x",
        t if t.starts_with("thumbv8m") => "mps2_an505.x",
        t if t.starts_with("riscv32") => "riscv_virt.x",
        t if t.starts_with("aarch64-unknown-none") => "aarch64_virt.x",
        t if t.starts_with("wasm32") => {
            println!("cargo::rustc-link-arg-bins=--no-entry");
            println!("cargo::rustc-link-arg-bins=--export=digest");
            println!("cargo::rustc-link-arg-bins=--export=methods_agree");
            return;
        }
        _ => return,
    };
    println!("cargo::rerun-if-changed=link");
    println!("cargo::rerun-if-env-changed=FLOWLET_MEMORY");
    let memory = env::var_os("FLOWLET_MEMORY").map(PathBuf::from);
    let memory = memory.unwrap_or_else(|| Path::new("link").join(script));
    println!("cargo::rerun-if-changed={}", memory.display());
    fs::copy(memory, out.join("memory.x")).unwrap();
    println!("cargo::rustc-link-search={}", out.display());
    if target.starts_with("aarch64") {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
        return;
    }
    if target.starts_with("riscv32") {
        println!("cargo::rustc-link-arg-bins=-Tmemory.x");
    }
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
