//! The header of numpy's array files (.npy), versions 1.0, 2.0 and 3.0.
//!
//! A file consists of the magic bytes, the version, the header's length (two bytes in version 1, four in
//! versions 2 and 3), the header, and the values. The header is a Python dictionary in one line:
//! `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`. The parser accepts these three keys in any
//! order and no other Python syntax. Its time grows linearly with the length of the header.

use anyhow::{Context, Result, bail, ensure};

pub(super) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header of version 1, in bytes. numpy writes longer ones only for records of thousands of
/// fields.
const MAX_HEADER: usize = 65_535;

/// The most bytes before the values: the magic bytes, the version, the header's length, and the header.
pub(super) const MOST_BYTES: usize = MAGIC.len() + 6 + MAX_HEADER;

/// The largest number of axes of a numpy array.
const MAX_AXES: usize = 64;

/// The header of an array.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct NpyHeader {
    /// The type of a value, such as `<f4`. For a record, its Python literal, such as `[('x', '<f4')]`.
    pub(super) dtype: String,
    /// Whether the first axis varies fastest in the file. Otherwise the last axis does.
    pub(super) fortran_order: bool,
    /// The length of each axis.
    pub(super) shape: Vec<u64>,
}

impl NpyHeader {
    /// Splits a file into its header and the bytes of its values.
    ///
    /// # Errors
    ///
    /// Returns an error if the file is not a numpy array, is truncated within the header, or has a header
    /// that numpy does not write.
    pub(super) fn parse(file: &[u8]) -> Result<(Self, &[u8])> {
        let rest = file.strip_prefix(MAGIC).context(
            "expected a numpy array (.npy), found a file that does not start like one: write it with \
             numpy.save",
        )?;
        let truncated = "the array is truncated: the file ends within its header";
        let (version, rest) = rest.split_first_chunk::<2>().context(truncated)?;
        let (length, rest) = match version {
            [1, 0] => {
                let (length, rest) = rest.split_first_chunk().context(truncated)?;
                (usize::from(u16::from_le_bytes(*length)), rest)
            }
            [2 | 3, 0] => {
                let (length, rest) = rest.split_first_chunk().context(truncated)?;
                (u32::from_le_bytes(*length) as usize, rest)
            }
            [major, minor] => bail!(
                "expected version 1.0, 2.0 or 3.0 of numpy's format, found {major}.{minor}: write the \
                 array with numpy.save"
            ),
        };
        ensure!(
            length <= MAX_HEADER,
            "expected a header of at most {MAX_HEADER} bytes, found {length}: save a plain array of \
             numbers"
        );
        let (header, values) = rest.split_at_checked(length).context(truncated)?;
        let header = Literal { text: header, at: 0 }.header().with_context(|| {
            let shown: String =
                String::from_utf8_lossy(header).trim_end().chars().take(120).collect();
            format!("the array's header {shown:?} is not one that numpy.save writes")
        })?;
        Ok((header, values))
    }

    /// Returns the bytes before the values, for an array of little-endian 32-bit floats in C order. Like
    /// numpy, pads the header so that the values start at a multiple of 64 bytes.
    pub(super) fn of_f32(shape: &[u64]) -> Vec<u8> {
        let lengths: Vec<String> = shape.iter().map(u64::to_string).collect();
        let lengths = lengths.join(", ");
        let mut header =
            format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({lengths}), }}");
        let before = MAGIC.len() + 4;
        let end = (before + header.len() + 1).next_multiple_of(64);
        header.extend(std::iter::repeat_n(' ', end - before - header.len() - 1));
        header.push('\n');
        // numpy's arrays have at most 64 axes, of at most 20 digits each, so the header's length fits into the 16 bits of
        // version 1.
        let mut file = MAGIC.to_vec();
        file.extend([1, 0]);
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.into_bytes());
        file
    }
}

/// A parser of the header's dictionary.
struct Literal<'a> {
    text: &'a [u8],
    at: usize,
}

impl Literal<'_> {
    fn header(mut self) -> Result<NpyHeader> {
        let (mut dtype, mut fortran_order, mut shape) = (None, None, None);
        self.expect(b'{')?;
        while !self.take(b'}') {
            let key = self.string()?;
            self.expect(b':')?;
            let again = match key.as_str() {
                "descr" => dtype.replace(self.dtype()?).is_some(),
                "fortran_order" => fortran_order.replace(self.boolean()?).is_some(),
                "shape" => shape.replace(self.shape()?).is_some(),
                _ => bail!("expected the keys descr, fortran_order and shape, found {key:?}"),
            };
            ensure!(!again, "expected the key {key} once, found it twice");
            if !self.take(b',') {
                self.expect(b'}')?;
                break;
            }
        }
        ensure!(self.peek().is_none(), "expected nothing after the closing brace");
        Ok(NpyHeader {
            dtype: dtype.context("the key descr is missing")?,
            fortran_order: fortran_order.context("the key fortran_order is missing")?,
            shape: shape.context("the key shape is missing")?,
        })
    }

    /// Skips white space and returns the next byte without consuming it.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Consumes `byte` if it comes next after white space. Returns whether it did.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        ensure!(self.take(byte), "expected {:?} at byte {}", char::from(byte), self.at);
        Ok(())
    }

    /// Consumes and returns the longest run of bytes that satisfy `wanted`, or "" if the run is not UTF-8.
    fn run(&mut self, wanted: impl Fn(u8) -> bool) -> &str {
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|byte| wanted(**byte)).count();
        self.at += length;
        str::from_utf8(&rest[..length]).unwrap_or_default()
    }

    /// Parses a string in single or double quotes. Escapes are refused: no key or numeric type has any.
    fn string(&mut self) -> Result<String> {
        let quote = self.peek().filter(|byte| matches!(byte, b'\'' | b'"'));
        let quote = quote.with_context(|| format!("expected a string at byte {}", self.at))?;
        self.at += 1;
        let text = self.run(|byte| byte.is_ascii() && byte != quote && byte != b'\\').to_string();
        self.expect(quote)?;
        Ok(text)
    }

    fn dtype(&mut self) -> Result<String> {
        match self.peek() {
            Some(b'[' | b'(') => self.record(),
            _ => self.string(),
        }
    }

    /// Returns the type of a record as it is written, up to its closing bracket. Its field names may contain
    /// any characters, including escaped ones.
    fn record(&mut self) -> Result<String> {
        let (start, mut depth, mut quote) = (self.at, 0_usize, None);
        while let Some(&byte) = self.text.get(self.at) {
            self.at += 1;
            match (quote, byte) {
                (Some(_), b'\\') => self.at += 1,
                (Some(open), _) if byte == open => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"') => quote = Some(byte),
                (None, b'[' | b'(') => depth += 1,
                (None, b']' | b')') => depth -= 1,
                (None, _) => {}
            }
            if depth == 0 {
                return Ok(String::from_utf8_lossy(&self.text[start..self.at]).into_owned());
            }
        }
        bail!("the bracket at byte {start} is not closed")
    }

    fn boolean(&mut self) -> Result<bool> {
        self.peek();
        let at = self.at;
        match self.run(|byte| byte.is_ascii_alphabetic()) {
            "True" => Ok(true),
            "False" => Ok(false),
            _ => bail!("expected True or False at byte {at}"),
        }
    }

    /// Parses a tuple of lengths: `()`, `(3,)` or `(3, 2)`.
    fn shape(&mut self) -> Result<Vec<u64>> {
        self.expect(b'(')?;
        let mut shape = Vec::new();
        while !self.take(b')') {
            ensure!(shape.len() < MAX_AXES, "expected at most {MAX_AXES} axes");
            let at = self.at;
            let digits = self.run(|byte| byte.is_ascii_digit());
            let size = digits.parse().ok();
            shape.push(
                size.with_context(|| format!("expected the length of an axis at byte {at}"))?,
            );
            // Python 2 wrote long integers with this suffix.
            self.take(b'L');
            if !self.take(b',') {
                ensure!(shape.len() > 1, "expected a tuple such as (3,) or (3, 2) for the shape");
                self.expect(b')')?;
                break;
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// Returns a file of version 1 with this header and no values.
    fn version_1(header: impl AsRef<[u8]>) -> Vec<u8> {
        let header = header.as_ref();
        let length = u16::try_from(header.len()).unwrap();
        [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], header].concat()
    }

    fn parse(header: impl AsRef<[u8]>) -> Result<NpyHeader> {
        NpyHeader::parse(&version_1(header)).map(|(header, _)| header)
    }

    /// Checks that a file is refused with a short error that contains `expected`.
    #[track_caller]
    fn refused(file: &[u8], expected: &str) {
        let error = format!("{:#}", NpyHeader::parse(file).unwrap_err());
        assert!(error.contains(expected), "{error}");
        assert!(error.len() < 400, "{error}");
    }

    #[test]
    fn headers_that_numpy_wrote_are_read() {
        for (header, dtype, fortran_order, shape) in [
            (
                "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }",
                "<f4",
                false,
                &[3, 2][..],
            ),
            ("{'descr': '<f8', 'fortran_order': False, 'shape': (), }  \n", "<f8", false, &[]),
            ("{'descr': '>i2', 'fortran_order': True, 'shape': (3,), }\n", ">i2", true, &[3]),
            (
                "{'descr': '<M8[us]', 'fortran_order': False, 'shape': (2,), }",
                "<M8[us]",
                false,
                &[2],
            ),
            // Written by Python 2, with the keys in another order.
            ("{'shape': (3L, 2L), 'fortran_order': False, 'descr': '|u1'}", "|u1", false, &[3, 2]),
        ] {
            let expected = NpyHeader { dtype: dtype.into(), fortran_order, shape: shape.to_vec() };
            assert_eq!(parse(header).unwrap(), expected, "{header}");
        }
        let record = "[('a]', '<f4'), ('b\\'(', '<i4', (2,))]";
        let header = format!("{{'descr': {record}, 'fortran_order': False, 'shape': (2,), }}");
        assert_eq!(parse(header).unwrap().dtype, record);
    }

    #[test]
    fn versions_2_and_3_have_a_header_length_of_four_bytes() {
        let header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
        for version in [2, 3] {
            let mut file = b"\x93NUMPY".to_vec();
            file.extend([version, 0]);
            file.extend((header.len() as u32).to_le_bytes());
            file.extend(header);
            file.extend([1, 2, 3, 4]);
            let (found, values) = NpyHeader::parse(&file).unwrap();
            assert_eq!((found.shape, values), (vec![1], &[1, 2, 3, 4][..]));
        }
        refused(b"\x93NUMPY\x04\x00", "found 4.0");
        refused(b"\x93NUMPY\x01\x01", "found 1.1");
    }

    #[test]
    fn other_files_and_truncated_headers_are_refused() {
        for other in [&b""[..], b"\x93NUM", b"PK\x03\x04", b"1,2\n3,4\n"] {
            refused(other, "expected a numpy array (.npy)");
        }
        let whole = version_1("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }");
        for length in 6..whole.len() {
            refused(&whole[..length], "truncated");
        }
        // The header's length exceeds the file, or the limit. No memory is allocated for it.
        refused(b"\x93NUMPY\x02\x00\xff\xff\x00\x00{}", "truncated");
        refused(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}", "found 4294967295");
    }

    #[test]
    fn a_header_that_numpy_does_not_write_is_refused() {
        for (header, expected) in [
            ("", "'{'"),
            ("{}", "descr is missing"),
            ("{'descr': '<f4', 'shape': (3,), }", "fortran_order is missing"),
            ("{'descr': '<f4', 'fortran_order': False}", "shape is missing"),
            ("{'descr': '<f4', 'descr': '<f8'}", "expected the key descr once"),
            ("{'dtype': '<f4'}", "found \"dtype\""),
            ("{'descr': <f4}", "expected a string at byte 10"),
            ("{'descr': '<f4", "'\\''"),
            ("{'descr': '\\x3cf4'}", "'\\''"),
            ("{'descr': [('x', '<f4')}", "not closed"),
            ("{'descr': [('x\\", "not closed"),
            ("{'descr' '<f4'}", "':'"),
            ("{'descr': '<f4' 'shape': (3,)}", "'}'"),
            ("{'fortran_order': 1}", "expected True or False at byte 18"),
            ("{'shape': 3}", "'('"),
            ("{'shape': (3)}", "a tuple such as (3,)"),
            ("{'shape': (3, -1)}", "the length of an axis at byte 14"),
            ("{'shape': (3.0,)}", "tuple"),
            ("{'shape': (18446744073709551616,)}", "the length of an axis at byte 11"),
            ("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), } + 1", "nothing after"),
        ] {
            refused(&version_1(header), expected);
            assert!(format!("{:#}", parse(header).unwrap_err()).contains("numpy.save"), "{header}");
        }
        let axes = format!("{{'shape': ({})}}", "1,".repeat(65));
        refused(&version_1(axes), "at most 64 axes");
        refused(&version_1(b"{'\xff': 1}"), "expected");
    }

    /// An earlier parser took 1.7 times as long for each further bracket.
    #[test]
    fn nested_headers_take_linear_time() {
        let start = Instant::now();
        for open in ["[", "(", "{", "{'descr':[", "{'descr':(", "{'shape':("] {
            for depth in [40, 65_000 / open.len()] {
                let close = if open.ends_with('[') { "]" } else { ")" };
                let deep = open.repeat(depth);
                refused(&version_1(&deep), "numpy.save");
                let closed = deep + &close.repeat(depth);
                refused(&version_1(&closed[..closed.len().min(65_535)]), "numpy.save");
            }
        }
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    }

    #[test]
    fn a_written_header_equals_numpys() {
        let file = NpyHeader::of_f32(&[3, 2]);
        let numpys = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
        assert_eq!(file, version_1(format!("{numpys:117}\n")));
        for shape in [&[0, 0][..], &[9, 10], &[u64::MAX, u64::MAX], &[5; 64]] {
            let file = NpyHeader::of_f32(shape);
            assert_eq!(file.len() % 64, 0);
            let (header, values) = NpyHeader::parse(&file).unwrap();
            assert_eq!((header.shape, values.len()), (shape.to_vec(), 0));
        }
    }
}
