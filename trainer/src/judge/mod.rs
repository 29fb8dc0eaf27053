//! Checks of the runtime against golden outputs and a 64-bit reference, and measures of a model's quality:
//! distances between its samples and real data, likelihood, speed.

pub mod distance;
pub mod evaluation;
mod forest;
pub mod golden;
pub mod judgement;
pub mod likelihood;
pub mod losses;
pub mod memory;
pub mod pairs;
pub mod reference;
pub mod sides;
pub mod speed;
pub mod stage;
pub mod two_samples;
pub mod verify;
pub mod view;
