//! Reads the tensors of a state dict: a safetensors file, or an archive that `torch.save` wrote.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use candle_core::{DType, Device, Tensor};
use zip::{CompressionMethod, ZipArchive};

use super::pickle::{Id, Pickle, Value};
use crate::disk::input;

/// The most bytes of an archive's pickle. That of a million tensors has some 200 MB; a network of linear layers
/// has some hundred bytes for each tensor.
const MOST_PICKLE: u64 = 1 << 24;

/// The numbers that all tensors together may have beyond those in the file: tensors may share a storage, or
/// repeat a number along an axis.
const SHARED: usize = 1 << 22;

/// Reads a state dict (`.safetensors`, `.pt` or `.pth`).
///
/// # Errors
///
/// Returns an error that names the file if it has another extension, cannot be read, or holds anything else.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, Tensor>> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or("");
    let expected = || {
        format!(
            "{}: expected a state dict of tensors, as torch.save(model.state_dict(), FILE) writes one",
            path.display()
        )
    };
    let tensors: BTreeMap<String, Tensor> = match extension {
        "safetensors" => candle_core::safetensors::load_buffer(&input::read(path)?, &Device::Cpu)
            .map_err(|error| anyhow::anyhow!("{}", plain(&error)))
            .with_context(expected)?
            .into_iter()
            .collect(),
        "pt" | "pth" => {
            let (file, size) = input::open(path)?;
            Archive::open(file, size)
                .and_then(|mut archive| archive.tensors())
                .with_context(expected)?
        }
        _ => bail!("{}: expected a name that ends in .safetensors, .pt or .pth", path.display()),
    };
    ensure!(!tensors.is_empty(), expected());
    Ok(tensors)
}

/// Returns candle's error without the backtrace that its text has where `RUST_BACKTRACE` is set.
fn plain(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}

/// An archive that torch.save wrote: a pickle that describes the tensors, and an entry for each storage.
struct Archive {
    zip: ZipArchive<BufReader<File>>,
    size: u64,
    /// The name of the pickle up to `data.pkl`.
    prefix: String,
    /// How many more numbers the tensors may have.
    left: usize,
}

/// A tensor as the pickle describes it: a view of a storage.
#[derive(Debug)]
struct View<'a> {
    dtype: DType,
    key: &'a str,
    /// The number of its first element in the storage.
    offset: usize,
    shape: Vec<usize>,
    /// The elements from one index to the next, for each axis.
    strides: Vec<usize>,
}

impl Archive {
    fn open(file: File, size: u64) -> Result<Self> {
        let zip = ZipArchive::new(BufReader::new(file)).context(
            "not a zip archive, which torch.save writes since PyTorch 1.6: load the file with PyTorch and save \
             it again",
        )?;
        let names: Vec<String> = (0..zip.len())
            .filter_map(|k| {
                zip.name_for_index(k).and_then(|name| name.ok()).map(|name| name.to_string())
            })
            .collect();
        let pickles: Vec<&String> =
            names.iter().filter(|name| name.ends_with("data.pkl")).collect();
        let prefix = match pickles[..] {
            [only] => only.trim_end_matches("data.pkl").to_string(),
            _ => bail!("expected an archive with one entry data.pkl, found {}", pickles.len()),
        };
        let left = usize::try_from(size)?.saturating_add(SHARED);
        Ok(Self { zip, size, prefix, left })
    }

    /// Reads an entry of at most `most` bytes.
    fn entry(&mut self, name: &str, most: u64) -> Result<Vec<u8>> {
        let name = format!("{}{name}", self.prefix);
        let entry =
            self.zip.by_name(&name).with_context(|| format!("the entry {name} is missing"))?;
        // torch.save never compresses: compressed, a small file could expand to any size.
        ensure!(
            entry.compression() == CompressionMethod::Stored && entry.size() <= self.size,
            "the entry {name} is compressed: write the file with torch.save"
        );
        ensure!(
            entry.size() <= most,
            "the entry {name} has {} bytes, expected at most {most}",
            entry.size()
        );
        let (size, mut bytes) = (entry.size(), Vec::new());
        // The checksum is compared at the end of the entry.
        entry
            .take(size + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("the entry {name} is damaged"))?;
        ensure!(bytes.len() as u64 == size, "the entry {name} is truncated");
        Ok(bytes)
    }

    fn tensors(&mut self) -> Result<BTreeMap<String, Tensor>> {
        if self.zip.index_for_name(&format!("{}byteorder", self.prefix)).is_some() {
            let order = self.entry("byteorder", 16)?;
            ensure!(
                order == b"little",
                "expected little-endian tensors: save the file on a little-endian machine"
            );
        }
        let pickle = Pickle::read(&self.entry("data.pkl", MOST_PICKLE)?)?;
        let Value::Dict(items) = pickle.root() else {
            bail!("the file holds no dictionary of tensors");
        };
        let mut views = BTreeMap::new();
        for (key, value) in items {
            let name = pickle.text(*key).context("expected the name of a tensor as a key")?;
            let view = match pickle.get(*value) {
                Value::Dict(_) => bail!(
                    "{name} is a dictionary: save the weights alone, as in \
                     torch.save(checkpoint[{name:?}], FILE)"
                ),
                Value::Call { .. } => {
                    view(&pickle, *value).with_context(|| format!("tensor {name}"))?
                }
                _ => bail!(
                    "{name} is not a tensor: save the weights alone, as in torch.save(model.state_dict(), FILE)"
                ),
            };
            ensure!(views.insert(name, view).is_none(), "two tensors are called {name}");
        }
        // The views of one storage follow each other, so that each is read once and only one is in memory.
        let mut views: Vec<(&str, View<'_>)> = views.into_iter().collect();
        views.sort_by_key(|(_, view)| view.key);
        let mut tensors = BTreeMap::new();
        for views in views.chunk_by(|(_, one), (_, next)| one.key == next.key) {
            let (first, View { key, .. }) = &views[0];
            let storage = self
                .entry(&format!("data/{key}"), u64::MAX)
                .with_context(|| format!("tensor {first}"))?;
            for (name, view) in views {
                let tensor =
                    self.tensor(view, &storage).with_context(|| format!("tensor {name}"))?;
                tensors.insert((*name).to_string(), tensor);
            }
        }
        Ok(tensors)
    }

    /// Returns the elements of a tensor in the bytes of its storage, last axis fastest.
    fn tensor(&mut self, view: &View<'_>, storage: &[u8]) -> Result<Tensor> {
        let View { dtype, offset, shape, strides, .. } = view;
        let count = shape.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
        let left = count.and_then(|count| self.left.checked_sub(count));
        self.left = left.with_context(|| {
            format!("its shape {shape:?} has more numbers than the file can hold")
        })?;
        let count = count.unwrap_or(0);
        let width = dtype.size_in_bytes();
        if count > 0 {
            let reach = shape.iter().zip(strides).try_fold(*offset, |last, (size, stride)| {
                (size - 1).checked_mul(*stride).and_then(|more| last.checked_add(more))
            });
            ensure!(
                reach.is_some_and(|last| last < storage.len() / width),
                "its shape {shape:?} with strides {strides:?} goes beyond its {} numbers in the file",
                storage.len() / width
            );
        }
        let mut bytes = Vec::with_capacity(count * width);
        let mut index = vec![0; shape.len()];
        let mut at = *offset;
        for _ in 0..count {
            bytes.extend_from_slice(&storage[at * width..(at + 1) * width]);
            for axis in (0..shape.len()).rev() {
                (index[axis], at) = (index[axis] + 1, at.wrapping_add(strides[axis]));
                if index[axis] < shape[axis] {
                    break;
                }
                at = at.wrapping_sub(shape[axis].wrapping_mul(strides[axis]));
                index[axis] = 0;
            }
        }
        let tensor = Tensor::from_raw_buffer(&bytes, *dtype, shape, &Device::Cpu);
        tensor.map_err(|error| anyhow::anyhow!("{}", plain(&error)))
    }
}

/// The most axes of a tensor.
const MOST_AXES: usize = 16;

/// Returns the tensor that a call in the pickle describes.
fn view(pickle: &Pickle, id: Id) -> Result<View<'_>> {
    let Value::Call { function, arguments } = pickle.get(id) else { bail!("expected a tensor") };
    let arguments = pickle.tuple(*arguments)?;
    let (function, arguments) = match (*function, arguments) {
        // The arguments of a parameter: a tensor, and whether it is trained.
        ("torch._utils._rebuild_parameter", [data, ..]) => match pickle.get(*data) {
            Value::Call { function, arguments } => (*function, pickle.tuple(*arguments)?),
            _ => bail!("expected a tensor"),
        },
        other => other,
    };
    let (
        "torch._utils._rebuild_tensor_v2" | "torch._utils._rebuild_tensor",
        [storage, offset, shape, strides, ..],
    ) = (function, arguments)
    else {
        bail!("expected a tensor, found the result of {function}");
    };
    let Value::Persistent(storage) = pickle.get(*storage) else { bail!("expected a storage") };
    let &[kind, class, key, ..] = pickle.tuple(*storage)? else { bail!("expected a storage") };
    ensure!(pickle.text(kind)? == "storage", "expected a storage");
    let Value::Global(class) = pickle.get(class) else { bail!("expected the type of a storage") };
    let dtype = match *class {
        "torch.FloatStorage" => DType::F32,
        "torch.DoubleStorage" => DType::F64,
        "torch.HalfStorage" => DType::F16,
        "torch.BFloat16Storage" => DType::BF16,
        "torch.ByteStorage" => DType::U8,
        "torch.LongStorage" => DType::I64,
        other => bail!("expected floats, found {other}: convert the model with model.float()"),
    };
    let (shape, strides) = (pickle.sizes(*shape)?, pickle.sizes(*strides)?);
    ensure!(
        shape.len() == strides.len() && shape.len() <= MOST_AXES,
        "expected at most {MOST_AXES} axes with a stride each, found {} axes and {} strides",
        shape.len(),
        strides.len()
    );
    Ok(View { dtype, key: pickle.text(key)?, offset: pickle.size(*offset)?, shape, strides })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    /// Returns the pickle of a state dict whose tensor `w` of floats is a view of the storage 0.
    fn pickle(offset: u8, shape: [u32; 2], strides: [u32; 2]) -> Vec<u8> {
        let text =
            |text: &str| [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
        let int = |value: u32| [b"J", &value.to_le_bytes()[..]].concat();
        let pair = |[a, b]: [u32; 2]| [int(a), int(b), b"\x86".to_vec()].concat();
        [
            b"\x80\x02}".to_vec(),
            text("w"),
            b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
            text("storage"),
            b"ctorch\nFloatStorage\n".to_vec(),
            text("0"),
            text("cpu"),
            b"K\x06tQK".to_vec(),
            vec![offset],
            pair(shape),
            pair(strides),
            b"\x89)tRs.".to_vec(),
        ]
        .concat()
    }

    /// Returns the tensor `w` of an archive whose storage 0 holds the numbers 0 to 5.
    fn tensor(pickle: &[u8]) -> Result<Vec<Vec<f32>>> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.pt");
        let storage: Vec<u8> = (0..6_u8).flat_map(|k| f32::from(k).to_le_bytes()).collect();
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options =
            zip::write::SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, bytes) in [("a/data.pkl", pickle), ("a/data/0", &storage)] {
            zip.start_file(name, options).unwrap();
            zip.write_all(bytes).unwrap();
        }
        std::fs::write(&path, zip.finish().unwrap().into_inner()).unwrap();
        Ok(read(&path)?["w"].to_vec2()?)
    }

    fn error(pickle: &[u8]) -> String {
        format!("{:#}", tensor(pickle).unwrap_err())
    }

    #[test]
    fn views_are_read_in_the_order_of_their_indices() {
        let rows = |offset, shape, strides| tensor(&pickle(offset, shape, strides)).unwrap();
        assert_eq!(rows(0, [2, 3], [3, 1]), [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]);
        assert_eq!(rows(0, [3, 2], [1, 3]), [[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]);
        assert_eq!(rows(2, [2, 3], [0, 1]), [[2.0, 3.0, 4.0]; 2]);
        assert_eq!(rows(5, [2, 2], [0, 0]), [[5.0; 2]; 2]);
        assert_eq!(rows(1, [2, 2], [2, 2]).len(), 2);
    }

    #[test]
    fn views_beyond_their_storage_or_of_any_size_are_refused() {
        for (offset, shape, strides) in [
            (1, [2, 3], [3, 1]),
            (0, [2, 3], [4, 1]),
            (6, [1, 1], [1, 1]),
            (0, [2, 2], [u32::MAX >> 1, 1]),
        ] {
            let found = error(&pickle(offset, shape, strides));
            assert!(found.contains("goes beyond its 6 numbers"), "{found}");
        }
        let found = error(&pickle(0, [1 << 30, 1 << 30], [0, 0]));
        assert!(found.contains("more numbers than the file can hold"), "{found}");
        let found = error(&pickle(0, [u32::MAX, 1], [1, 1]));
        assert!(found.contains("negative number"), "{found}");
    }

    #[test]
    fn other_files_are_refused_with_what_to_do() {
        let nested = b"\x80\x02}X\x05\x00\x00\x00model}s.";
        assert!(
            error(nested).contains("torch.save(checkpoint[\"model\"], FILE)"),
            "{}",
            error(nested)
        );
        assert!(error(b"\x80\x02K\x01.").contains("no dictionary of tensors"));
        assert!(error(b"cos\nsystem\n.").contains("more than tensors: os.system"));
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old.pt");
        std::fs::write(&path, b"\x80\x02\x8a\x0a").unwrap();
        let found = format!("{:#}", read(&path).unwrap_err());
        assert!(found.contains("not a zip archive"), "{found}");
    }
}
