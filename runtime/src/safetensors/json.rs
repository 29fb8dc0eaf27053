//! Reads the subset of JSON that a safetensors header uses, in `const fn`.

use super::error::LoadError;
use crate::text::Text;

/// The `?` operator, which a `const fn` cannot use.
macro_rules! tri {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(error) => return Err(error),
        }
    };
}
pub(crate) use tri;

/// A position in a JSON text.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// A cursor over the same text at another position.
    pub(crate) const fn moved_to(&self, at: usize) -> Self {
        Self { bytes: self.bytes, at }
    }

    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// Skips white space and returns the next byte without consuming it; 0 at the end of the text.
    pub(crate) const fn peek(&mut self) -> u8 {
        while self.at < self.bytes.len() {
            match self.bytes[self.at] {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return byte,
            }
        }
        0
    }

    /// Consumes `byte` and the white space before it.
    pub(crate) const fn expect(
        &mut self,
        byte: u8,
        expected: &'static str,
    ) -> Result<(), LoadError> {
        if self.peek() == byte && self.at < self.bytes.len() {
            self.at += 1;
            Ok(())
        } else {
            self.error(expected)
        }
    }

    /// After an element of an object or array: consumes `,` and returns `true`, or consumes `close` and
    /// returns `false`.
    pub(crate) const fn comma_or(
        &mut self,
        close: u8,
        expected: &'static str,
    ) -> Result<bool, LoadError> {
        if self.peek() == b',' {
            self.at += 1;
            return Ok(true);
        }
        tri!(self.expect(close, expected));
        Ok(false)
    }

    pub(crate) const fn error<T>(&self, expected: &'static str) -> Result<T, LoadError> {
        Err(LoadError::HeaderSyntax { at: self.at, expected })
    }

    /// Consumes a string and returns it with its escapes decoded.
    pub(crate) const fn string(&mut self, expected: &'static str) -> Result<Text, LoadError> {
        tri!(self.expect(b'"', expected));
        let mut text = Text::EMPTY;
        loop {
            if self.at >= self.bytes.len() {
                return self.error("`\"` at the end of a string");
            }
            let byte = self.bytes[self.at];
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => {
                    self.at += 1;
                    text.push(tri!(self.escape()));
                }
                0..0x20 => return self.error("no control character within a string"),
                // A continuation byte is skipped, so that a character of several bytes becomes one `?`.
                0x80..0xc0 => self.at += 1,
                _ => {
                    text.push(byte);
                    self.at += 1;
                }
            }
        }
    }

    /// Consumes an escape sequence after its backslash. Returns a byte above 0x7f for a character outside
    /// ASCII.
    const fn escape(&mut self) -> Result<u8, LoadError> {
        const EXPECTED: &str = "a JSON escape sequence";
        if self.at >= self.bytes.len() {
            return self.error(EXPECTED);
        }
        let byte = self.bytes[self.at];
        let char = match byte {
            b'"' | b'\\' | b'/' => byte,
            b'b' => 0x08,
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => {
                self.at += 1;
                let unit = tri!(self.hex4());
                return match unit {
                    0xd800..0xdc00 => {
                        // A high surrogate: a low surrogate must follow.
                        let rest = self.bytes.split_at_checked(self.at);
                        if let Some((_, [b'\\', b'u', ..])) = rest {
                            self.at += 2;
                            if let 0xdc00..0xe000 = tri!(self.hex4()) {
                                return Ok(0xff);
                            }
                        }
                        self.error(EXPECTED)
                    }
                    0xdc00..0xe000 => self.error(EXPECTED),
                    0..0x80 => Ok(unit as u8),
                    _ => Ok(0xff),
                };
            }
            _ => return self.error(EXPECTED),
        };
        self.at += 1;
        Ok(char)
    }

    const fn hex4(&mut self) -> Result<u32, LoadError> {
        let mut value = 0;
        let mut i = 0;
        while i < 4 {
            if self.at >= self.bytes.len() {
                return self.error("four hexadecimal digits");
            }
            let digit = match self.bytes[self.at] {
                byte @ b'0'..=b'9' => byte - b'0',
                byte @ b'a'..=b'f' => byte - b'a' + 10,
                byte @ b'A'..=b'F' => byte - b'A' + 10,
                _ => return self.error("four hexadecimal digits"),
            };
            value = value * 16 + digit as u32;
            self.at += 1;
            i += 1;
        }
        Ok(value)
    }

    /// Consumes a number without sign, fraction or exponent.
    pub(crate) const fn number(&mut self) -> Result<u64, LoadError> {
        const EXPECTED: &str = "a whole number from 0 to 18446744073709551615";
        self.peek();
        let mut digits = Text::EMPTY;
        while self.at < self.bytes.len() && self.bytes[self.at].is_ascii_digit() {
            digits.push(self.bytes[self.at]);
            self.at += 1;
        }
        match digits.to_number() {
            Some(value) => Ok(value),
            None => self.error(EXPECTED),
        }
    }
}
