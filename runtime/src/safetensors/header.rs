//! The header of a safetensors file: the names, shapes and positions of its tensors.

use super::entry::{AFTER_ENTRY, AFTER_NAME, Entries, Entry, METADATA, NAME};
use super::error::{LoadError, MAX_HEADER};
use super::json::{Cursor, tri};
use super::metadata::Metadata;
use crate::tensor::{Shape, TensorName};
use crate::text::Text;

/// A file whose header was checked: it is UTF-8 JSON of the prescribed form, each tensor is inside the file,
/// and each byte of the data belongs to exactly one tensor.
#[derive(Clone, Copy)]
pub struct File<'a> {
    header: &'a [u8],
    data: &'a [u8],
    metadata: Option<Metadata>,
    /// Where the description of each tensor begins in the header, by [`TensorName::index`]; 0 for one that is not there.
    /// A search would read the whole header for each tensor, which takes seconds in the compiler's interpreter.
    places: [u32; TensorName::COUNT],
    /// One more than the highest layer that the file names.
    layers: usize,
}

impl<'a> File<'a> {
    /// No file, for [`Self::open`] to read into.
    pub(crate) const NONE: Self =
        Self { header: &[], data: &[], metadata: None, places: [0; TensorName::COUNT], layers: 0 };

    /// Reads and checks the header, in place: a returned file would be on a chip's stack twice.
    pub(crate) const fn open(&mut self, bytes: &'a [u8]) -> Result<(), LoadError> {
        *self = Self::NONE;
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
        (self.header, self.data) = (header, data);
        tri!(self.check_entries());
        self.check_layout()
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
        loop {
            let name = tri!(cursor.string(NAME));
            tri!(cursor.expect(b':', AFTER_NAME));
            if name.is(METADATA) {
                if self.metadata.is_some() {
                    return cursor.error("only one `__metadata__`");
                }
                self.metadata = Some(tri!(Metadata::check(&mut cursor)));
            } else {
                let place = cursor.position() as u32;
                let entry = tri!(Entry::read(&mut cursor, name));
                let tensor = tri!(self.check_entry(&entry));
                // Checked here because it bounds the time of the later checks.
                let index = tensor.index();
                if index < self.places.len() {
                    if self.places[index] > 0 {
                        return Err(LoadError::DuplicateTensor { tensor });
                    }
                    self.places[index] = place;
                }
            }
            if !tri!(cursor.comma_or(b'}', AFTER_ENTRY)) {
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
        let Some(size) = element_size(&entry.dtype) else {
            return Err(LoadError::Dtype { tensor, expected: DTYPES, found: entry.dtype });
        };
        let Entry { begin, end, .. } = *entry;
        if end > self.data.len() as u64 && begin <= end {
            return Err(LoadError::Truncated {
                expected: end.saturating_add(8 + self.header.len() as u64),
                found: (8 + self.header.len() + self.data.len()) as u64,
            });
        }
        match entry.shape.elements().checked_mul(size) {
            Some(bytes) if begin <= end && end - begin == bytes => {}
            _ => return Err(LoadError::Offsets { tensor, begin, end }),
        }
        if let TensorName::Weight { layer }
        | TensorName::Bias { layer }
        | TensorName::Shift { layer } = tensor
            && layer >= self.layers
        {
            self.layers = layer + 1;
        }
        Ok(tensor)
    }

    /// Checks that the tensors follow each other from the start of the data to its end. Each pass over the header
    /// follows the tensors that begin where the last one ended. Most files name them in this order, so that one pass is
    /// enough.
    const fn check_layout(&self) -> Result<(), LoadError> {
        let mut at = 0;
        let mut met: usize = 0;
        loop {
            let (start, mut with_bytes) = (at, 0);
            let mut entries = self.entries();
            while let Some(entry) = tri!(entries.next()) {
                if entry.begin < entry.end {
                    with_bytes += 1;
                    if entry.begin == at {
                        met += 1;
                        at = entry.end;
                    }
                }
            }
            if at == self.data.len() as u64 && met == with_bytes {
                return self.check_empty();
            }
            if at == start {
                return Err(LoadError::Layout { at });
            }
        }
    }

    /// Checks that each tensor without bytes lies between two others, or at an end of the data.
    const fn check_empty(&self) -> Result<(), LoadError> {
        let mut entries = self.entries();
        while let Some(Entry { begin: at, end, .. }) = tri!(entries.next()) {
            if at < end || at == self.data.len() as u64 {
                continue;
            }
            let mut others = self.entries();
            let mut between = false;
            while let Some(entry) = tri!(others.next()) {
                between |= entry.begin == at && entry.end > at;
            }
            if !between {
                return Err(LoadError::Layout { at });
            }
        }
        Ok(())
    }

    /// Iterates over the tensors in the order of the header.
    pub(crate) const fn entries(&self) -> Entries<'a> {
        Entries::new(self.header, self.metadata)
    }

    const fn find(&self, tensor: TensorName) -> Result<Option<Entry>, LoadError> {
        let index = tensor.index();
        if index >= self.places.len() || self.places[index] == 0 {
            return Ok(None);
        }
        let mut cursor = Cursor::new(self.header, self.places[index] as usize);
        match Entry::read(&mut cursor, Text::EMPTY) {
            Ok(entry) => Ok(Some(entry)),
            Err(error) => Err(error),
        }
    }

    /// The shape of a tensor; an error if the file lacks it.
    #[cfg(feature = "alloc")]
    pub(crate) fn shape(&self, tensor: TensorName) -> Result<Shape, LoadError> {
        match self.find(tensor)? {
            Some(entry) => Ok(entry.shape),
            None => Err(LoadError::MissingTensor { tensor }),
        }
    }

    /// The element type of a tensor; `None` if the file lacks it.
    #[cfg(feature = "alloc")]
    pub(crate) fn dtype(&self, tensor: TensorName) -> Result<Option<Text>, LoadError> {
        Ok(self.find(tensor)?.map(|entry| entry.dtype))
    }

    /// The floats of a tensor, little-endian and row-major; `None` if the file lacks it.
    ///
    /// # Errors
    ///
    /// [`LoadError::Shape`] if its shape is not `expected`; [`LoadError::Dtype`] if it has no floats.
    pub(crate) const fn optional(
        &self,
        tensor: TensorName,
        expected: Shape,
    ) -> Result<Option<&'a [[u8; 4]]>, LoadError> {
        match tri!(self.bytes(tensor, expected, "F32")) {
            Some(bytes) => Ok(Some(bytes.as_chunks().0)),
            None => Ok(None),
        }
    }

    /// The bytes of a tensor whose elements are of the type `dtype`, little-endian and row-major; `None` if the file
    /// lacks it.
    ///
    /// # Errors
    ///
    /// [`LoadError::Shape`] or [`LoadError::Dtype`] if it is another tensor.
    pub(crate) const fn bytes(
        &self,
        tensor: TensorName,
        expected: Shape,
        dtype: &'static str,
    ) -> Result<Option<&'a [u8]>, LoadError> {
        let Some(entry) = tri!(self.find(tensor)) else { return Ok(None) };
        if !entry.shape.equals(&expected) {
            return Err(LoadError::Shape { tensor, expected, found: entry.shape });
        }
        if !entry.dtype.is(dtype) {
            return Err(LoadError::Dtype { tensor, expected: dtype, found: entry.dtype });
        }
        // `check_entry` compared both positions with the data's length, so they fit a `usize`.
        if let Some((bytes, _)) = self.data.split_at_checked(entry.end as usize)
            && let Some((_, bytes)) = bytes.split_at_checked(entry.begin as usize)
        {
            return Ok(Some(bytes));
        }
        Ok(Some(&[]))
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

    /// The value of the metadata `key`, if it is there.
    pub(crate) const fn metadata(&self, key: &str) -> Result<Option<Text>, LoadError> {
        match self.metadata {
            Some(metadata) => metadata.find(&Cursor::new(self.header, 0), &Text::new(key)),
            None => Ok(None),
        }
    }
}

/// The types of elements of floating-point and integer models, for an error where it is not known which one is meant.
const DTYPES: &str = "F32, I32, I16, I8 or U8";

/// The size of a tensor's elements in bytes; `None` if no model has elements of this type.
const fn element_size(dtype: &Text) -> Option<u64> {
    if dtype.is("F32") || dtype.is("I32") {
        Some(4)
    } else if dtype.is("I16") {
        Some(2)
    } else if dtype.is("I8") || dtype.is("U8") {
        Some(1)
    } else {
        None
    }
}
