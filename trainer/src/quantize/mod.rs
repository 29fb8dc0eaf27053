//! Makes a model in whole numbers of a float one: calibration, rounding, fine-tuning through the rounding, and an
//! independent reference of the integer contract.

mod activation;
pub mod calibration;
mod float;
mod integer;
pub mod reference;
mod rounding;
mod tables;
mod units;

pub use integer::{
    CONTRACT, CONTRACT_KEY, ConditionUnits, DataUnits, IntegerModel, Layer, Weights, is_integer,
};
pub use rounding::round;

#[cfg(test)]
mod tests;
