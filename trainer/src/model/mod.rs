//! The model file: writing, opening, describing, importing and tuning it, and what it costs to run.

pub mod cost;
pub mod description;
mod file;
pub mod import;
pub mod self_test;
mod state_dict;
pub mod tuning;
pub mod unseen;

pub use file::{COLUMN_TENSORS, Choice, Model, add_kinds, check_grid, export, locate};
