//! The encodings of text files: UTF-16 becomes UTF-8 while it is read, others are named.

use std::io::{self, BufRead, BufReader, Read};

use anyhow::{Result, bail};

use crate::disk::input::Input;

/// Returns `input` as UTF-8, if its first bytes say that it is UTF-16. Otherwise returns it as it is.
///
/// # Errors
///
/// Returns an error that names the encoding if the input is UTF-16 without a byte order mark, or UTF-32.
pub(super) fn as_utf8(mut input: Input) -> Result<Input> {
    let start = input.start(64)?;
    let advice = |name: &str| {
        format!("expected text in UTF-8, found {name}: convert it with `iconv -f {name} -t UTF-8`")
    };
    Ok(match start.as_slice() {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => bail!("{}", advice("UTF-32")),
        [0xff, 0xfe, ..] => Input::stream(Utf16::new(input, u16::from_le_bytes)),
        [0xfe, 0xff, ..] => Input::stream(Utf16::new(input, u16::from_be_bytes)),
        start => {
            // Text of tables is mostly ASCII, so every other byte of UTF-16 is zero.
            let zeros = |from: usize| start.iter().skip(from).step_by(2).all(|byte| *byte == 0);
            match start.len() >= 4 {
                true if zeros(1) && !zeros(0) => bail!("{}", advice("UTF-16LE")),
                true if zeros(0) && !zeros(1) => bail!("{}", advice("UTF-16BE")),
                _ => input,
            }
        }
    })
}

/// Says what the encoding of `bytes`, which are not UTF-8, may be, and how to convert the file.
pub(super) fn not_utf8(line: u64, bytes: &[u8]) -> String {
    let wrong = str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
    let byte = bytes.get(wrong).copied().unwrap_or_default();
    let high = || bytes.iter().filter(|byte| byte.is_ascii().eq(&false));
    let undefined = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
    let encoding = if high().any(undefined) {
        "its encoding is unknown"
    } else if high().any(|byte| *byte < 0xa0) {
        "probably Windows-1252"
    } else {
        "probably Latin-1 or Windows-1252"
    };
    format!(
        "line {line}: expected text in UTF-8, found the byte 0x{byte:02x}: {encoding}. Convert the file with \
         `iconv -f WINDOWS-1252 -t UTF-8 FILE > NEW`"
    )
}

/// A reader of UTF-16 that gives UTF-8.
struct Utf16 {
    units: Units,
    /// Text that was decoded and not read yet.
    text: Vec<u8>,
    at: usize,
}

/// The 16-bit units of a file, without its byte order mark.
struct Units {
    input: BufReader<Input>,
    unit: fn([u8; 2]) -> u16,
    error: Option<io::Error>,
}

/// The characters that are decoded at once.
const BLOCK: usize = 1 << 13;

impl Utf16 {
    fn new(mut input: Input, unit: fn([u8; 2]) -> u16) -> Self {
        input.consume(2);
        let units = Units { input: BufReader::new(input), unit, error: None };
        Self { units, text: Vec::new(), at: 0 }
    }
}

impl Iterator for Units {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let mut pair = [0; 2];
        match self.input.fill_buf() {
            Ok([]) => return None,
            Ok([first, second, ..]) => {
                let unit = (self.unit)([*first, *second]);
                self.input.consume(2);
                return Some(unit);
            }
            Ok(_) => {}
            Err(error) => {
                self.error = Some(error);
                return None;
            }
        }
        match self.input.read_exact(&mut pair) {
            Ok(()) => Some((self.unit)(pair)),
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }
}

impl Read for Utf16 {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
            let mut character = [0; 4];
            for decoded in char::decode_utf16(self.units.by_ref()).take(BLOCK) {
                let decoded = decoded.map_err(|error| {
                    io::Error::new(
                        io::ErrorKind::InvalidData,
                        format!("the text in UTF-16 is damaged ({error})"),
                    )
                })?;
                self.text.extend_from_slice(decoded.encode_utf8(&mut character).as_bytes());
            }
            if let Some(error) = self.units.error.take() {
                return Err(error);
            }
        }
        let count = buffer.len().min(self.text.len() - self.at);
        buffer[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
