//! Files: written whole or not at all, in parts, as tensors, and a run's directory.

pub mod files;
pub mod part_file;
pub mod run_directory;
pub mod tensor_file;
