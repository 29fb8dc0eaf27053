//! Reading and writing files: inputs, atomic writes, part files, tensor files, and the directory of a run.

pub mod files;
pub mod input;
pub mod memory;
pub mod names;
pub mod part_file;
mod part_record;
mod replace;
pub mod run_directory;
pub mod tensor_file;
