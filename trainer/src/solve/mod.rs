//! Integration: textbook solvers, Dormand and Prince's method with error control, and the runtime's
//! solvers on many samples at once.

pub mod blocks;
pub mod dopri5;
pub mod sampling;
pub mod textbook;
