//! Reads and writes safetensors files.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use flowlet::Digest;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};

use super::input;
use super::quote::shortened;

/// The key of the digest in the metadata.
const SEAL: &str = "digest";

/// The tensors and metadata of a file, by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    /// The tensors.
    pub tensors: BTreeMap<String, Block>,
    /// The header's `__metadata__`.
    pub metadata: BTreeMap<String, String>,
}

/// A tensor: its element type, its shape, and its elements as little-endian bytes, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Block {
    /// Creates a tensor of 32-bit floats.
    pub fn f32(shape: &[usize], values: &[f32]) -> Self {
        Self::of(Dtype::F32, shape, values.iter().map(|value| value.to_le_bytes()))
    }

    /// Creates a tensor of 64-bit floats.
    pub fn f64(shape: &[usize], values: &[f64]) -> Self {
        Self::of(Dtype::F64, shape, values.iter().map(|value| value.to_le_bytes()))
    }

    /// Creates a tensor of 32-bit integers.
    pub fn i32(shape: &[usize], values: &[i32]) -> Self {
        Self::of(Dtype::I32, shape, values.iter().map(|value| value.to_le_bytes()))
    }

    /// Creates a tensor of 16-bit integers.
    pub fn i16(shape: &[usize], values: &[i16]) -> Self {
        Self::of(Dtype::I16, shape, values.iter().map(|value| value.to_le_bytes()))
    }

    /// Creates a tensor of 8-bit integers.
    pub fn i8(shape: &[usize], values: &[i8]) -> Self {
        Self::of(Dtype::I8, shape, values.iter().map(|value| value.to_le_bytes()))
    }

    /// Creates a tensor of elements of `N` bytes.
    fn of<const N: usize>(
        dtype: Dtype,
        shape: &[usize],
        values: impl Iterator<Item = [u8; N]>,
    ) -> Self {
        Self { dtype, shape: shape.to_vec(), bytes: values.flatten().collect() }
    }

    /// Creates a tensor of bytes.
    pub fn u8(shape: &[usize], values: &[u8]) -> Self {
        Self { dtype: Dtype::U8, shape: shape.to_vec(), bytes: values.to_vec() }
    }

    /// Creates a tensor `[bytes]` of dtype U8 that holds `text` in UTF-8.
    pub fn text(text: &str) -> Self {
        Self { dtype: Dtype::U8, shape: vec![text.len()], bytes: text.as_bytes().to_vec() }
    }

    /// Returns the text of a tensor of dtype U8.
    ///
    /// # Errors
    ///
    /// Returns an error for another dtype, or bytes that are not UTF-8.
    pub fn to_text(&self) -> Result<String> {
        ensure!(self.dtype == Dtype::U8, "expected dtype U8, found {:?}", self.dtype);
        Ok(String::from_utf8(self.bytes.clone())?)
    }

    /// Returns the size of each dimension, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Refuses a tensor of another shape than `expected`.
    ///
    /// # Errors
    ///
    /// Returns an error that names the tensor and both shapes.
    pub fn check_shape(&self, name: &str, expected: &[usize]) -> Result<()> {
        let found = self.shape();
        ensure!(found == expected, "tensor {name}: expected shape {expected:?}, found {found:?}");
        Ok(())
    }

    /// Returns the type of the elements.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Returns the elements of a tensor of 32-bit floats.
    ///
    /// # Errors
    ///
    /// Returns an error for another dtype.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        ensure!(self.dtype == Dtype::F32, "expected dtype F32, found {:?}", self.dtype);
        Ok(self.bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// Returns the elements of a tensor of integers of at most 32 bits.
    ///
    /// # Errors
    ///
    /// Returns an error if the dtype is not `expected`, or not of such integers.
    pub fn to_i32(&self, expected: Dtype) -> Result<Vec<i32>> {
        macro_rules! convert {
            ($type:ty) => {
                self.bytes.as_chunks().0.iter().map(|b| <$type>::from_le_bytes(*b).into()).collect()
            };
        }
        ensure!(self.dtype == expected, "expected dtype {expected:?}, found {:?}", self.dtype);
        Ok(match self.dtype {
            Dtype::I32 => convert!(i32),
            Dtype::I16 => convert!(i16),
            Dtype::I8 => convert!(i8),
            Dtype::U8 => convert!(u8),
            other => bail!("expected integers of at most 32 bits, found {other:?}"),
        })
    }

    /// Returns the elements as 64-bit floats. Integers beyond 2⁵³ are rounded.
    ///
    /// # Errors
    ///
    /// Returns an error if the elements are not booleans, integers, or floats of 32 or 64 bits.
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        macro_rules! convert {
            ($type:ty) => {
                self.bytes.as_chunks().0.iter().map(|b| <$type>::from_le_bytes(*b) as f64).collect()
            };
        }
        Ok(match self.dtype {
            Dtype::F64 => convert!(f64),
            Dtype::F32 => convert!(f32),
            Dtype::I64 => convert!(i64),
            Dtype::I32 => convert!(i32),
            Dtype::I16 => convert!(i16),
            Dtype::I8 => convert!(i8),
            Dtype::U64 => convert!(u64),
            Dtype::U32 => convert!(u32),
            Dtype::U16 => convert!(u16),
            Dtype::U8 | Dtype::BOOL => convert!(u8),
            other => {
                bail!("expected floats of 32 or 64 bits, integers or booleans, found {other:?}")
            }
        })
    }
}

impl TensorFile {
    /// Parses the bytes of a file.
    ///
    /// # Errors
    ///
    /// Returns an error if they are not a valid safetensors file.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let broken = |error| anyhow!("not a safetensors file, or a damaged one: {error}");
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
        let file = SafeTensors::deserialize(bytes).map_err(broken)?;
        let tensors = file
            .tensors()
            .into_iter()
            .map(|(name, view)| {
                let (shape, bytes) = (view.shape().to_vec(), view.data().to_vec());
                (name, Block { dtype: view.dtype(), shape, bytes })
            })
            .collect();
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        Ok(Self { tensors, metadata })
    }

    /// Reads the file `path`.
    ///
    /// # Errors
    ///
    /// Returns an error that names the file if it cannot be read or is not a valid safetensors file.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&input::read(path)?).with_context(|| path.display().to_string())
    }

    /// Stores the digest of the contents in the metadata, so that damage is noticed.
    pub fn seal(&mut self) {
        self.metadata.insert(SEAL.to_string(), self.digest());
    }

    /// Checks the digest that [`TensorFile::seal`] stored.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none, or the contents have another one.
    pub fn check_seal(&self) -> Result<()> {
        let stored = self.metadata.get(SEAL).context("it has no digest of its contents")?;
        let found = self.digest();
        ensure!(
            *stored == found,
            "expected contents with the digest {}, found {found}",
            shortened(stored)
        );
        Ok(())
    }

    /// Returns the digest of the tensors and the other metadata, as 16 hexadecimal digits.
    fn digest(&self) -> String {
        let mut digest = Digest::new();
        // Each part follows its length, so that no two files give the same bytes.
        let mut add = |bytes: &[u8]| {
            digest.update_bytes(&(bytes.len() as u64).to_le_bytes());
            digest.update_bytes(bytes);
        };
        for (key, value) in self.metadata.iter().filter(|(key, _)| *key != SEAL) {
            [key, value].into_iter().for_each(|text| add(text.as_bytes()));
        }
        for (name, block) in &self.tensors {
            add(name.as_bytes());
            add(format!("{:?} {:?}", block.dtype, block.shape).as_bytes());
            add(&block.bytes);
        }
        format!("{:016x}", digest.value())
    }

    /// Returns the tensor `name`.
    ///
    /// # Errors
    ///
    /// Returns an error if there is none.
    pub fn tensor(&self, name: &str) -> Result<&Block> {
        self.tensors.get(name).with_context(|| format!("tensor {name} is missing"))
    }

    /// Returns the file as bytes. The same contents give the same bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if a tensor's shape does not fit its bytes.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let views = self
            .tensors
            .iter()
            .map(|(name, block)| {
                let view = TensorView::new(block.dtype, block.shape.clone(), &block.bytes)?;
                Ok((name, view))
            })
            .collect::<Result<Vec<_>>>()?;
        // The library writes metadata in the order of a hash map, which differs between processes.
        let bytes = serialize(views, None)?;
        insert_metadata(&bytes, &self.metadata)
    }
}

/// Returns the file `bytes` with `metadata` at the start of its header, sorted by key.
fn insert_metadata(bytes: &[u8], metadata: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    if metadata.is_empty() {
        return Ok(bytes.to_vec());
    }
    let (length, rest) = bytes.split_first_chunk().context("a file without a header")?;
    let (header, data) = rest.split_at(usize::try_from(u64::from_le_bytes(*length))?);
    let entries = header.trim_ascii().strip_prefix(b"{").context("a header that is no object")?;
    let mut header =
        format!("{{\"__metadata__\":{}", serde_json::to_string(metadata)?).into_bytes();
    if entries != b"}" {
        header.push(b',');
    }
    header.extend_from_slice(entries);
    // Like the library, starts the tensors at a multiple of eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend_from_slice(data);
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_safetensors_library_reads_the_written_file() {
        let mut file = TensorFile::default();
        file.tensors.insert("a".into(), Block::f32(&[2, 1], &[1.0, -2.5]));
        file.tensors.insert("b".into(), Block::f64(&[1], &[0.1]));
        file.metadata = [("k\"ey", "väl\nue"), ("another", "")]
            .map(|(key, value)| (key.to_string(), value.to_string()))
            .into();
        let bytes = file.to_bytes().unwrap();
        assert_eq!(TensorFile::parse(&bytes).unwrap(), file);
        assert_eq!(bytes, file.to_bytes().unwrap());
    }

    /// Every byte of the file is flipped once.
    #[test]
    fn a_flipped_byte_breaks_the_seal_unless_it_says_nothing() {
        let mut file = TensorFile::default();
        file.tensors.insert("a".into(), Block::f32(&[2], &[1.0, -2.5]));
        file.tensors.insert("b".into(), Block::f32(&[1, 1], &[0.5]));
        file.metadata.insert("phase".into(), "1".into());
        assert!(file.check_seal().is_err());
        file.seal();
        file.check_seal().unwrap();
        let bytes = file.to_bytes().unwrap();
        for at in 0..bytes.len() {
            for bit in [1, 0x20] {
                let mut flipped = bytes.clone();
                flipped[at] ^= bit;
                if let Ok(read) = TensorFile::parse(&flipped) {
                    assert!(read.check_seal().is_err() || read == file, "byte {at}");
                }
            }
        }
    }

    #[test]
    fn a_file_may_hold_only_metadata() {
        let metadata = [("key".to_string(), "value".to_string())].into();
        let file = TensorFile { metadata, ..TensorFile::default() };
        assert_eq!(TensorFile::parse(&file.to_bytes().unwrap()).unwrap(), file);
    }
}
