//! The header of a safetensors file: the names, shapes and positions of its tensors.

use super::error::{LoadError, MAX_HEADER};
use super::json::{Cursor, tri};
use crate::tensor::{Shape, TensorName};
use crate::text::Text;

/// A file whose header was checked: it is UTF-8 JSON of the prescribed form, each tensor is inside the file,
/// and each byte of the data belongs to exactly one tensor.
#[derive(Clone, Copy)]
pub(crate) struct File<'a> {
    header: &'a [u8],
    data: &'a [u8],
    /// The position of the `{` of `__metadata__` in the header, if there is one.
    metadata: Option<usize>,
    /// The position after `__metadata__`, so that scans for tensors can skip it.
    metadata_end: usize,
    /// One more than the highest layer that the file names.
    layers: usize,
}

/// A tensor as the header describes it.
#[derive(Clone, Copy)]
struct Entry {
    name: Text,
    dtype: Text,
    shape: Shape,
    begin: u64,
    end: u64,
}

impl<'a> File<'a> {
    /// Reads and checks the header.
    pub(crate) const fn open(bytes: &'a [u8]) -> Result<Self, LoadError> {
        let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
            return Err(LoadError::Truncated { expected: 8, found: bytes.len() as u64 });
        };
        let length = u64::from_le_bytes(*length);
        if length > MAX_HEADER {
            return Err(LoadError::HeaderTooLong { found: length });
        }
        // At most 2²⁰, which fits a `usize` on every target.
        let Some((header, data)) = rest.split_at_checked(length as usize) else {
            return Err(LoadError::Truncated { expected: 8 + length, found: bytes.len() as u64 });
        };
        if core::str::from_utf8(header).is_err() {
            return Err(LoadError::HeaderNotUtf8);
        }
        let mut file = Self { header, data, metadata: None, metadata_end: 0, layers: 0 };
        tri!(file.check_entries());
        tri!(file.check_layout());
        Ok(file)
    }

    /// One more than the highest layer that the file names.
    #[cfg(feature = "alloc")]
    pub(crate) const fn layers(&self) -> usize {
        self.layers
    }

    /// Reads the whole header once and checks its syntax and every tensor's name, dtype and offsets.
    const fn check_entries(&mut self) -> Result<(), LoadError> {
        let mut cursor = Cursor::new(self.header, 0);
        tri!(cursor.expect(b'{', "`{` at the start"));
        if cursor.position() != 1 {
            return Cursor::new(self.header, 0).error("`{` at the start");
        }
        if cursor.peek() == b'}' {
            return Err(LoadError::LayerCount { found: 0 });
        }
        let mut seen = [false; TensorName::COUNT];
        loop {
            let name = tri!(cursor.string("a tensor's name"));
            tri!(cursor.expect(b':', "`:` after a tensor's name"));
            if name.is("__metadata__") {
                if self.metadata.is_some() {
                    return cursor.error("only one `__metadata__`");
                }
                self.metadata = Some({
                    cursor.peek();
                    cursor.position()
                });
                tri!(skip_metadata(&mut cursor));
                self.metadata_end = cursor.position();
            } else {
                let entry = tri!(read_entry(&mut cursor, name));
                let tensor = tri!(self.check_entry(&entry));
                // Checked here because it bounds the time of the later checks.
                let index = tensor.index();
                if index < seen.len() {
                    if seen[index] {
                        return Err(LoadError::DuplicateTensor { tensor });
                    }
                    seen[index] = true;
                }
            }
            if !tri!(cursor.comma_or(b'}', "`,` or `}` after a tensor")) {
                break;
            }
        }
        cursor.peek();
        if cursor.position() != self.header.len() {
            return cursor.error("nothing but white space after the last `}`");
        }
        Ok(())
    }

    const fn check_entry(&mut self, entry: &Entry) -> Result<TensorName, LoadError> {
        let Some(tensor) = TensorName::parse(&entry.name) else {
            return Err(LoadError::UnexpectedTensor { name: entry.name });
        };
        if !entry.dtype.is("F32") {
            return Err(LoadError::Dtype { tensor, found: entry.dtype });
        }
        let Entry { begin, end, .. } = *entry;
        if end > self.data.len() as u64 && begin <= end {
            return Err(LoadError::Truncated {
                expected: end.saturating_add(8 + self.header.len() as u64),
                found: (8 + self.header.len() + self.data.len()) as u64,
            });
        }
        let bytes = match entry.shape.elements() {
            Some(elements) => elements.checked_mul(4),
            None => None,
        };
        match bytes {
            Some(bytes) if begin <= end && end - begin == bytes => {}
            _ => return Err(LoadError::Offsets { tensor, begin, end }),
        }
        if let TensorName::Weight { layer } | TensorName::Bias { layer } = tensor
            && layer >= self.layers
        {
            self.layers = layer + 1;
        }
        Ok(tensor)
    }

    /// Checks that each byte of the data belongs to exactly one tensor. Goes from the end of one tensor to
    /// the tensor that begins there, and counts that every tensor was reached.
    const fn check_layout(&self) -> Result<(), LoadError> {
        let length = self.data.len() as u64;
        let mut at = 0;
        let mut met = 0;
        while at < length {
            let mut entries = self.entries();
            at = loop {
                match tri!(entries.next()) {
                    Some(entry) if entry.begin == at && entry.end > at => break entry.end,
                    Some(_) => {}
                    None => return Err(LoadError::Layout { at }),
                }
            };
            met += 1;
        }
        let mut entries = self.entries();
        while let Some(entry) = tri!(entries.next()) {
            if entry.end > entry.begin {
                if met == 0 {
                    return Err(LoadError::Layout { at: entry.begin });
                }
                met -= 1;
            }
        }
        Ok(())
    }

    const fn entries(&self) -> Entries<'a> {
        let mut cursor = Cursor::new(self.header, 1);
        cursor.peek();
        Entries { file: *self, cursor, done: false }
    }

    const fn find(&self, tensor: TensorName) -> Result<Option<Entry>, LoadError> {
        let mut entries = self.entries();
        while let Some(entry) = tri!(entries.next()) {
            if let Some(name) = TensorName::parse(&entry.name)
                && name.equals(tensor)
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The shape of a tensor; an error if the file lacks it.
    #[cfg(feature = "alloc")]
    pub(crate) fn shape(&self, tensor: TensorName) -> Result<Shape, LoadError> {
        match self.find(tensor)? {
            Some(entry) => Ok(entry.shape),
            None => Err(LoadError::MissingTensor { tensor }),
        }
    }

    /// The values of a tensor, little-endian and row-major; `None` if the file lacks it.
    ///
    /// # Errors
    ///
    /// [`LoadError::Shape`] if its shape is not `expected`.
    pub(crate) const fn optional(
        &self,
        tensor: TensorName,
        expected: Shape,
    ) -> Result<Option<&'a [[u8; 4]]>, LoadError> {
        let Some(entry) = tri!(self.find(tensor)) else { return Ok(None) };
        if !entry.shape.equals(&expected) {
            return Err(LoadError::Shape { tensor, expected, found: entry.shape });
        }
        // `check_entry` compared both with the data's length, so they fit a `usize`.
        if let Some((bytes, _)) = self.data.split_at_checked(entry.end as usize)
            && let Some((_, bytes)) = bytes.split_at_checked(entry.begin as usize)
        {
            return Ok(Some(bytes.as_chunks().0));
        }
        Err(LoadError::Offsets { tensor, begin: entry.begin, end: entry.end })
    }

    /// [`Self::optional`], with an error if the file lacks the tensor.
    pub(crate) const fn required(
        &self,
        tensor: TensorName,
        expected: Shape,
    ) -> Result<&'a [[u8; 4]], LoadError> {
        match tri!(self.optional(tensor, expected)) {
            Some(values) => Ok(values),
            None => Err(LoadError::MissingTensor { tensor }),
        }
    }

    /// Rejects tensors of layers after the last one, and a `grid` that is not a vector.
    pub(crate) const fn check_extent(&self, layers: usize) -> Result<(), LoadError> {
        let mut entries = self.entries();
        while let Some(entry) = tri!(entries.next()) {
            match TensorName::parse(&entry.name) {
                Some(TensorName::Weight { layer } | TensorName::Bias { layer })
                    if layer < layers => {}
                Some(TensorName::Weight { .. } | TensorName::Bias { .. }) | None => {
                    return Err(LoadError::UnexpectedTensor { name: entry.name });
                }
                Some(TensorName::Grid) if entry.shape.dims().len() != 1 => {
                    let expected = Shape::vector(2);
                    let found = entry.shape;
                    return Err(LoadError::Shape { tensor: TensorName::Grid, expected, found });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The metadata value of `key`, if there is one.
    pub(crate) const fn metadata(&self, key: &'static str) -> Result<Option<Text>, LoadError> {
        let Some(start) = self.metadata else { return Ok(None) };
        let mut cursor = Cursor::new(self.header, start + 1);
        let mut found = None;
        if cursor.peek() == b'}' {
            return Ok(None);
        }
        loop {
            let (name, value) = tri!(read_pair(&mut cursor));
            if name.is(key) {
                if found.is_some() {
                    return Err(LoadError::DuplicateMetadata { key });
                }
                found = Some(value);
            }
            if !tri!(cursor.comma_or(b'}', METADATA_END)) {
                return Ok(found);
            }
        }
    }
}

const METADATA_END: &str = "`,` or `}` after a metadata value";

/// Iterates over the tensors of a header.
struct Entries<'a> {
    file: File<'a>,
    cursor: Cursor<'a>,
    done: bool,
}

impl Entries<'_> {
    const fn next(&mut self) -> Result<Option<Entry>, LoadError> {
        while !self.done {
            let name = tri!(self.cursor.string("a tensor's name"));
            tri!(self.cursor.expect(b':', "`:` after a tensor's name"));
            let entry = if name.is("__metadata__") {
                self.cursor = Cursor::new(self.file.header, self.file.metadata_end);
                None
            } else {
                Some(tri!(read_entry(&mut self.cursor, name)))
            };
            self.done = !tri!(self.cursor.comma_or(b'}', "`,` or `}` after a tensor"));
            if entry.is_some() {
                return Ok(entry);
            }
        }
        Ok(None)
    }
}

const fn skip_metadata(cursor: &mut Cursor<'_>) -> Result<(), LoadError> {
    tri!(cursor.expect(b'{', "`{` after `__metadata__`"));
    if cursor.peek() == b'}' {
        return cursor.expect(b'}', METADATA_END);
    }
    loop {
        tri!(read_pair(cursor));
        if !tri!(cursor.comma_or(b'}', METADATA_END)) {
            return Ok(());
        }
    }
}

const fn read_pair(cursor: &mut Cursor<'_>) -> Result<(Text, Text), LoadError> {
    let key = tri!(cursor.string("a metadata key"));
    tri!(cursor.expect(b':', "`:` after a metadata key"));
    let value = tri!(cursor.string("a metadata value, which must be a string"));
    Ok((key, value))
}

/// Reads `{"dtype": …, "shape": […], "data_offsets": […]}`, with the keys in any order.
const fn read_entry(cursor: &mut Cursor<'_>, name: Text) -> Result<Entry, LoadError> {
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
            [begin, end] => Ok(Entry { name, dtype, shape, begin, end }),
            _ => cursor.error("two numbers in `data_offsets`"),
        },
        _ => cursor.error(KEY),
    }
}

const fn read_numbers(cursor: &mut Cursor<'_>) -> Result<Shape, LoadError> {
    const EXPECTED: &str = "a list of numbers";
    let mut numbers = Shape::EMPTY;
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
