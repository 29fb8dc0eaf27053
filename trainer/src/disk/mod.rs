//! Reading and writing files: inputs, results of commands, part files, tensor files, and the directory of a run.
//!
//! | module | contents |
//! |---|---|
//! | [`quote`] | shortens what messages repeat from inputs |
//! | `own_names` | the names of flowlet's own files beside an output |
//! | [`compressed`] | what gzip and zstd compressed, decompressed while it is read |
//! | [`input`] | what a command reads: regular files and standard input, nothing that may hang |
//! | [`memory`] | whether something fits into memory, checked before the work begins |
//! | [`digest`] | the digest of bytes, as text |
//! | `place` | what a path leads to: a regular file, a stream, or nothing that can be written |
//! | `lock` | locks between processes, also on files that are renamed or removed meanwhile |
//! | [`whole`] | a file that is written whole or not at all |
//! | [`output`] | the result of a command: never onto an input, over an existing file only if the user asks |
//! | [`part_file`] | a file of many rows, which a killed process leaves to the next one |
//! | [`anchor`] | notices that the directory of a run was moved |
//! | [`run_directory`] | the directory of a run, and how one run replaces another (`replacement`) |
//! | [`tensor_file`] | the tensors and metadata of a safetensors file |
//!
//! Files are synced to the disk before they get their names, and names before the next step. So a power failure
//! leaves the same states as a kill. `part_file` and `replacement` list these states.

pub mod anchor;
pub mod compressed;
pub mod digest;
pub mod input;
mod lock;
pub mod memory;
pub mod names;
pub mod output;
mod own_names;
pub mod part_file;
mod part_record;
mod place;
pub mod quote;
mod replacement;
pub mod run_directory;
pub mod tensor_file;
pub mod whole;
