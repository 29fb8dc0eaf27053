//! Short strings of fixed size, which a `const fn` can decode into and an error can carry.

use core::fmt;

/// The first [`Text::CAPACITY`] bytes of a string from a file, for comparisons and messages.
///
/// Characters outside printable ASCII are replaced by `?`. No name or value of the file format has such a
/// character, so comparisons with them are not affected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Text {
    bytes: [u8; Self::CAPACITY],
    /// At most [`Self::CAPACITY`]. One byte, because errors carry two texts by value.
    len: u8,
    cut: bool,
}

impl Text {
    /// The most bytes that are kept. [`Text::is_cut`] returns whether the string was longer.
    pub const CAPACITY: usize = 40;

    pub(crate) const EMPTY: Self = Self { bytes: [0; Self::CAPACITY], len: 0, cut: false };

    pub(crate) const fn new(string: &str) -> Self {
        let mut text = Self::EMPTY;
        let mut i = 0;
        while i < string.len() {
            text.push(string.as_bytes()[i]);
            i += 1;
        }
        text
    }

    /// Whether the string was longer than [`Self::CAPACITY`].
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// The bytes that were kept, as a string.
    pub const fn as_str(&self) -> &str {
        match core::str::from_utf8(self.as_bytes()) {
            Ok(text) => text,
            Err(_) => "",
        }
    }

    pub(crate) const fn as_bytes(&self) -> &[u8] {
        match self.bytes.split_at_checked(self.len as usize) {
            Some((text, _)) => text,
            None => &self.bytes,
        }
    }

    pub(crate) const fn push(&mut self, byte: u8) {
        if (self.len as usize) < Self::CAPACITY {
            self.bytes[self.len as usize] = if byte >= 0x20 && byte < 0x7f { byte } else { b'?' };
            self.len += 1;
        } else {
            self.cut = true;
        }
    }

    /// Whether the string, uncut, equals `other`.
    pub(crate) const fn is(&self, other: &str) -> bool {
        !self.cut && bytes_equal(self.as_bytes(), other.as_bytes())
    }

    /// Whether both strings are uncut and equal.
    pub(crate) const fn equals(&self, other: &Self) -> bool {
        !self.cut && !other.cut && bytes_equal(self.as_bytes(), other.as_bytes())
    }

    /// The FNV-1a hash of the bytes that were kept.
    pub(crate) const fn hash(&self) -> u32 {
        let mut hash = 0x811c_9dc5_u32;
        let bytes = self.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u32).wrapping_mul(0x0100_0193);
            i += 1;
        }
        hash
    }

    /// Parses the string as a decimal number without sign or leading zeros; `None` if it is not one.
    pub(crate) const fn to_number(self) -> Option<u64> {
        if self.len == 0 || self.cut || (self.len > 1 && self.bytes[0] == b'0') {
            return None;
        }
        let mut value: u64 = 0;
        let mut i = 0;
        let digits = self.as_bytes();
        while i < digits.len() {
            let digit = digits[i].wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = match value.checked_mul(10) {
                Some(tens) => match tens.checked_add(digit as u64) {
                    Some(value) => value,
                    None => return None,
                },
                None => return None,
            };
            i += 1;
        }
        Some(value)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.as_str(), if self.cut { "…" } else { "" })
    }
}

/// `a == b` as a `const fn`, which `PartialEq` of slices is not.
pub(crate) const fn bytes_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// The text of an error, made by a `const fn`. A compile error shows it, and a chip prints it without
/// `core::fmt`.
#[derive(Clone, Copy)]
pub struct Message {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Message {
    const CAPACITY: usize = 256;

    pub(crate) const fn new() -> Self {
        Self { bytes: [0; Self::CAPACITY], len: 0 }
    }

    pub(crate) const fn text(mut self, text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() && self.len < Self::CAPACITY {
            self.bytes[self.len] = bytes[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    pub(crate) const fn number(self, value: u64) -> Self {
        if value >= 10 {
            self.number(value / 10).digit((value % 10) as u8)
        } else {
            self.digit(value as u8)
        }
    }

    /// Appends a number with its sign.
    pub(crate) const fn integer(self, value: i32) -> Self {
        let message = if value < 0 { self.text("-") } else { self };
        message.number(value.unsigned_abs() as u64)
    }

    /// Appends `0x` and eight hexadecimal digits.
    pub(crate) const fn hexadecimal(self, value: u32) -> Self {
        let mut message = self.text("0x");
        let mut shift = 32;
        while shift > 0 {
            shift -= 4;
            let digit = (value >> shift) as u8 & 15;
            // `digit` adds its argument to `b'0'`; the letters start at `b'a'`.
            message = message.digit(if digit < 10 { digit } else { digit + (b'a' - b'0' - 10) });
        }
        message
    }

    const fn digit(mut self, digit: u8) -> Self {
        if self.len < Self::CAPACITY {
            self.bytes[self.len] = b'0' + digit;
            self.len += 1;
        }
        self
    }

    /// Appends a string from the file, in backquotes.
    pub(crate) const fn quoted(self, text: &Text) -> Self {
        self.text("`").text(text.as_str()).text(if text.is_cut() { "...`" } else { "`" })
    }

    /// The text: ASCII, at most 256 bytes.
    pub const fn as_str(&self) -> &str {
        let text = match self.bytes.split_at_checked(self.len) {
            Some((text, _)) => text,
            None => &self.bytes,
        };
        match core::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => "the file is not a model that this type can hold",
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
