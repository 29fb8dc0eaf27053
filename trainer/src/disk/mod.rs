//! Files: written whole or not at all, in parts, as tensors, and a run's directory.

pub mod files;
pub mod names;
pub mod part_file;
mod part_record;
mod replace;
pub mod run_directory;
pub mod tensor_file;
