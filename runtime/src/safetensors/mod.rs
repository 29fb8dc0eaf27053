//! Reads the safetensors format. The same code runs at compile time and at run time.
//!
//! The format (<https://github.com/huggingface/safetensors>, "Format") has three parts:
//! - the header's length, eight bytes, little-endian;
//! - the header, a JSON object that maps tensor names to `dtype`, `shape` and `data_offsets`, with an optional
//!   `__metadata__` that maps strings to strings;
//! - the tensors' bytes, which the offsets cover without gaps or overlaps.

mod entry;
mod error;
mod header;
mod json;
mod metadata;

pub use error::{LoadError, MAX_HEADER};
pub(crate) use header::File;
pub(crate) use json::tri;
