//! Reading and writing files: results of commands, part files, tensor files, and the directory of a run.

pub mod files;
mod lock;
pub mod names;
pub mod output;
pub mod part_file;
mod part_record;
mod place;
mod replacement;
pub mod run_directory;
pub mod tensor_file;
pub mod whole;
