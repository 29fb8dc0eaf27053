//! The errors of reading a model file.

use core::fmt;

use crate::tensor::{Shape, TensorName};
use crate::text::{Message, Text, bytes_equal};

/// The longest header that is accepted, in bytes. A model's header has a few thousand.
pub const MAX_HEADER: u64 = 1 << 20;

/// Why a file cannot be read as a model: what was expected, and what was found.
///
/// At compile time, the compiler's error message contains the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoadError {
    /// The file ends too early.
    Truncated {
        /// The smallest length in bytes that fits the part read so far.
        expected: u64,
        /// The file's length in bytes.
        found: u64,
    },
    /// The header is longer than [`MAX_HEADER`](crate::MAX_HEADER).
    HeaderTooLong {
        /// The header's length in bytes, as the file states it.
        found: u64,
    },
    /// The header is not UTF-8.
    HeaderNotUtf8,
    /// The header is not JSON of the form that the safetensors format prescribes.
    HeaderSyntax {
        /// The position in bytes from the start of the header.
        at: usize,
        /// What was expected at this position.
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
    /// The file has a tensor that does not belong to a model of this shape.
    UnexpectedTensor {
        /// Its name.
        name: Text,
    },
    /// A tensor's elements are of another type than the model needs: 32-bit floats, or in a model of
    /// [`fixed`](crate::fixed) integers.
    Dtype {
        /// The tensor.
        tensor: TensorName,
        /// The element type that the model needs, as the safetensors format writes it.
        expected: &'static str,
        /// The file's element type, as the safetensors format writes it.
        found: Text,
    },
    /// A tensor does not have the shape that the model needs.
    Shape {
        /// The tensor.
        tensor: TensorName,
        /// The shape that the model needs.
        expected: Shape,
        /// The shape in the file.
        found: Shape,
    },
    /// A tensor's offsets end before they begin, or do not span as many bytes as its shape needs. Offsets
    /// past the end of the file are [`Truncated`](Self::Truncated).
    Offsets {
        /// The tensor.
        tensor: TensorName,
        /// The first byte, counted from the end of the header.
        begin: u64,
        /// One past the last byte, counted from the end of the header.
        end: u64,
    },
    /// The tensors do not cover the data from its start to its end without gaps or overlaps.
    Layout {
        /// The byte up to which they cover it, counted from the end of the header.
        at: u64,
    },
    /// A weight is NaN or infinite.
    NonFinite {
        /// The tensor.
        tensor: TensorName,
        /// The index of the element, in the file's row-major order.
        index: usize,
    },
    /// A scale of the data is negative, or one of the conditions is zero or negative.
    ScaleNotPositive {
        /// The tensor.
        tensor: TensorName,
        /// The index of the element.
        index: usize,
    },
    /// A sum of a layer of integers could exceed 32 bits: the output's weights or its bias are too large.
    SumOverflows {
        /// The layer's weights.
        tensor: TensorName,
        /// The output, from 0.
        output: usize,
    },
    /// A number is outside its range, for example a shift.
    OutOfRange {
        /// The tensor.
        tensor: TensorName,
        /// The index of the element.
        index: usize,
        /// The smallest value that is allowed.
        least: i32,
        /// The largest value that is allowed.
        most: i32,
        /// The value in the file.
        found: i32,
    },
    /// A column's least value is above its greatest one.
    BoundsCross {
        /// The column, from 0.
        index: usize,
    },
    /// A time is not later than the time before it, or infinitely later.
    NotIncreasing {
        /// The tensor.
        tensor: TensorName,
        /// The index of the element.
        index: usize,
    },
    /// The file's metadata contradict the model.
    Metadata {
        /// The key in `__metadata__`.
        key: &'static str,
        /// The value that the model needs.
        expected: Text,
        /// The value in the file.
        found: Text,
    },
    /// A metadata key that begins with `flowlet.` occurs twice.
    DuplicateMetadata {
        /// The key in `__metadata__`.
        key: Text,
    },
    /// The file has fewer than two linear layers. A tensor past layer 66 is an
    /// [`UnexpectedTensor`](Self::UnexpectedTensor).
    LayerCount {
        /// The number of linear layers in the file.
        found: usize,
    },
}

impl LoadError {
    /// The text of [`Display`](fmt::Display), made without `core::fmt`, which takes much flash.
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
                .text("the header of the file should have ")
                .number(*found)
                .text(" bytes, expected at most ")
                .number(MAX_HEADER)
                .text(": this is not a model's safetensors file, or it is damaged"),
            Self::HeaderNotUtf8 => m
                .text("the file's header is not UTF-8")
                .text(": this is not a safetensors file, or it is damaged"),
            Self::HeaderSyntax { at, expected } => m
                .text("syntax error in the file's header at byte ")
                .number(*at as u64)
                .text(": expected ")
                .text(expected),
            Self::MissingTensor { tensor } => tensor.write(m.text("tensor ")).text(" is missing"),
            Self::DuplicateTensor { tensor } => {
                tensor.write(m.text("tensor ")).text(" is in the file twice")
            }
            Self::UnexpectedTensor { name } => {
                m.text("tensor ").quoted(name).text(" does not belong to a model of this shape")
            }
            Self::Dtype { tensor, expected, found } => {
                let m = tensor.write(m.text("tensor ")).text(": expected dtype `").text(expected);
                let m = m.text("`, found ").quoted(found);
                if bytes_equal(expected.as_bytes(), b"F32") && is_integer(found) {
                    m.text(": integer models are read by `flowlet::fixed`")
                } else if found.is("F32") {
                    m.text(": `flowlet quantize` makes an integer model of this one")
                } else {
                    m
                }
            }
            Self::Shape { tensor, expected, found } => found.write(
                expected
                    .write(tensor.write(m.text("tensor ")).text(": expected shape "))
                    .text(", found "),
            ),
            Self::Offsets { tensor, begin, end } => tensor
                .write(m.text("tensor "))
                .text(": the data offsets ")
                .number(*begin)
                .text(" to ")
                .number(*end)
                .text(" do not fit its shape"),
            Self::Layout { at } => m
                .text("the tensors do not follow each other in the data without gaps or overlaps: ")
                .text("only up to byte ")
                .number(*at),
            Self::NonFinite { tensor, index } => tensor
                .write(m.text("tensor "))
                .text(": element ")
                .number(*index as u64)
                .text(" is NaN or infinite, expected a finite number"),
            Self::ScaleNotPositive { tensor, index } => tensor
                .write(m.text("tensor "))
                .text(": element ")
                .number(*index as u64)
                .text(match tensor {
                    TensorName::DataScale => " is negative, expected a scale of at least 0",
                    _ => " is zero or negative, expected a positive scale",
                }),
            Self::SumOverflows { tensor, output } => tensor
                .write(m.text("tensor "))
                .text(": output ")
                .number(*output as u64)
                .text(" could exceed 32 bits: the sum of its weights, or its bias, is too large"),
            Self::OutOfRange { tensor, index, least, most, found } => tensor
                .write(m.text("tensor "))
                .text(": element ")
                .number(*index as u64)
                .text(" is ")
                .integer(*found)
                .text(", expected a number from ")
                .integer(*least)
                .text(" to ")
                .integer(*most),
            Self::BoundsCross { index } => m
                .text("element ")
                .number(*index as u64)
                .text(" of columns.least is above that of columns.most"),
            Self::NotIncreasing { tensor, index } => tensor
                .write(m.text("tensor "))
                .text(": element ")
                .number(*index as u64)
                .text(" is not later than the one before it, or infinitely later: times must increase"),
            Self::Metadata { key, expected, found } => m
                .text("metadata `")
                .text(key)
                .text("`: expected ")
                .quoted(expected)
                .text(", found ")
                .quoted(found),
            Self::DuplicateMetadata { key } => {
                m.text("metadata ").quoted(key).text(" is in the file twice")
            }
            Self::LayerCount { found } => m
                .text("expected 2 to 66 linear layers net.0, net.2, ..., found ")
                .number(*found as u64),
        }
    }
}

/// Whether an integer model has tensors of this element type.
const fn is_integer(dtype: &Text) -> bool {
    dtype.is("I32") || dtype.is("I16") || dtype.is("I8") || dtype.is("U8")
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message().as_str())
    }
}

impl core::error::Error for LoadError {}
