//! The network that is trained, on candle's tensors. On the CPU this module's own kernels compute its layers.

pub mod activation;
pub mod activation_f64;
pub mod layer;
mod mlp;
pub(crate) mod products;
pub(crate) mod sharing;
mod slopes;
pub(crate) mod storage;

pub use mlp::{Network, Shape};
