//! Decompresses inputs while they are read. The first bytes decide the format, not the name.

use std::io::{self, BufRead, ErrorKind, Read};

use anyhow::{Result, bail};
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// The most bytes at the start of a file that tell its format.
pub(super) const MAGIC: usize = 10;

/// The endings of the names of compressed files.
const ENDINGS: [&str; 4] = [".gz", ".gzip", ".zst", ".zstd"];

/// Returns `name` without the ending of a compressed file, if it has one.
pub fn without_ending(name: &str) -> &str {
    let lower = name.to_ascii_lowercase();
    let ending = ENDINGS.into_iter().find(|ending| lower.ends_with(ending));
    ending.map_or(name, |ending| &name[..name.len() - ending.len()])
}

/// The reader of a compressed input, or the input itself if it is not compressed.
pub(super) enum Opened<R> {
    Plain(R),
    Compressed(Box<dyn Read>),
}

/// Decompresses `reader`, which starts with the bytes `start`.
///
/// # Errors
///
/// Returns an error for a format of compression that is not read.
pub(super) fn decompressed<R: BufRead + 'static>(reader: R, start: &[u8]) -> Result<Opened<R>> {
    let other = match start {
        [0x1f, 0x8b, ..] => {
            let decoder = Named { inner: MultiGzDecoder::new(reader), format: "gzip" };
            return Ok(Opened::Compressed(Box::new(decoder)));
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            let inner = Zstd { source: reader, decoder: FrameDecoder::new(), within: false };
            let decoder = Named { inner, format: "zstd" };
            return Ok(Opened::Compressed(Box::new(decoder)));
        }
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => ("xz", "xz -dc"),
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', b'S', b'Y'] => {
            ("bzip2", "bzip2 -dc")
        }
        _ => return Ok(Opened::Plain(reader)),
    };
    let (format, command) = other;
    bail!(
        "compressed by {format}: expected gzip, zstd or no compression. Decompress it: {command} FILE | flowlet … -"
    )
}

/// A decoder whose errors name its format.
struct Named<R> {
    inner: R,
    format: &'static str,
}

impl<R: Read> Read for Named<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::Interrupted => error,
            kind => io::Error::new(
                kind,
                format!("the {} file is damaged or ends early ({error})", self.format),
            ),
        })
    }
}

/// The frames of a zstd file, one after the other. `pzstd`, and `cat` of two files, write several.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    /// Whether the decoder is within a frame.
    within: bool,
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Self { source, decoder, within } = self;
        loop {
            if *within {
                while decoder.can_collect() == 0 && !decoder.is_finished() {
                    decoder
                        .decode_blocks(&mut *source, BlockDecodingStrategy::UptoBlocks(1))
                        .map_err(io::Error::other)?;
                }
                let count = decoder.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
                let expected = decoder.get_checksum_from_data();
                if expected.is_some() && expected != decoder.get_calculated_checksum() {
                    return Err(io::Error::other("its checksum is wrong"));
                }
                *within = false;
            }
            if source.fill_buf()?.is_empty() {
                return Ok(0);
            }
            match decoder.init(&mut *source) {
                Ok(()) => *within = true,
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(&mut source.take(length.into()), &mut io::sink())?;
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Cursor, Write};

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<u8>> {
        let start = bytes[..bytes.len().min(MAGIC)].to_vec();
        let reader = BufReader::new(Cursor::new(bytes.to_vec()));
        let mut text = Vec::new();
        match decompressed(reader, &start)? {
            Opened::Plain(mut reader) => reader.read_to_end(&mut text)?,
            Opened::Compressed(mut reader) => reader.read_to_end(&mut text)?,
        };
        Ok(text)
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        compress_to_vec(text, CompressionLevel::Fastest)
    }

    #[test]
    fn all_parts_of_a_compressed_file_are_read() {
        let text: Vec<u8> =
            (0..200_000_u32).flat_map(|k| (k % 977 * k % 977).to_le_bytes()).collect();
        assert_eq!(read(b"x,y\n1,2\n").unwrap(), b"x,y\n1,2\n");
        assert_eq!(read(b"").unwrap(), b"");
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd(b"last")].concat();
        for (parts, rest) in [
            ([gzip(&text), gzip(b"last")].concat(), &b"last"[..]),
            ([zstd(&text), zstd(b"last")].concat(), b"last"),
            ([zstd(&text), skipped].concat(), b"last"),
        ] {
            assert!(read(&parts).unwrap() == [&text[..], rest].concat());
        }
    }

    #[test]
    fn damaged_files_are_errors_that_name_the_format() {
        let text = b"a line of text, and another one, and another one, and another one";
        for (whole, format) in [(gzip(text), "gzip"), (zstd(text), "zstd")] {
            for length in 5..whole.len() {
                let error = read(&whole[..length]).unwrap_err().to_string();
                assert!(
                    error.contains(format) && error.contains("ends early"),
                    "{length}: {error}"
                );
            }
        }
        let mut wrong = gzip(text);
        let end = wrong.len() - 8;
        wrong[end] ^= 1;
        assert!(read(&wrong).unwrap_err().to_string().contains("gzip file is damaged"));
    }

    #[test]
    fn other_formats_are_refused_by_name() {
        for (start, name) in [(&b"\xfd7zXZ\0\0\x04"[..], "xz"), (b"BZh91AY&SY", "bzip2")] {
            assert!(read(start).unwrap_err().to_string().contains(name));
        }
        assert_eq!(without_ending("a.csv.GZ"), "a.csv");
        assert_eq!(without_ending("a.csv"), "a.csv");
    }
}
