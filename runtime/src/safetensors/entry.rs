//! The descriptions of tensors in a header.

use super::error::LoadError;
use super::json::{Cursor, tri};
use super::metadata::Metadata;
use crate::tensor::Shape;
use crate::text::Text;

/// The name under which the header holds the metadata.
pub(super) const METADATA: &str = "__metadata__";

pub(super) const NAME: &str = "a tensor's name";
pub(super) const AFTER_NAME: &str = "`:` after a tensor's name";
pub(super) const AFTER_ENTRY: &str = "`,` or `}` after a tensor";

/// A tensor as the header describes it.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) name: Text,
    pub(super) dtype: Text,
    pub(crate) shape: Shape,
    /// The first byte, counted from the end of the header.
    pub(super) begin: u64,
    /// One past the last byte.
    pub(super) end: u64,
}

impl Entry {
    /// Reads `{"dtype": …, "shape": […], "data_offsets": […]}`, with the keys in any order.
    pub(super) const fn read(cursor: &mut Cursor<'_>, name: Text) -> Result<Self, LoadError> {
        const KEY: &str = "`dtype`, `shape` and `data_offsets`, each once";
        tri!(cursor.expect(b'{', "`{` after a tensor's name"));
        let mut dtype = None;
        let mut shape = None;
        let mut offsets = None;
        loop {
            let key = tri!(cursor.string(KEY));
            tri!(cursor.expect(b':', "`:` after a key"));
            if key.is("dtype") && dtype.is_none() {
                dtype = Some(tri!(cursor.string("a dtype")));
            } else if key.is("shape") && shape.is_none() {
                shape = Some(tri!(read_numbers(cursor)));
            } else if key.is("data_offsets") && offsets.is_none() {
                offsets = Some(tri!(read_numbers(cursor)));
            } else {
                return cursor.error(KEY);
            }
            if !tri!(cursor.comma_or(b'}', "`,` or `}` within a tensor's description")) {
                break;
            }
        }
        match (dtype, shape, offsets) {
            (Some(dtype), Some(shape), Some(offsets)) => match *offsets.dims() {
                [begin, end] => Ok(Self { name, dtype, shape, begin, end }),
                _ => cursor.error("two numbers in `data_offsets`"),
            },
            _ => cursor.error(KEY),
        }
    }
}

/// Iterates over the tensors of a checked header.
pub(crate) struct Entries<'a> {
    cursor: Cursor<'a>,
    metadata: Option<Metadata>,
    done: bool,
}

impl<'a> Entries<'a> {
    pub(super) const fn new(header: &'a [u8], metadata: Option<Metadata>) -> Self {
        // After the `{`.
        Self { cursor: Cursor::new(header, 1), metadata, done: false }
    }

    pub(crate) const fn next(&mut self) -> Result<Option<Entry>, LoadError> {
        while !self.done {
            let name = tri!(self.cursor.string(NAME));
            tri!(self.cursor.expect(b':', AFTER_NAME));
            let entry = match self.metadata {
                Some(metadata) if name.is(METADATA) => {
                    self.cursor = self.cursor.moved_to(metadata.end);
                    None
                }
                _ => Some(tri!(Entry::read(&mut self.cursor, name))),
            };
            self.done = !tri!(self.cursor.comma_or(b'}', AFTER_ENTRY));
            if entry.is_some() {
                return Ok(entry);
            }
        }
        Ok(None)
    }
}

const fn read_numbers(cursor: &mut Cursor<'_>) -> Result<Shape, LoadError> {
    const EXPECTED: &str = "a list of numbers";
    let mut numbers = Shape::SCALAR;
    tri!(cursor.expect(b'[', EXPECTED));
    if cursor.peek() == b']' {
        tri!(cursor.expect(b']', EXPECTED));
        return Ok(numbers);
    }
    loop {
        numbers.push(tri!(cursor.number()));
        if !tri!(cursor.comma_or(b']', EXPECTED)) {
            return Ok(numbers);
        }
    }
}
