//! Reads an archive that `torch.save` wrote: a pickle that describes the tensors, and an entry for each storage.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};

use anyhow::{Context, Result, bail, ensure};
use candle_core::DType;
use zip::{CompressionMethod, ZipArchive};

use super::array::Array;
use super::entries::choose;
use super::pickle::{Id, Pickle, Value};
use super::view::{View, is_tensor, view};

/// The most bytes of an archive's pickle. That of a million tensors has some 200 MB; a network of linear layers
/// has some hundred bytes for each tensor.
const MOST_PICKLE: u64 = 1 << 24;

/// The numbers that all tensors together may have beyond those in the file: tensors may share a storage, or
/// repeat a number along an axis.
const SHARED: usize = 1 << 22;

/// The first bytes of a file that `torch.save` wrote before PyTorch 1.6: a pickle of a number of 80 bits.
const OLD: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// What an archive holds.
pub(super) struct Contents {
    /// The tensors and their names.
    pub(super) tensors: Vec<(String, Array)>,
    /// The name of the dictionary that they are in, if it is not the outermost.
    pub(super) entry: Option<String>,
}

/// Reads the tensors of the dictionary called `entry`, or of the only one with tensors.
///
/// # Errors
///
/// Returns an error if the file is no such archive, is damaged, or has several such dictionaries or none.
pub(super) fn read(mut file: File, size: u64, entry: Option<&str>) -> Result<Contents> {
    let mut start = Vec::new();
    file.by_ref().take(OLD.len() as u64).read_to_end(&mut start)?;
    file.rewind()?;
    ensure!(
        start != OLD,
        "the file has the format of PyTorch before 1.6, which is not read: load it with a newer PyTorch and save it \
         again, with torch.save(torch.load(FILE), FILE)"
    );
    Archive::open(file, size)?.read(entry)
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
        ensure!(
            !names.iter().any(|name| name.ends_with("/constants.pkl")),
            "a TorchScript program: expected its weights alone. Write them with \
             torch.save(torch.jit.load(FILE).state_dict(), NEW)"
        );
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

    fn read(&mut self, entry: Option<&str>) -> Result<Contents> {
        if self.zip.index_for_name(&format!("{}byteorder", self.prefix)).is_some() {
            let order = self.entry("byteorder", 16)?;
            ensure!(
                order == b"little",
                "expected little-endian tensors: save the file on a little-endian machine"
            );
        }
        let pickle = Pickle::read(&self.entry("data.pkl", MOST_PICKLE)?)?;
        let entry = choose(&pickle, entry)?;
        let tensors = self.tensors(&pickle, entry.id)?;
        Ok(Contents { tensors, entry: entry.inner_name() })
    }

    /// Reads the tensors of a dictionary. What else it holds is no part of a network: settings, the number of an epoch.
    fn tensors(&mut self, pickle: &Pickle, dictionary: Id) -> Result<Vec<(String, Array)>> {
        let Value::Dict(items) = pickle.get(dictionary) else { bail!("expected a dictionary") };
        let mut views = BTreeMap::new();
        for (key, value) in items {
            if !is_tensor(pickle, *value, 0) {
                continue;
            }
            let name = pickle.text(*key).context("expected the name of a tensor as a key")?;
            let view = view(pickle, *value).with_context(|| format!("tensor {name}"))?;
            ensure!(views.insert(name, view).is_none(), "two tensors are called {name}");
        }
        // The views of one storage follow each other, so that each is read once and only one is in memory.
        let mut views: Vec<(&str, View<'_>)> = views.into_iter().collect();
        views.sort_by_key(|(_, view)| view.key);
        let mut tensors = Vec::new();
        for views in views.chunk_by(|(_, one), (_, next)| one.key == next.key) {
            let (first, View { key, .. }) = &views[0];
            let storage = self
                .entry(&format!("data/{key}"), u64::MAX)
                .with_context(|| format!("tensor {first}"))?;
            for (name, view) in views {
                let tensor =
                    self.tensor(view, &storage).with_context(|| format!("tensor {name}"))?;
                tensors.push(((*name).to_string(), tensor));
            }
        }
        Ok(tensors)
    }

    /// Returns the elements of a tensor in the bytes of its storage, last axis fastest.
    fn tensor(&mut self, view: &View<'_>, storage: &[u8]) -> Result<Array> {
        let View { class, offset, shape, strides, .. } = view;
        let dtype = match *class {
            "torch.FloatStorage" => DType::F32,
            "torch.DoubleStorage" => DType::F64,
            "torch.HalfStorage" => DType::F16,
            "torch.BFloat16Storage" => DType::BF16,
            other => return Ok(Array::other(shape, other)),
        };
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
        Array::decode(&bytes, dtype, shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    use crate::disk::input;

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

    /// Returns the rows of the tensor `w` of an archive whose storage 0 holds the numbers 0 to 5.
    fn tensor(pickle: &[u8]) -> Result<Vec<Vec<f64>>> {
        let found = opened(pickle, None)?;
        let (_, array) = &found.tensors[0];
        Ok(array.numbers("w")?.chunks(array.shape[1].max(1)).map(<[f64]>::to_vec).collect())
    }

    /// Returns what an archive with this pickle holds.
    fn opened(pickle: &[u8], entry: Option<&str>) -> Result<Contents> {
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
        let (file, size) = input::open(&path)?;
        read(file, size, entry)
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

    /// Returns the pickle of a dictionary with these values.
    fn dictionary(items: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = b"}(".to_vec();
        for (key, value) in items {
            bytes.extend(
                [b"X", &(key.len() as u32).to_le_bytes()[..], key.as_bytes(), value].concat(),
            );
        }
        bytes.extend(b"u");
        bytes
    }

    /// The value of [`pickle`] without the beginning and the end of a file: `{'w': tensor}`.
    fn weights() -> Vec<u8> {
        let whole = pickle(0, [2, 3], [3, 1]);
        whole[2..whole.len() - 1].to_vec()
    }

    fn whole(value: &[u8]) -> Vec<u8> {
        [b"\x80\x02", value, b"."].concat()
    }

    #[test]
    fn the_only_weights_in_a_checkpoint_are_found() {
        let optimiser = dictionary(&[("state", b"}"), ("param_groups", b"]")]);
        // As Lightning writes it: numbers, settings of a class of its own, lists of states.
        let settings: &[u8] = b"clightning\nSettings\n)\x81}X\x01\0\0\0kK\x01sb";
        let checkpoint = dictionary(&[
            ("epoch", b"K\x05"),
            ("state_dict", &weights()),
            ("optimizer_states", &[b"](".as_slice(), &optimiser, b"e"].concat()),
            ("hyper_parameters", settings),
        ]);
        let found = opened(&whole(&checkpoint), None).unwrap();
        assert_eq!(found.entry.as_deref(), Some("state_dict"));
        assert_eq!(found.tensors.len(), 1);
        assert_eq!(found.tensors[0].1.shape, [2, 3]);
    }

    #[test]
    fn several_weights_are_listed_and_one_is_chosen() {
        let average = dictionary(&[("shadow", &weights()), ("decay", b"K\x01")]);
        let checkpoint = whole(&dictionary(&[("model", &weights()), ("ema", &average)]));
        let found = format!("{:#}", opened(&checkpoint, None).err().expect("an error"));
        assert!(found.contains("choose one with --entry: model, ema.shadow"), "{found}");
        let found = opened(&checkpoint, Some("ema.shadow")).unwrap();
        assert_eq!(found.entry.as_deref(), Some("ema.shadow"));
        let found = format!("{:#}", opened(&checkpoint, Some("ema")).err().expect("an error"));
        assert!(found.contains("no dictionary of tensors called \"ema\""), "{found}");
    }

    #[test]
    fn other_files_are_refused_with_what_to_do() {
        let optimiser = dictionary(&[("state", b"}"), ("param_groups", b"]")]);
        let object: &[u8] = b"cmine\nNet\n)\x81}X\x01\0\0\0kK\x01sb";
        for (value, expected) in [
            (dictionary(&[("model", b"}")]), "without weights, with the keys model"),
            (optimiser.clone(), "the state of an optimiser"),
            (
                dictionary(&[("epoch", b"K\x01"), ("optimizer", &optimiser)]),
                "the state of an optimiser",
            ),
            (object.to_vec(), "more than tensors: mine.Net"),
            (object.to_vec(), "torch.save(model.state_dict(), FILE)"),
            (dictionary(&[("model", object)]), "model is a whole object (mine.Net)"),
            (b"K\x01".to_vec(), "no dictionary of tensors"),
            (b"cos\nsystem\n".to_vec(), "more than tensors: os.system"),
        ] {
            let found = error(&whole(&value));
            assert!(found.contains(expected), "{found}");
        }
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old.pt");
        for (bytes, expected) in
            [(&b"\x80\x02\x8a\x0a"[..], "not a zip archive"), (OLD, "PyTorch before 1.6")]
        {
            std::fs::write(&path, bytes).unwrap();
            let (file, size) = input::open(&path).unwrap();
            let found = format!("{:#}", read(file, size, None).err().expect("an error"));
            assert!(found.contains(expected), "{found}");
        }
    }
}
