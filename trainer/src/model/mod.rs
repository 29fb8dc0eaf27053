//! The model file: writing, opening, describing, importing and tuning it, and what it costs to run.

pub mod cost;
pub mod description;
mod file;
pub mod import;
pub mod self_test;
pub mod tuning;

pub use file::{Model, check_grid, export};
