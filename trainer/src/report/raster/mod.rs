//! PNG and GIF files of figures: the feature `figures`.

#[cfg(feature = "figures")]
mod pixels;

use anyhow::{Result, ensure};

#[cfg(feature = "figures")]
pub use pixels::{gif, png};

/// Whether this build draws PNG and GIF files.
pub const AVAILABLE: bool = cfg!(feature = "figures");

/// Checks that this build draws PNG and GIF files.
///
/// # Errors
///
/// The build has no feature `figures`.
pub fn check() -> Result<()> {
    ensure!(
        AVAILABLE,
        "this flowlet was built without its feature `figures`, which draws PNG and GIF files: leave --out \
         out for the page alone, or install it by `cargo install --path trainer --features figures`"
    );
    Ok(())
}

/// A figure as a PNG file.
///
/// # Errors
///
/// Always, as [`check`].
#[cfg(not(feature = "figures"))]
pub fn png(_svg: &str) -> Result<Vec<u8>> {
    check().map(|()| Vec::new())
}

/// A figure with what moves over it, as a GIF file.
///
/// # Errors
///
/// Always, as [`check`].
#[cfg(not(feature = "figures"))]
pub fn gif(
    _drawing: &super::chart::Drawing,
    _animation: &super::figure::Animation,
) -> Result<Vec<u8>> {
    check().map(|()| Vec::new())
}
