//! Reads the safetensors format, while compiling or at run time, with the same code.
//!
//! The format (<https://github.com/huggingface/safetensors>, "Format"): eight bytes of header
//! length, little-endian; the header, a JSON object from tensor names to `dtype`, `shape` and
//! `data_offsets`, with an optional `__metadata__` of strings; then the tensors' bytes, which the
//! offsets cover without gaps or overlaps.

mod error;
mod header;
mod json;

pub use error::{LoadError, MAX_HEADER};
pub(crate) use header::File;
pub(crate) use json::tri;
