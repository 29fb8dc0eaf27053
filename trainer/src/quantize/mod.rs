//! Makes a model in whole numbers of a float one: calibration, rounding, fine-tuning through the rounding, and an
//! independent reference of the integer contract.

mod activation;
pub mod calibration;
mod columns;
pub mod export;
pub mod file;
mod fine_tuning;
pub mod golden;
mod integer;
pub mod numbers;
pub mod reference;
mod rounding;
pub mod sampler;
pub mod sampling;
mod seen;
pub mod self_test;
pub mod speed;
pub(crate) mod tables;
mod units;
pub mod verify;

pub use fine_tuning::{Tuned, fine_tune};
pub use integer::{CONTRACT, ConditionUnits, DataUnits, IntegerModel, Layer, Weights};
pub use rounding::round;

#[cfg(test)]
mod tests;
