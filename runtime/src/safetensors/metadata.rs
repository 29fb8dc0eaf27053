//! The metadata in a header: strings by key.

use super::error::LoadError;
use super::json::{Cursor, tri};
use crate::text::Text;

/// The keys with a meaning for flowlet begin with this. All are shorter than [`Text::CAPACITY`].
const PREFIX: &[u8] = b"flowlet.";

/// The most keys with [`PREFIX`] in a file. The limit bounds the time of the search for duplicates.
const MAX_KEYS: usize = 64;

const END: &str = "`,` or `}` after a metadata value";

/// The position of `__metadata__` in a header.
#[derive(Clone, Copy)]
pub(super) struct Metadata {
    /// The position after the `{`.
    start: usize,
    /// The position after the `}`.
    pub(super) end: usize,
}

impl Metadata {
    /// Consumes `{"key": "value", …}` and checks that no key with [`PREFIX`] occurs twice. Otherwise a reader that
    /// keeps the first value would see another model than a reader that keeps the last one.
    pub(super) const fn check(cursor: &mut Cursor<'_>) -> Result<Self, LoadError> {
        tri!(cursor.expect(b'{', "`{` after `__metadata__`"));
        let start = cursor.position();
        let mut keys = 0;
        // A search among the earlier keys would read them all again, so it is made only for one of the same hash.
        let mut hashes = [0; MAX_KEYS];
        let mut more = cursor.peek() != b'}';
        if !more {
            tri!(cursor.expect(b'}', END));
        }
        while more {
            let earlier = Self { start, end: cursor.position() };
            let (key, _) = tri!(read_pair(cursor));
            if let Some((PREFIX, _)) = key.as_bytes().split_at_checked(PREFIX.len()) {
                if keys >= MAX_KEYS {
                    return cursor.error("at most 64 metadata keys that begin with `flowlet.`");
                }
                let hash = key.hash();
                let mut i = 0;
                while i < keys && hashes[i] != hash {
                    i += 1;
                }
                if i < keys && tri!(earlier.find(cursor, &key)).is_some() {
                    return Err(LoadError::DuplicateMetadata { key });
                }
                hashes[keys] = hash;
                keys += 1;
            }
            more = tri!(cursor.comma_or(b'}', END));
        }
        Ok(Self { start, end: cursor.position() })
    }

    /// The value of `key`, or `None`. `cursor` may be at any position of the header.
    pub(super) const fn find(
        self,
        cursor: &Cursor<'_>,
        key: &Text,
    ) -> Result<Option<Text>, LoadError> {
        let mut cursor = cursor.moved_to(self.start);
        let mut more = cursor.peek() != b'}';
        while more && cursor.position() < self.end {
            let (name, value) = tri!(read_pair(&mut cursor));
            if name.equals(key) {
                return Ok(Some(value));
            }
            more = tri!(cursor.comma_or(b'}', END));
        }
        Ok(None)
    }
}

const fn read_pair(cursor: &mut Cursor<'_>) -> Result<(Text, Text), LoadError> {
    let key = tri!(cursor.string("a metadata key"));
    tri!(cursor.expect(b':', "`:` after a metadata key"));
    let value = tri!(cursor.string("a metadata value, which must be a string"));
    Ok((key, value))
}
