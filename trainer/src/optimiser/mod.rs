//! Adam, and a moving average of the weights.

mod adam;
pub mod average;

pub use adam::{Adam, AdamSettings};
