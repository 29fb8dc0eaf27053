//! Builds the `sample` image for a real board, where it counts cycles.

use std::path::Path;

use anyhow::{Context, Result};

use crate::image::Build;
use crate::target::Target;

/// Builds the image and prints how to run it. `memory` is the board's linker memory file.
pub(crate) fn build(root: &Path, target: &Target, memory: Option<&Path>) -> Result<()> {
    let memory = match memory {
        None => None,
        Some(path) => {
            Some(path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?)
        }
    };
    let build = Build {
        target,
        level: "3",
        features: "",
        feature: "cycles",
        image: "sample",
        directory: root.join("target/firmware/cycles"),
        memory,
    };
    let program = build.run(root)?;
    println!("{}", program.display());
    println!(
        "Run it with a probe that supports semihosting, for example `probe-rs run --chip CHIP PATH`.\n\
         It prints in hexadecimal: the bits of a sample, the cycles of an evaluation, and the bytes of\n\
         stack of a sample."
    );
    Ok(())
}
