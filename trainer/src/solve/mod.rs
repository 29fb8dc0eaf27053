//! Integration: textbook solvers, Dormand and Prince's with error control, and the runtime's on many
//! samples at once.

pub mod blocks;
pub mod dopri5;
pub mod sampling;
pub mod textbook;
