//! Pairs of noise and data: the data set, the source, the coupling of both, and batches of pairs.

pub mod assignment;
pub mod batches;
pub mod dataset;
mod pairing;
pub mod pairs;
pub mod source;

pub use pairing::{ByCondition, Coupling};
