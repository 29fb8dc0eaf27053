//! Running a firmware project in QEMU, as `cargo run --release` in its directory does.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};

use crate::target::Target;
use crate::toolchain;

/// Builds and runs the project in `directory`, which names its target and its runner itself. Prints what it printed;
/// with `check`, compares that with the first `text` block of its README. Returns whether the program succeeded.
pub(crate) fn run(root: &Path, directory: &Path, target: &Target, check: bool) -> Result<bool> {
    let mut cargo = toolchain::cargo("run", target)?;
    cargo.args(["--quiet", "--release", "--target-dir"]).arg(root.join("target/firmware/project"));
    let flags = toolchain::link_flags(target)?;
    if !flags.is_empty() {
        cargo.env("RUSTFLAGS", flags);
    }
    let output = cargo.current_dir(directory).stderr(Stdio::inherit()).output();
    let output = output.context("cannot run cargo")?;
    let found = String::from_utf8_lossy(&output.stdout);
    print!("{found}");
    if check {
        let readme = directory.join("README.md");
        let text = fs::read_to_string(&readme).context("the project has no README.md")?;
        let block = text.split_once("```text\n").and_then(|(_, rest)| rest.split_once("```"));
        let (expected, _) = block.context("README.md has no text block with the output")?;
        ensure!(found == expected, "{} expects other output:\n{expected}", readme.display());
    }
    Ok(output.status.success())
}
