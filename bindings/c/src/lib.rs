//! The flowlet runtime behind a C ABI. `include/flowlet.h` is the page for its users.
//!
//! - `status`: the results of functions, and the message of the last one that failed on this thread
//! - `registry`: models by number, so that a closed one is noticed
//! - `model`: a model of floats or of whole numbers, its solver, and its self-test
//! - `border`: the functions. All unsafe code of this crate is there: it turns pointers into slices
//!
//! No panic crosses the border: each function catches it and returns a status.

mod border;
mod model;
mod registry;
mod status;

pub use border::*;
pub use status::*;
