//! The network that is trained, and both passes through it, on this module's own kernels.

pub mod activation;
pub mod activation_f64;
pub mod by_candle;
mod mlp;
mod packed;
mod pass;
pub(crate) mod products;
pub(crate) mod sharing;
mod slopes;

pub use mlp::{Network, Shape};
pub(crate) use packed::{Packed, Passes};
pub(crate) use pass::{Pass, outputs};
