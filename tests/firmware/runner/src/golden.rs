//! The digests that the committed golden files have.

use std::path::Path;

use anyhow::{Context, Result};

const MODELS: [&str; 3] = ["mixture", "moons", "8gaussians"];

/// Each model's name and the digest of its golden paths.
pub(crate) fn digests(root: &Path) -> Result<Vec<(&'static str, u64)>> {
    MODELS
        .into_iter()
        .map(|name| {
            let path = root.join("weights").join(name).join("golden.safetensors");
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            let digest =
                digest(&bytes).with_context(|| format!("{}: no digest", path.display()))?;
            Ok((name, digest))
        })
        .collect()
}

/// The header's `"flowlet.digest.path":"…"`.
fn digest(bytes: &[u8]) -> Option<u64> {
    let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk()?)).ok()?;
    let header = std::str::from_utf8(bytes.get(8..)?.get(..length)?).ok()?;
    let (_, rest) = header.split_once("\"flowlet.digest.path\":\"")?;
    u64::from_str_radix(rest.get(..16)?, 16).ok()
}
