//! What can be wrong with a model file.

use core::fmt;

use crate::tensor::{Shape, TensorName};
use crate::text::{Message, Text};

/// The longest header that is read, in bytes. A model's has a few thousand.
pub const MAX_HEADER: u64 = 1 << 20;

/// Why a file does not become a model: what was expected, and what was found.
///
/// While compiling, the same text is the compiler's error message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The file ends too early.
    Truncated {
        /// The bytes that the file must have at least, by what was read of it.
        expected: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// The header is longer than [`MAX_HEADER`](crate::MAX_HEADER).
    HeaderTooLong {
        /// The length that the file claims, in bytes.
        found: u64,
    },
    /// The header is not UTF-8.
    HeaderNotUtf8,
    /// The header is not the JSON that the safetensors format prescribes.
    HeaderSyntax {
        /// Bytes from the start of the header.
        at: usize,
        /// What should have stood there.
        expected: &'static str,
    },
    /// The model needs a tensor that the file lacks.
    MissingTensor {
        /// The tensor.
        tensor: TensorName,
    },
    /// The file names a tensor twice.
    DuplicateTensor {
        /// The tensor.
        tensor: TensorName,
    },
    /// The file holds a tensor that no model of this shape has.
    UnexpectedTensor {
        /// Its name.
        name: Text,
    },
    /// A tensor is not of 32-bit floats.
    Dtype {
        /// The tensor.
        tensor: TensorName,
        /// Its element type, as the safetensors format writes it.
        found: Text,
    },
    /// A tensor has another shape than the model.
    Shape {
        /// The tensor.
        tensor: TensorName,
        /// The model's.
        expected: Shape,
        /// The file's.
        found: Shape,
    },
    /// A tensor's offsets lie outside the file, end before they begin, or do not fit its shape.
    Offsets {
        /// The tensor.
        tensor: TensorName,
        /// First byte, from the end of the header.
        begin: u64,
        /// One past the last byte.
        end: u64,
    },
    /// A byte of the data belongs to no tensor or to more than one.
    Layout {
        /// The byte, from the end of the header.
        at: u64,
    },
    /// A weight is NaN or infinite.
    NonFinite {
        /// The tensor.
        tensor: TensorName,
        /// Which element, in the file's row-major order.
        index: usize,
    },
    /// A scale is zero or negative.
    ScaleNotPositive {
        /// The tensor.
        tensor: TensorName,
        /// Which element.
        index: usize,
    },
    /// A time is not after the one before, or infinitely far from it.
    NotIncreasing {
        /// The tensor.
        tensor: TensorName,
        /// Which element.
        index: usize,
    },
    /// The file's metadata contradict the model.
    Metadata {
        /// The key in `__metadata__`.
        key: &'static str,
        /// The value that the model asks for.
        expected: Text,
        /// The file's.
        found: Text,
    },
    /// A metadata key stands twice.
    DuplicateMetadata {
        /// The key in `__metadata__`.
        key: &'static str,
    },
    /// Fewer than two linear layers, or more than 66.
    LayerCount {
        /// The number of linear layers in the file.
        found: usize,
    },
}

impl LoadError {
    /// The text of [`Display`](fmt::Display), without `core::fmt`: for firmware that has no room for it.
    ///
    /// ```
    /// # use flowlet::{Euler, LoadError};
    /// let error = Euler::<60>::try_from_safetensors(b"").unwrap_err();
    /// assert_eq!(
    ///     error.message().as_str(),
    ///     "the file is truncated: expected at least 8 bytes, found 0",
    /// );
    /// ```
    pub const fn message(&self) -> Message {
        let m = Message::new();
        match self {
            Self::Truncated { expected, found } => m
                .text("the file is truncated: expected at least ")
                .number(*expected)
                .text(" bytes, found ")
                .number(*found),
            Self::HeaderTooLong { found } => m
                .text("the file claims a header of ")
                .number(*found)
                .text(" bytes, expected at most ")
                .number(MAX_HEADER)
                .text(": not a safetensors file of a model, or a damaged one"),
            Self::HeaderNotUtf8 => m.text("the file's header is not UTF-8: not a safetensors file"),
            Self::HeaderSyntax { at, expected } => m
                .text("the file's header, byte ")
                .number(*at as u64)
                .text(": expected ")
                .text(expected),
            Self::MissingTensor { tensor } => tensor.write(m.text("tensor ")).text(" is missing"),
            Self::DuplicateTensor { tensor } => {
                tensor.write(m.text("tensor ")).text(" stands twice in the file")
            }
            Self::UnexpectedTensor { name } => {
                m.text("tensor ").quoted(name).text(" is not one that a model of this shape has")
            }
            Self::Dtype { tensor, found } => {
                tensor.write(m.text("tensor ")).text(": expected dtype `F32`, found ").quoted(found)
            }
            Self::Shape { tensor, expected, found } => found.write(
                expected
                    .write(tensor.write(m.text("tensor ")).text(": expected shape "))
                    .text(", found "),
            ),
            Self::Offsets { tensor, begin, end } => tensor
                .write(m.text("tensor "))
                .text(": the offsets ")
                .number(*begin)
                .text(" to ")
                .number(*end)
                .text(" do not fit its shape or the file"),
            Self::Layout { at } => m
                .text("byte ")
                .number(*at)
                .text(" of the tensors' data belongs to no tensor, or to more than one"),
            Self::NonFinite { tensor, index } => tensor
                .write(m.text("tensor "))
                .text(": element ")
                .number(*index as u64)
                .text(" is NaN or infinite, expected a finite number"),
            Self::ScaleNotPositive { tensor, index } => tensor
                .write(m.text("tensor "))
                .text(": element ")
                .number(*index as u64)
                .text(" is not above zero, as a scale must be"),
            Self::NotIncreasing { tensor, index } => tensor
                .write(m.text("tensor "))
                .text(": element ")
                .number(*index as u64)
                .text(" is not after the one before, as a time must be"),
            Self::Metadata { key, expected, found } => m
                .text("metadata `")
                .text(key)
                .text("`: expected ")
                .quoted(expected)
                .text(", found ")
                .quoted(found),
            Self::DuplicateMetadata { key } => {
                m.text("metadata `").text(key).text("` stands twice in the file")
            }
            Self::LayerCount { found } => m
                .text("expected 2 to 66 linear layers net.0, net.2, ..., found ")
                .number(*found as u64),
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_str())
    }
}

impl core::error::Error for LoadError {}
