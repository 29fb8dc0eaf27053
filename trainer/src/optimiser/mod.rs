//! The optimiser Adam, and a moving average of the weights.

mod adam;
pub mod average;
mod kernels;

pub(crate) use adam::corrections;
pub use adam::{Adam, AdamSettings};
