//! Reads the digests in the committed golden files.

use std::path::Path;

use anyhow::{Context, Result};

/// The models of floats, which come first.
pub(crate) const FLOAT_MODELS: usize = 3;

/// The models, in the order of the images' digests.
pub(crate) const MODELS: [&str; 10] = [
    "mixture",
    "moons",
    "8gaussians",
    "mixture-i16",
    "mixture-i8",
    "mixture-one-step-i4",
    "moons-i16",
    "moons-i8",
    "8gaussians-i16",
    "8gaussians-i8",
];

/// Returns each model's name and the digest of its golden paths.
pub(crate) fn digests(root: &Path) -> Result<Vec<(&'static str, u64)>> {
    MODELS
        .into_iter()
        .map(|name| {
            let path = root.join("weights").join(name).join("golden.safetensors");
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            let digest =
                digest(&bytes).with_context(|| format!("{}: found no digest", path.display()))?;
            Ok((name, digest))
        })
        .collect()
}

/// Returns the value of `"flowlet.digest.path":"…"` in the file's header.
fn digest(bytes: &[u8]) -> Option<u64> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let header = std::str::from_utf8(bytes.get(8..)?.get(..length)?).ok()?;
    let (_, rest) = header.split_once("\"flowlet.digest.path\":\"")?;
    u64::from_str_radix(rest.get(..16)?, 16).ok()
}
