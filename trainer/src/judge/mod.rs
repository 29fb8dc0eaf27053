//! Is the runtime right, and is the model good: goldens and their verification, the 64-bit reference,
//! and distances from samples to real data.

pub mod distance;
pub mod evaluation;
pub mod golden;
pub mod judgement;
pub mod likelihood;
pub mod reference;
pub mod sides;
pub mod speed;
pub mod verify;
