//! The `sample` image for a real board, where it counts cycles.

use std::path::Path;

use anyhow::{Context, Result};

use crate::image::Build;
use crate::target::Target;

/// Builds the image, and says how to run it. `memory`: the linker's memory file of the board.
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
        counter: "cycles",
        image: "sample",
        directory: root.join("target/firmware/cycles"),
        memory,
    };
    let program = build.run(root)?;
    println!("{}", program.display());
    println!(
        "Run it with a probe that does semihosting, as `probe-rs run --chip CHIP PATH`. It prints\n\
         in hexadecimal: the bits of a sample, an evaluation's cycles, and a sample's bytes of stack."
    );
    Ok(())
}
