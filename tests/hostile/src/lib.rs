//! Hostile model files, and what the runtime must do with them. A test and the fuzz targets in `fuzz/` share it.
//!
//! - [`seeds`]: valid files, from which hostile ones are made.
//! - [`mutation`]: changes a file so that it stays close to a valid one.
//! - [`reader`]: the promises of the runtime's reader, checked on one file.
//! - [`integers`]: the promises of the reader of integer models, and of their arithmetic, checked on one file.
//! - [`evaluation`]: the promises of evaluating a model, checked on one set of weights and inputs.

pub mod evaluation;
pub mod integers;
pub mod mutation;
pub mod reader;
pub mod seeds;
